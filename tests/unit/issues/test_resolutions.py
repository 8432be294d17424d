"""When a resolution in a release holds: the rows of the issue workflow specification, 6.2, and its cases, 6.3."""

from datetime import UTC, datetime, timedelta

import pytest

from vedette.issues.resolutions import Dated, Resolution, judge

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def release(version: str, day: int = 0, pk: int = 0) -> Dated:
    return Dated(pk or 100 + day, version, NOON + timedelta(days=day))


A, B, C, D = (release(version, day) for day, version in enumerate("abcd"))
ONE = release("p@1.2.0", 5)
OLDER = release("p@1.1.9", 9)
CANDIDATE = release("p@1.2.0-rc.1", 8)
NEWER = release("p@1.3.0", 1)
OTHER = release("q@3.0.0", 7)

in_one = Resolution(ONE, is_next=False)
after_one = Resolution(ONE, is_next=False, current_version="p@1.2.0", current=ONE)
in_b = Resolution(B, is_next=False)
c_after_b = Resolution(C, is_next=False, current_version="b", current=B)
pending_on_c = Resolution(C, is_next=True, current_version="c", current=C)
next_of_b = Resolution(B, is_next=True)


@pytest.mark.parametrize(
    ("resolution", "event", "by_version", "holds", "row"),
    [
        pytest.param(None, A, True, False, 1, id="plainly"),
        pytest.param(None, None, True, False, 1, id="plainly, event without release"),
        pytest.param(in_one, None, True, True, 2, id="event without release"),
        pytest.param(after_one, ONE, True, True, 3, id="semver, next: the current one"),
        pytest.param(after_one, OLDER, True, True, 3, id="semver, next: an older one, however late"),
        pytest.param(after_one, CANDIDATE, True, True, 3, id="semver, next: its candidate"),
        pytest.param(after_one, release("p@1.2.1-rc.1"), True, False, 3, id="semver, next: a candidate of the next"),
        pytest.param(after_one, release("p@1.2.0+77"), True, False, 3, id="semver, next: a later build"),
        pytest.param(
            Resolution(NEWER, False, "p@1.1.0"), ONE, True, True, 3, id="semver, next: before the row's release"
        ),
        pytest.param(c_after_b, A, False, True, 4, id="dates, next: before the current one"),
        pytest.param(c_after_b, B, False, True, 4, id="dates, next: the current one"),
        pytest.param(c_after_b, C, False, False, 4, id="dates, next: the one after it"),
        pytest.param(c_after_b, D, False, False, 4, id="dates, next: a later one"),
        pytest.param(pending_on_c, C, False, True, 4, id="dates, pending: the current one"),
        pytest.param(pending_on_c, B, False, True, 4, id="dates, pending: an older one"),
        pytest.param(pending_on_c, D, False, False, 4, id="dates, pending: a later one"),
        pytest.param(
            Resolution(B, False, "p@1.2.0", A), release("q@9.0.0", 5), True, False, 4, id="other packages go by dates"
        ),
        pytest.param(next_of_b, B, False, True, 5, id="next without current: the same"),
        pytest.param(next_of_b, A, False, True, 5, id="next without current: an older one"),
        pytest.param(next_of_b, C, False, False, 5, id="next without current: a later one"),
        pytest.param(Resolution(B, True, "gone"), A, False, True, 5, id="the current one is gone"),
        pytest.param(in_one, ONE, True, False, 6, id="in release: the same"),
        pytest.param(in_b, B, False, False, 6, id="dates, in release: the same"),
        pytest.param(in_one, OLDER, True, True, 7, id="semver, in release: an older one, however late"),
        pytest.param(in_one, CANDIDATE, True, True, 7, id="semver, in release: its candidate"),
        pytest.param(in_one, NEWER, True, False, 7, id="semver, in release: a newer one, however early"),
        pytest.param(in_b, A, False, True, 8, id="dates, in release: an older one"),
        pytest.param(in_b, C, False, False, 8, id="dates, in release: a later one"),
        pytest.param(in_one, OTHER, True, False, 8, id="in release: another package goes by dates"),
        pytest.param(in_b, release("b2", 1, pk=99), False, True, 8, id="dates, equal: the smaller id is older"),
        pytest.param(in_b, release("b2", 1, pk=999), False, False, 8, id="dates, equal: the greater id is later"),
    ],
)
def test_a_resolution_holds(
    resolution: Resolution | None, event: Dated | None, by_version: bool, holds: bool, row: int
) -> None:
    verdict = judge(resolution, event, by_version=by_version)

    assert (verdict.holds, verdict.row) == (holds, row)


def test_bare_versions_are_ordered_where_a_project_says_so() -> None:
    resolution = Resolution(release("1.2.0", 5), is_next=False)

    assert judge(resolution, release("1.1.0", 9), by_version=True, without_package=True).row == 7
    assert judge(resolution, release("1.1.0", 9), by_version=True).row == 8
