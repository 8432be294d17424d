"""Pages of lists and the `Link` header that leads through them.

Source: the API specification, section 8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import QueryDict
from rest_framework.request import Request

from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.core.paging import Cursor

MAX_PER_PAGE = 100
T = TypeVar("T")
M = TypeVar("M", bound=Model)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows, and the cursors before and after them. `hits` is how many rows match in all, where that was counted."""

    rows: Sequence[T]
    previous: Cursor
    next: Cursor
    has_previous: bool
    has_next: bool
    hits: int | None = None


def per_page(query: QueryDict, most: int = MAX_PER_PAGE) -> int:
    """How many rows the caller wants. Raises `RuleBroken`."""
    text = query.get("per_page")
    if not text:
        return most
    number = as_id(text)
    if not number:
        raise RuleBroken("Invalid per_page parameter.")
    if number > most:
        raise RuleBroken(f"Invalid per_page value. Cannot exceed {most}.")
    return number


def limit(query: QueryDict, default: int = 25) -> int:
    """The `limit` of issue lists, capped without a word: Grafana asks for 10,000. Raises `RuleBroken`."""
    text = query.get("limit") or query.get("per_page")
    if not text:
        return default
    number = as_id(text)
    if number is None:
        raise RuleBroken("Invalid limit parameter.")
    return min(max(number, 1), MAX_PER_PAGE)


def cursor_of(query: QueryDict) -> Cursor | None:
    """The cursor of the request; None is the first page. Raises `RuleBroken`."""
    return Cursor.parse(query.get("cursor", ""))


def number_of(query: QueryDict) -> int:
    """Which page the cursor of a numbered list (`size:number:…`) means, from 0. Raises `RuleBroken`."""
    cursor = cursor_of(query)
    return max(cursor.offset, 0) if cursor else 0


def numbered(rows: Sequence[R], size: int, number: int, *, has_next: bool) -> Page[R]:
    """Page `number`, whose `rows` are read already, of a list in pages of `size`."""
    return Page(rows, Cursor(size, number - 1, True), Cursor(size, number + 1), number > 0, has_next)


def by_number(rows: QuerySet[Any, R] | Sequence[R], query: QueryDict, most: int = MAX_PER_PAGE) -> Page[R]:
    """The page with the cursor's number (`size:number:…`) of rows in a settled order, `most` of them if nobody says."""
    size, number = per_page(query, most), number_of(query)
    found = list(rows[number * size : (number + 1) * size + 1])
    return numbered(found[:size], size, number, has_next=len(found) > size)


def by_id(rows: QuerySet[M], query: QueryDict, key: str = "pk") -> Page[M]:
    """A page of rows in the order of their ids, or of another whole number that no two of them share: nothing is told
    twice or left out while rows are added."""
    size = per_page(query)
    cursor = cursor_of(query)
    if cursor is not None and cursor.backwards:
        found = list(rows.filter(**{f"{key}__lt": cursor.value}).order_by(f"-{key}")[: size + 1])
        shown, has_previous, has_next = found[:size][::-1], len(found) > size, True
    else:
        start = cursor.value if cursor else 0
        found = list(rows.filter(**{f"{key}__gte": start}).order_by(key)[: size + 1])
        shown, has_next = found[:size], len(found) > size
        has_previous = cursor is not None and rows.filter(**{f"{key}__lt": start}).exists()
    first = getattr(shown[0], key) if shown else (cursor.value if cursor else 0)
    after = (getattr(shown[-1], key) if shown else first) + 1
    return Page(shown, Cursor(first, 0, True), Cursor(after), has_previous, has_next)


def by_offset(rows: Sequence[T], start: int, size: int) -> Page[T]:
    """A page of at most `size` of `rows`, which were read from row `start` on with one row more than fits."""
    return Page(
        rows[:size], Cursor(0, max(start - size, 0), True), Cursor(0, start + size), start > 0, len(rows) > size
    )


def headers_of(page: Page[Any], request: Request) -> dict[str, str]:
    """`Link`, and the counts where there are any."""
    headers = {"Link": f"{_link(request, page.previous, 'previous', page.has_previous)}, "
                       f"{_link(request, page.next, 'next', page.has_next)}"}  # fmt: skip
    if page.hits is not None:
        headers["X-Hits"] = str(page.hits)
    return headers


def _link(request: Request, cursor: Cursor, rel: str, results: bool) -> str:
    query = request.query_params.copy()
    query.pop("cursor", None)
    address = f"{settings.VEDETTE.url}{quote(request.path)}?{query.urlencode()}&cursor={cursor}"
    return f'<{address}>; rel="{rel}"; results="{str(results).lower()}"; cursor="{cursor}"'
