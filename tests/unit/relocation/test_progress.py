import io
import json

import pytest

from vedette.relocation.progress import (
    JsonLines,
    Pace,
    PlainLines,
    ProgressFile,
    Silent,
    Terminal,
    as_time,
    choose,
)


class Hand:
    """A clock that goes when it is told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def hand():
    return Hand()


def test_the_rate_is_that_of_the_last_twenty_seconds_and_says_what_is_left():
    pace = Pace("writing", 10_000, 0.0)
    for second in range(1, 61):
        pace.advance("sentry.user", 100 if second <= 30 else 10, float(second))

    moment = pace.at(60.0)

    assert (moment.rows, moment.model) == (3300, "sentry.user")
    assert moment.rows_per_second == pytest.approx(10, rel=0.1)
    assert moment.seconds_left == pytest.approx(6700 / moment.rows_per_second)


def test_nobody_guesses_a_rate_from_the_first_moment_or_a_rest_without_a_total():
    pace = Pace("reading", None, 0.0)
    pace.advance("sentry.user", 5, 0.1)

    assert pace.at(0.1).rows_per_second is None
    assert pace.at(2.0).rows_per_second == 2.5
    assert pace.at(2.0).seconds_left is None


def test_more_rows_than_expected_leave_no_time():
    pace = Pace("reading", 3, 0.0)
    pace.advance("sentry.user", 5, 1.0)

    assert pace.at(1.0).seconds_left is None


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (46, "46 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")])
def test_time_is_said_as_people_say_it(seconds, text):
    assert as_time(seconds) == text


def test_a_moment_is_one_sentence(hand):
    out = io.StringIO()
    lines = PlainLines(out, seconds=hand)

    lines.start("writing", 1_000_000)
    hand.seconds += 10
    lines.advance("sentry.project", 12_000)
    lines.note("done with projects")
    lines.finish()
    lines.finish()

    assert out.getvalue().splitlines() == [
        "writing: 12,000 of 1,000,000 rows, 1,200 rows/s, 13 min 43 s left (sentry.project)",
        "done with projects",
    ]


def test_scripts_get_a_json_object_a_line_and_not_more_than_one_a_second(hand):
    out = io.StringIO()
    lines = JsonLines(out, seconds=hand)

    lines.start("reading", 50)
    for _ in range(50):
        hand.seconds += 0.1
        lines.advance("sentry.user", 1)
    lines.note("renamed acme to acme-k3")
    lines.finish()

    told = [json.loads(line) for line in out.getvalue().splitlines()]
    moments = [one for one in told if "phase" in one]
    assert 6 <= len(moments) <= 8
    assert moments[-1] == {
        "phase": "reading",
        "model": "sentry.user",
        "rows": 50,
        "total": 50,
        "seconds": 5.0,
        "rows_per_second": 10.0,
        "seconds_left": 0.0,
    }
    assert {"note": "renamed acme to acme-k3"} in told


def test_a_page_reads_a_file_that_is_gone_when_the_work_is_over(tmp_path, hand):
    path = tmp_path / "progress.json"
    assert ProgressFile.read(path) is None

    with ProgressFile(path, seconds=hand) as progress:
        progress.start("writing", 10)
        progress.note("half is done")
        hand.seconds += 2
        progress.advance("sentry.team", 5)
        read = ProgressFile.read(path)

    assert read is not None
    assert (read["model"], read["rows"], read["total"], read["note"]) == ("sentry.team", 5, 10, "half is done")
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_shows_rows_rate_and_the_end_of_each_phase(hand):
    out = io.StringIO()
    terminal = Terminal(out, seconds=hand)

    terminal.start("reading", None)
    hand.seconds += 3
    terminal.advance("sentry.user", 3000)
    terminal.note("[1/2] no markup")
    terminal.start("writing", 10)
    terminal.finish()
    terminal.finish()

    assert "3,000 rows in 3 s" in out.getvalue()
    assert "[1/2] no markup" in out.getvalue()


@pytest.mark.parametrize(
    ("silent", "as_json", "kind"), [(True, True, Silent), (True, False, Silent), (False, True, JsonLines)]
)
def test_silence_goes_before_json(silent, as_json, kind):
    assert type(choose(silent=silent, as_json=as_json, stream=io.StringIO())) is kind


def test_what_is_no_terminal_gets_sentences():
    assert type(choose(silent=False, as_json=False, stream=io.StringIO())) is PlainLines
