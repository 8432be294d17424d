"""The gate's judgement, without anything measured."""

import pytest

from vedette.releases.gate import Bounds, Counted, few_issues, high_rate, is_final, passed

NEW = {"what": "new in this release"}
CALM = {"what": "of sessions did not crash", "unknown": "No sessions."}


def test_nothing_is_asked_for_until_a_bound_is_named():
    assert Bounds().is_empty
    assert not Bounds(max_new_issues=0).is_empty


@pytest.mark.parametrize(
    ("counted", "bound", "is_met", "reason"),
    [
        (Counted(), 0, True, "No issues are new in this release; at most 0 may be."),
        (Counted((7,)), 0, False, "1 issue is new in this release; at most 0 may be."),
        (Counted((7, 8)), 2, True, "2 issues are new in this release; at most 2 may be."),
        (
            Counted((7,), archived=2),
            1,
            True,
            "1 issue is new in this release; at most 1 may be. Not counted: 2 archived.",
        ),
        (
            Counted((), archived=1, resolved=3),
            0,
            True,
            "No issues are new in this release; at most 0 may be. Not counted: 1 archived and 3 resolved.",
        ),
    ],
)
def test_issues_are_counted_against_a_bound(counted, bound, is_met, reason):
    check = few_issues("new-issues", counted, bound, **NEW)

    assert (check.measured, check.passed, check.reason) == (len(counted.issues), is_met, reason)
    assert not check.can_recover


def test_a_note_stands_behind_the_reason():
    check = few_issues("new-issues", Counted(), 0, **NEW, note="Nothing has arrived.")

    assert check.reason == "No issues are new in this release; at most 0 may be. Nothing has arrived."


def test_issues_that_nobody_can_count_have_not_passed_but_may_yet():
    check = few_issues("new-issues", Counted(), 5, **NEW, unknown="Nobody knows.")

    assert (check.measured, check.passed, check.can_recover, check.reason) == (None, False, True, "Nobody knows.")


@pytest.mark.parametrize(
    ("rate", "bound", "is_met", "shown"),
    [
        (99.5, 99.5, True, "99.5% of sessions did not crash; at least 99.5% are asked for."),
        ((1 - 1 / 1000) * 100, 99.9, True, "99.9% of sessions did not crash; at least 99.9% are asked for."),
        (99.49999, 99.5, False, "99.499% of sessions did not crash; at least 99.5% are asked for."),
        (99.9999, 100, False, "99.999% of sessions did not crash; at least 100% are asked for."),
        (0.0, 0, True, "0% of sessions did not crash; at least 0% are asked for."),
    ],
)
def test_a_rate_is_held_against_a_bound_and_never_rounded_up(rate, bound, is_met, shown):
    check = high_rate("crash-free-sessions", rate, bound, **CALM)

    assert (check.passed, check.can_recover, check.reason) == (is_met, True, shown)


def test_a_rate_that_nobody_can_tell_has_not_passed_but_may_yet():
    check = high_rate("crash-free-sessions", None, 0, **CALM)

    assert (check.measured, check.passed, check.can_recover, check.reason) == (None, False, True, "No sessions.")


def test_one_failure_is_enough_and_one_that_cannot_recover_is_final():
    good, low = high_rate("a", 100, 99, **CALM), high_rate("b", 90, 99, **CALM)
    many = few_issues("c", Counted((1,)), 0, **NEW)

    assert (passed([good]), is_final([good])) == (True, True)
    assert (passed([good, low]), is_final([good, low])) == (False, False)
    assert (passed([good, low, many]), is_final([good, low, many])) == (False, True)
