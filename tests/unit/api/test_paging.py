"""The `Link` header and the pages that it leads through."""

import pytest
from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from vedette.api.paging import Page, by_number, by_offset, headers_of, limit
from vedette.core.paging import Cursor


def links(url, page):
    return headers_of(page, Request(APIRequestFactory().get(url)))["Link"]


def test_both_links_are_always_there():
    page = Page([], Cursor(100, -1, True), Cursor(100, 1), False, False)

    assert links("/api/0/organizations/", page) == (
        '<http://127.0.0.1:9000/api/0/organizations/?&cursor=100:-1:1>; rel="previous"; results="false"; '
        'cursor="100:-1:1", '
        '<http://127.0.0.1:9000/api/0/organizations/?&cursor=100:1:0>; rel="next"; results="false"; cursor="100:1:0"'
    )


def test_repeated_parameters_are_kept_and_the_cursor_is_replaced():
    page = Page([], Cursor(), Cursor(0, 2), True, True)

    header = links("/api/0/x%20y/?field=a&field=b%2Cc&cursor=9:9:9", page)

    assert "/api/0/x%20y/?field=a&field=b%2Cc&cursor=0:2:0>" in header
    assert header.count(",") == 1  # some clients split at every comma


@pytest.mark.parametrize(
    ("query", "rows", "has_previous", "has_next"),
    [
        ("per_page=2", ["a", "b"], False, True),
        ("per_page=2&cursor=2:1:0", ["c", "d"], True, True),
        ("per_page=2&cursor=2:2:0", ["e"], True, False),
        ("per_page=2&cursor=2:9:0", [], True, False),
        ("per_page=2&cursor=2:-1:1", ["a", "b"], False, True),
        ("per_page=5", list("abcde"), False, False),
    ],
)
def test_pages_by_number(query, rows, has_previous, has_next):
    page = by_number(list("abcde"), QueryDict(query))

    assert (page.rows, page.has_previous, page.has_next) == (rows, has_previous, has_next)


def test_a_page_of_rows_from_an_offset():
    page = by_offset(["c", "d", "e"], 2, 2)

    assert (page.rows, str(page.previous), str(page.next)) == (["c", "d"], "0:0:1", "0:4:0")
    assert (page.has_previous, page.has_next) == (True, True)


@pytest.mark.parametrize(
    ("query", "size"), [("", 25), ("limit=7", 7), ("limit=10000", 100), ("per_page=9", 9), ("limit=0", 1)]
)
def test_issue_lists_cap_their_limit_without_a_word(query, size):
    assert limit(QueryDict(query)) == size
