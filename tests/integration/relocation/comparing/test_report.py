"""The report of a comparison: it stands alone, shows what was found, and believes nothing that the files say."""

import io
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from tests.support.relocation import as_file
from vedette.relocation.comparing import compare, report
from vedette.relocation.comparing.report import write_report
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.meanings import MEANINGS

WHEN = datetime(2026, 11, 21, 20, 30, tzinfo=UTC)
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)></pre><!--'


class Elements(HTMLParser):
    """The elements and attributes of a page, what is open at its end, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name == "href"]
        if tag not in ("meta", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


@pytest.fixture
def page(tmp_path):
    """The report of comparing two lists of rows."""

    def _page(left, right, /, **names):
        result = compare(io.BytesIO(as_file(left)), io.BytesIO(as_file(right)), work_dir=tmp_path)
        stream = io.BytesIO()
        write_report(stream, result, **({"left": "before.json", "right": "after.json"} | names), made_at=WHEN)
        result.findings.close()
        return stream.getvalue().decode()

    return _page


def team(pk, **fields):
    return {"model": "sentry.team", "pk": pk, "fields": fields}


def test_a_clean_comparison_says_so(page):
    text = Elements(page([team(1, slug="a")], [team(1, slug="a")])).text

    assert "No differences" in text
    assert "1 row of 1 model on the left" in text
    assert "2026-11-21 20:30 UTC" in text


def test_what_was_found_is_shown_with_what_it_means_and_where_it_is(page):
    shown = Elements(page([team(3, name="Web", organization=1)], [team(5, name="Shop", organization=None)]))

    assert "2 differences in 1 model" in shown.text
    for kind in (FindingKind.UNEQUAL_JSON, FindingKind.FOREIGN_KEY_EXISTENCE):
        assert MEANINGS[kind].means in shown.text
    assert '-  "name": "Web"' in shown.text
    assert '+  "name": "Shop"' in shown.text
    assert "pk 3 → 5" in shown.text
    assert "line 2 of the left" in shown.text


def test_every_link_leads_to_a_model_of_the_page(page):
    strange = {"model": "x.y_z", "pk": 1, "fields": {"a": 1}}
    shown = Elements(page([team(1, name="a"), strange], [team(1, name="b"), {**strange, "fields": {"a": 2}}]))

    assert len(shown.links) == 2
    assert {link.removeprefix("#") for link in shown.links} <= {*shown.ids}
    assert len({*shown.ids}) == len(shown.ids)


def test_nothing_that_the_files_say_becomes_part_of_the_page(page):
    plain = Elements(page([team(1, name="a")], [team(1, name="b")]))
    left = [team(1, **{HOSTILE: HOSTILE}), {"model": "x.y", "pk": 1, "fields": {HOSTILE: 1}}]
    right = [team(1, **{HOSTILE: "b"}), {"model": "x.y", "pk": 1, "fields": {HOSTILE: HOSTILE}}]

    shown = Elements(page(left, right, left=HOSTILE, right=HOSTILE))

    assert shown.open == []
    assert shown.tags - plain.tags <= {"ul", "li"}  # the notes about the model that nobody knows
    assert shown.attributes == plain.attributes
    assert "alert(1)" in shown.text


def test_the_page_fetches_nothing_and_runs_nothing(page):
    text = page([team(1, name="a")], [team(1, name="b")])

    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    assert not re.search(r"<script|<link|<img|@import|url\(|https?:", text)


def test_of_many_differences_the_first_ones_are_shown_and_the_others_counted(page, monkeypatch):
    monkeypatch.setattr(report, "SHOWN_PER_MODEL", 3)
    left, right = ([team(pk, name=name) for pk in range(1, 11)] for name in ("a", "b"))

    text = Elements(page(left, right)).text

    assert text.count("line") == 3
    assert "10 differences in 1 model" in text
    assert "7 more differences of this model" in text
