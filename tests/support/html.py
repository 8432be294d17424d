"""What a page must not contain, whatever an event says."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

URL_ATTRIBUTES = ("href", "src", "action", "formaction", "srcset", "poster", "data", "xlink:href", "hx-get", "hx-post")
SCHEMES = ("", "http", "https", "mailto")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.harm: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        shown = (self.get_starttag_text() or "")[:200]
        if tag.startswith("x-") or tag in ("iframe", "object", "embed", "base"):
            self.harm.append(f"an element of an event's making: {shown}")
        if tag == "style" or "style" in given:
            self.harm.append(f"inline style: {shown}")
        if tag == "script":
            self._in_script = "src" not in given and given.get("type") != "application/json"
        for name, value in attrs:
            if name.startswith("on"):
                self.harm.append(f"an event handler: {shown}")
            if name in URL_ATTRIBUTES and not _is_safe(value or "", tag):
                self.harm.append(f"a dangerous address: {shown}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.harm.append(f"inline script: {data[:200]}")


def _is_safe(address: str, tag: str) -> bool:
    try:
        scheme = urlsplit(address.strip()).scheme.lower()
    except ValueError:
        return False
    return scheme in SCHEMES or (scheme == "data" and tag == "img" and address.startswith("data:image/"))


def harm_in(page: str) -> list[str]:
    """Everything on a page that a browser would run or follow and that a page of ours never has."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.harm
