"""The sentences about what was wrong with an event: one for each type of the ingest specification, 7.9."""

import re
from pathlib import Path

import pytest

from vedette.web.eventview.problems import SENTENCES, read_problems

TIMES = {"sdk_time": "2026-03-01T10:00:00+00:00", "server_time": "2026-03-01T12:00:00.5+00:00"}
DIGEST = Path(__file__).parents[3] / "vedette" / "digest"


@pytest.mark.parametrize(
    ("kind", "more", "sentence"),
    [
        ("invalid_data", {}, "This could not be used and was dropped."),
        (
            "invalid_data",
            {"reason": "expected a level"},
            "This could not be used and was dropped. (Expected a level.)",
        ),
        ("missing_attribute", {}, "Something that is required here was missing, so this part was dropped."),
        ("invalid_attribute", {}, "No attribute of this name is known. It was dropped."),
        ("value_too_long", {}, "This was too long and was dropped."),
        (
            "past_timestamp",
            TIMES,
            "The event is dated 2026-03-01 10:00:00 UTC, before anything that is still kept. The time of its arrival "
            "is used instead, 2026-03-01 12:00:00 UTC.",
        ),
        (
            "future_timestamp",
            TIMES,
            "The event is dated 2026-03-01 10:00:00 UTC, which was still to come. The time of its arrival is used "
            "instead, 2026-03-01 12:00:00 UTC.",
        ),
        (
            "clock_drift",
            TIMES,
            "The sender's clock showed 2026-03-01 10:00:00 UTC when it was 2026-03-01 12:00:00 UTC here. All times of "
            "the event were moved by the difference.",
        ),
        ("clock_drift", {"sdk_time": 10**30}, None),
        ("fetch_failed", {}, "The SDK reports: fetch_failed."),
        ("", {}, "Something was wrong."),
    ],
)
def test_a_type_of_error_has_a_sentence(kind: str, more: dict[str, object], sentence: str | None) -> None:
    [problem] = read_problems([{"type": kind, "name": "timestamp", **more}])

    assert problem.path == "timestamp"
    if sentence is None:
        assert "an unknown time" in problem.sentence
    else:
        assert problem.sentence == sentence


def test_every_type_that_the_digest_reports_has_a_sentence() -> None:
    source = "\n".join(path.read_text() for path in DIGEST.rglob("*.py"))
    reported = set(re.findall(r'\.error\(\s*"([a-z_]+)"', source)) | set(
        re.findall(r'kind = "([a-z]+_timestamp)"', source)
    )

    assert reported == set(SENTENCES)


def test_a_value_is_shown_and_anything_is_survived() -> None:
    [problem, _] = read_problems([{"type": "invalid_data", "name": "level", "value": "warn"}, 7, {"type": ["x"]}])

    assert problem.value is not None
    assert problem.value.text == "warn"
    assert read_problems({"type": "x"}) == ()
    assert len(read_problems([{"type": "x"}] * 500)) == 100
