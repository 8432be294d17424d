"""Words and shapes that every page uses. All of them escape what they are given."""

from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any

from django import template
from django.contrib.staticfiles import finders
from django.http import HttpRequest, QueryDict
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from vedette.core import clock
from vedette.issues.attachments import may_be_picture
from vedette.issues.lookup import FeedEntry
from vedette.issues.models import GroupInbox, InboxReason
from vedette.releases.versions import is_valid
from vedette.web import moments
from vedette.web import text as texts
from vedette.web.filters import tag_term
from vedette.web.history import Named, parts_of
from vedette.web.navigation import Link, links

register = template.Library()
THEMES = ("light", "dark")
FILTERED = "[Filtered]"


@register.filter
def visible(value: object) -> str:
    """Text of strangers with nothing invisible in it."""
    return texts.visible(str(value)) if value is not None else ""


@register.filter
def one_line(value: object, length: int = 300) -> str:
    """The first line that says something, nothing invisible in it."""
    return texts.one_line(texts.visible(str(value or "")), length)


@register.filter
def brief(value: int) -> str:
    """A count in at most five characters."""
    return texts.brief_number(value)


@register.filter
def filtered(value: object) -> SafeString:
    """Text in which every `[Filtered]` is marked as such."""
    parts = str(value).split(FILTERED)
    head = format_html("{}", parts[0])
    return head + format_html_join("", '<mark class="filtered">[Filtered]</mark>{}', ((part,) for part in parts[1:]))


@register.filter
def term(value: object, key: str) -> str:
    """`key:value` as the search language spells it."""
    return tag_term(key, str(value))


@register.filter
def share(part: int, whole: int) -> str:
    """A part in per cent: `37%`, `<1%`."""
    if whole <= 0:
        return "0%"
    percent = part * 100 / whole
    return "<1%" if 0 < percent < 1 else f"{int(percent)}%"


@register.filter
def of(values: dict[Any, Any], key: object) -> Any:
    """The value for a key; None where there is none."""
    return values.get(key)


@register.filter
def took(milliseconds: float) -> str:
    """A length of time: `12 ms`, `1.24 s`."""
    return texts.duration(milliseconds)


@register.filter
def percent(part: float) -> str:
    """A part of one in per cent: `4.2%`."""
    return texts.percent(part)


@register.filter
def width(part: int, whole: int) -> str:
    """A part as the width of a bar between 0 and 100, at least 1 if there is anything."""
    return f"{max(1.0, min(100.0, part * 100 / whole)):.1f}" if whole > 0 and part > 0 else "0"


@register.simple_tag
def moment(value: datetime | None, suffix: str = "") -> SafeString | str:
    """A moment: relative on the surface, exact on hover and focus, RFC 3339 in UTC for machines and the clipboard."""
    if value is None:
        return "—"
    said = moments.age(value, clock.now())
    ending = f" {suffix}" if suffix and said != "now" and not said.startswith("in ") else ""
    return format_html(
        '<time datetime="{}" title="{}">{}{}</time>', moments.machine(value), moments.exact(value), said, ending
    )


@register.filter
def machine(value: datetime) -> str:
    """RFC 3339 in UTC."""
    return moments.machine(value)


@register.filter
def exact(value: datetime) -> str:
    """To the second, in UTC, for people."""
    return moments.exact(value)


@register.simple_tag(takes_context=True)
def told(context: dict[str, Any], entry: FeedEntry, commits: dict[str, str] | None = None) -> SafeString:
    """An entry of an issue's history as a sentence. Releases and issues are links, and commits with an address in
    `commits`."""
    organization = context["organization"].slug

    def shown(part: str | Named) -> str | SafeString:
        if isinstance(part, str):
            return part
        address = (commits or {}).get(part.value, "")
        if part.kind == "release":
            address = reverse("web:release", args=[organization, part.value]) if is_valid(part.value) else ""
        if part.kind == "issue":
            address = reverse("web:issue", args=[organization, part.value])
        return format_html('<a href="{}">{}</a>', address, part.text) if address else part.text

    return format_html_join("", "{}", ((shown(part),) for part in parts_of(entry)))


WAITS_FOR = {
    InboxReason.NEW: "it is new",
    InboxReason.UNIGNORED: "its archive ended",
    InboxReason.REGRESSION: "it came back",
    InboxReason.MANUAL: "somebody put it here",
    InboxReason.REPROCESSED: "it was processed again",
    InboxReason.ESCALATING: "it happens more often than expected",
    InboxReason.ONGOING: "its archive is over",
}


@register.filter
def waits_for(row: GroupInbox) -> str:
    """Why an issue waits to be looked at."""
    return WAITS_FOR.get(InboxReason(row.reason), "")


@register.simple_tag
def exactly(value: datetime | None) -> SafeString | str:
    """A moment to the second, in UTC."""
    if value is None:
        return "—"
    return format_html('<time datetime="{}">{}</time>', moments.machine(value), moments.exact(value))


@register.simple_tag
def asset(path: str) -> str:
    """The address of a static file, changed whenever the file is."""
    return f"{static(path)}?{_fingerprint(path)}"


@cache
def _fingerprint(path: str) -> str:
    found = finders.find(path)
    if not isinstance(found, str):
        raise template.TemplateSyntaxError(f"there is no static file {path}")
    with open(found, "rb") as file:
        return sha256(file.read()).hexdigest()[:12]


@register.simple_tag(takes_context=True)
def theme(context: dict[str, Any]) -> str:
    """The colour scheme that the visitor chose; empty for the system's."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "") if isinstance(request, HttpRequest) else ""
    return chosen if chosen in THEMES else ""


@register.simple_tag(takes_context=True)
def this_page(context: dict[str, Any]) -> str:
    """The address of the page that is looked at, also where the answer is only a fragment of it."""
    request = context["request"]
    shown: str | None = request.htmx.current_url_abs_path if request.htmx else None
    return shown or str(request.get_full_path())


@register.simple_tag(takes_context=True)
def here(context: dict[str, Any], **changes: object) -> str:
    """This page's query string with some parameters changed; None takes one away. The cursor goes: back to page one."""
    request: HttpRequest = context["request"]
    query: QueryDict = request.GET.copy()
    query.pop("cursor", None)
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.inclusion_tag("web/_level.html")
def level(word: str, silent: bool = False) -> dict[str, object]:
    """A level as a shape and a word; `silent` hides the word from the eye but not from screen readers."""
    return {"word": word, "silent": silent}


register.filter("is_picture", may_be_picture)


@register.simple_tag(takes_context=True)
def navigation(context: template.Context, place: str) -> tuple[Link, ...]:
    """The links of a place (`organization`, `settings`, `project`) for the visitor of this page."""
    match = context["request"].resolver_match
    return links(place, match.url_name if match else "", context.get("access"))
