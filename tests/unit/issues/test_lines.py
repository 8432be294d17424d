"""Which of several releases an event is measured by: the issue workflow specification, 6.5."""

from datetime import UTC, datetime, timedelta

import pytest

from vedette.issues.lines import greatest_first, of_line
from vedette.issues.resolutions import Dated

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def release(version: str, day: int = 0) -> Dated:
    return Dated(100 + day, version, NOON + timedelta(days=day))


LISTED = [release("p@3.0.1", 1), release("p@2.3.1", 3), release("p@2.3.0", 2), release("q@9.0.0", 0)]


@pytest.mark.parametrize(
    ("event", "decides"),
    [
        pytest.param("p@2.3.0-rc.1", "p@2.3.1", id="the greatest of its line"),
        pytest.param("p@3.0.0", "p@3.0.1", id="the only one of its line"),
        pytest.param("p@2.9.0", "p@2.3.1", id="no line: the greatest of its major version"),
        pytest.param("p@4.0.0", "p@2.3.0", id="neither: the smallest of its package"),
        pytest.param("q@1.0.0", "q@9.0.0", id="another package has its own"),
        pytest.param("r@1.0.0", "q@9.0.0", id="a package without any: the oldest"),
        pytest.param("nightly", "q@9.0.0", id="no version: the oldest"),
    ],
)
def test_an_event_is_measured_by_its_line(event, decides):
    assert of_line(LISTED, release(event, 9), by_version=True).version == decides


def test_where_dates_order_the_oldest_decides():
    assert of_line(LISTED[:3], release("p@3.0.0", 9), by_version=False).version == "p@3.0.1"


def test_bare_versions_have_lines_where_the_project_says_so():
    bare = [release("3.0.1"), release("2.3.1", 1)]

    assert of_line(bare, release("3.0.0", 2), by_version=True, without_package=True).version == "3.0.1"


def test_the_greatest_stands_for_all():
    assert [one.version for one in greatest_first(LISTED[1:3])] == ["p@2.3.1", "p@2.3.0"]
    assert [one.version for one in greatest_first([release("a", 1), release("b", 2)])] == ["b", "a"]
