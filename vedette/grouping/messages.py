"""Messages without what changes from one occurrence to the next.

Source: the grouping specification, section 8.
"""

import re
from collections.abc import Iterable

_LONGEST = 8192
_KEPT = 4096
_TLDS = (
    "com org net io de uk cn ru info br fr it nl eu pl in au jp ca us es ch biz co me se kr be at cz dk no fi ir ua mx "
    "za hu gr ro tr ar tv cc tw cl sk pt il nz ie id vn th my sg hk by kz lt lv ee bg si hr rs ws pe ve ma pk bd ph "
    "ae sa eg ng ke xyz top online site shop club app dev cloud ai mobi pro name edu gov mil int local asia tech live"
).split()
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DAYS = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG_DAYS = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
_ZONE = r"(?:Z|[+-]\d{2}:?\d{2})"
_H = "[0-9a-fA-F]{1,4}"
_IPV4 = r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"

_PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "email",
        r"(?<![a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-])[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]++@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*",
    ),
    ("url", r"\b(?:wss?|https?|ftp)://\S+"),
    (
        "hostname",
        rf"(?<![\w.-])(?:[a-zA-Z0-9-]{{1,63}}\.)+"
        rf"(?:{'|'.join(_TLDS)}|{'|'.join(tld.upper() for tld in _TLDS)})(?![\w.-]*\w)",
    ),
    (
        "ip",
        rf"(?<![\w:.])(?:(?:{_H}:){{7}}{_H}|(?:{_H}:){{1,7}}:|(?:{_H}:){{1,6}}(?::{_H}){{1,6}}|:(?::{_H}){{1,7}})(?![\w:])"
        rf"|(?<![\w.]){_IPV4}(?![\w]|\.\d)",
    ),
    ("traceparent", r"\b(?:00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]|1-[0-9a-f]{8}-[0-9a-f]{24})\b"),
    ("uuid", r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"),
    ("sha1", r"\b[0-9a-fA-F]{40}\b"),
    ("md5", r"\b[0-9a-fA-F]{32}\b"),
    (
        "date",
        rf"\b{_DAYS},? \d{{1,2}} (?:{_MONTHS}) \d{{2,4}} {_CLOCK}(?: (?:[A-Z]{{1,4}}|[+-]\d{{4}}))?"
        rf"|\b{_LONG_DAYS}, \d{{2}}-(?:{_MONTHS})-\d{{2,4}} {_CLOCK}(?: [A-Z]{{1,4}})?"
        rf"|\b{_DAYS} (?:{_MONTHS}) \d{{1,2}} \d{{4}} {_CLOCK}(?: GMT[+-]\d{{4}}(?: \([^)]*\))?)?"
        rf"|\b{_DAYS} (?:{_MONTHS}) +\d{{1,2}} {_CLOCK}(?: [A-Z]{{1,4}})? \d{{4}}"
        rf"|\b(?:{_MONTHS}) +\d{{1,2}}(?:, \d{{4}}(?: {_CLOCK})?| {_CLOCK}(?: \d{{4}})?)"
        rf"|\b\d{{1,2}} (?:{_MONTHS}) \d{{4}}(?: {_CLOCK}(?: (?:[A-Z]{{1,4}}|[+-]\d{{4}}))?)?"
        rf"|\b\d{{4}}-\d{{2}}-\d{{2}}(?:[ T]{_CLOCK} ?{_ZONE}?)?(?!\d)"
        rf"|\b\d{{8}}[ T]\d{{2}}:?\d{{2}}:?\d{{2}}\b"
        r"|\bdatetime\.datetime\([^)]*\)"
        r"|(?<![\d:.])\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AP]M\b)?(?![\d:])",
    ),
    ("duration", r"\b\d+(?:\.\d+)?(?:ms|s)\b"),
    ("swift_txn_id", r"\btx[0-9a-f]{21}-[0-9a-f]{10}\S*"),
    (
        "hex",
        r"\b0[xX][0-9a-fA-F]+\b|\b(?=[a-f]*[0-9])[0-9a-f]{8,128}\b|\b(?=[A-F]*[0-9])[0-9A-F]{8,128}\b",
    ),
    ("git_sha", r"\b(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{7}\b"),
    ("float", r"(?<!\w)-?\d+\.\d+\b|(?<=[a-zA-Z]\d\.)\d+\.\d+\b"),
    ("int", r"(?<!\w)-?\b\d{1,7}\b|\b\d{1,7}\b"),
    ("quoted_str", r"(?<==)(?:'[^'\n]*'|\"[^\"\n]*\")"),
    ("bool", r"(?<==)(?:True|true|False|false)\b"),
)
_IPV6 = rf"(?:{_H}:){{7}}{_H}|(?:{_H}:){{1,7}}:|(?:{_H}:){{1,6}}(?::{_H}){{1,6}}|:(?::{_H}){{1,7}}"
_UNTIL_2023 = {
    "ip": rf"{_IPV6}|{_IPV4}",
    "hex": r"\b0[xX][0-9a-fA-F]+\b",
    "int": r"-?\b\d+\b",
}
_SINCE_2026 = frozenset({"hostname", "traceparent", "swift_txn_id", "git_sha"})
# Without a digit, an @, a scheme, a dot or an equals sign nothing above can match.
_MAYBE = re.compile(r"[0-9@:.=]")


class Messages:
    """One way to tell what of a message counts; remembers what it was asked, within bounds."""

    __slots__ = ("_any", "_known")

    def __init__(self, patterns: Iterable[tuple[str, str]]) -> None:
        self._any = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in patterns))
        self._known: dict[str, str] = {}

    def parameterise(self, text: str) -> str:
        """`text` with addresses, numbers, dates … replaced by `<int>` and the like."""
        if len(text) > _LONGEST or _MAYBE.search(text) is None:
            return text
        result = self._known.get(text)
        if result is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            result = self._known[text] = self._any.sub(_placeholder, text)
        return result

    def normalise(self, text: str) -> str:
        """What of a message counts: its first two lines that are not empty, parameterised."""
        return self.parameterise(cut_lines(text))


def cut_lines(text: str) -> str:
    """The first two non-empty lines, with `...` behind them if anything was cut."""
    if "\n" not in text and "\r" not in text:
        return text
    lines = text.splitlines()
    kept = [line for line in lines if line.strip()][:2]
    return "\n".join(kept) + ("..." if len(kept) < len(lines) else "")


def _placeholder(match: re.Match[str]) -> str:
    return f"<{match.lastgroup}>"


MESSAGES_2026 = Messages(_PATTERNS)
MESSAGES_2023 = Messages(
    (name, _UNTIL_2023.get(name, pattern)) for name, pattern in _PATTERNS if name not in _SINCE_2026
)
