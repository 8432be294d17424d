"""What sums of sessions mean, by numbers that were worked out by hand (release health specification, section 5)."""

import pytest

from vedette.events.rows import SessionTotals
from vedette.releases import rates
from vedette.releases.rates import RATES, sessions_by_status, users_by_status

SOME = SessionTotals(
    sessions=200,
    crashed=10,
    abnormal=6,
    unhandled=4,
    errored=50,
    users=40,
    users_errored=20,
    users_crashed=8,
    users_abnormal=4,
    users_unhandled=2,
    users_anr=3,
    users_anr_foreground=1,
)


def test_the_statuses_part_all_sessions():
    found = sessions_by_status(SOME)

    assert found == {"healthy": 150, "errored": 30, "crashed": 10, "abnormal": 6, "unhandled": 4}
    assert sum(found.values()) == SOME.sessions
    assert users_by_status(SOME) == {"healthy": 20, "errored": 6, "crashed": 8, "abnormal": 4, "unhandled": 2}


@pytest.mark.parametrize(
    ("name", "expected"),
    {
        "crash_rate(session)": 0.05,
        "crash_rate(user)": 0.2,
        "crash_free_rate(session)": 0.95,
        "crash_free_rate(user)": 0.8,
        "anr_rate()": 0.075,
        "foreground_anr_rate()": 0.025,
        "abnormal_rate(session)": 0.03,
        "abnormal_rate(user)": 0.1,
        "unhandled_rate(session)": 0.02,
        "unhandled_rate(user)": 0.05,
        "errored_rate(session)": 0.15,
        "errored_rate(user)": 0.15,
        "unhealthy_rate(session)": 0.25,
    }.items(),
)
def test_each_rate_is_a_part_of_its_own_kind(name, expected):
    assert RATES[name](SOME) == pytest.approx(expected)


def test_there_is_no_rate_that_was_not_checked():
    assert len(RATES) == 13


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_nothing_to_divide_by_is_no_rate(rate):
    assert rate(SessionTotals()) is None


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@pytest.mark.parametrize(
    "lost",
    [
        SessionTotals(1, 3, 3, 3, 9, 1, 3, 3, 3, 3, 3, 3),  # errors whose sessions were lost
        SessionTotals(5, 3, 1, 0, 2, 5, 2, 3, 1),  # sets that were estimated too small
    ],
)
def test_rates_stay_between_nothing_and_all(rate, lost):
    assert 0 <= rate(lost) <= 1


def test_counts_do_not_fall_below_zero():
    lost = SessionTotals(sessions=1, crashed=3, errored=3, users=1, users_errored=2, users_crashed=3)

    assert sessions_by_status(lost) == {"healthy": 0, "errored": 0, "crashed": 3, "abnormal": 0, "unhandled": 0}
    assert users_by_status(lost)["healthy"] == users_by_status(lost)["errored"] == 0


def test_rates_become_per_cent():
    assert rates.percent(0.25) == 25
    assert rates.percent(None) is None
    assert rates.crash_free_users(SOME) == pytest.approx(0.8)
