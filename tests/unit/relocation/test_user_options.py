"""What the settings of a user may be."""

import pytest

from vedette.relocation.importing.rules.useroptions import complaint_about


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("timezone", "Europe/Vienna"),
        ("timezone", "UTC"),
        ("timezone", "US/Pacific"),
        ("timezone", "Asia/Calcutta"),
        ("timezone", "America/Argentina/ComodRivadavia"),
        ("timezone", "PST8PDT"),
        ("language", "en"),
        ("language", "pt-br"),
        ("language", "zh_Hans"),
        ("theme", "dark"),
        ("theme", "system"),
        ("stacktraceOrder", -1),
        ("stacktraceOrder", "2"),
        ("clock24Hours", True),
        ("clock24Hours", 0),
        ("defaultIssueEvent", "latest"),
        ("seen_release_broadcast", {"anything": [1]}),
        ("self_assign_issue", "1"),
    ],
)
def test_a_setting_that_makes_sense_passes_and_so_does_an_unknown_one(key, value):
    assert complaint_about(key, value) is None


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("timezone", "Mars/Olympus", "no time zone"),
        ("timezone", None, "no time zone"),
        ("timezone", "Europe/", "no time zone"),
        ("timezone", "Europe/Vienna/../..", "no time zone"),
        ("language", "klingon!", "no language"),
        ("language", 7, "no language"),
        ("theme", "pink", "none of dark, light, system"),
        ("theme", ["dark"], "none of"),
        ("stacktraceOrder", 3, "none of -1, 1, 2"),
        ("stacktraceOrder", True, "none of"),
        ("clock24Hours", "yes", "neither true nor false"),
        ("defaultIssueEvent", "newest", "none of latest, oldest, recommended"),
    ],
)
def test_a_setting_that_makes_no_sense_is_complained_about(key, value, why):
    assert why in (complaint_about(key, value) or "")


def test_a_complaint_about_something_long_is_short():
    assert len(complaint_about("timezone", "x" * 10_000) or "") < 200
