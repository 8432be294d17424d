"""The entries of an issue's history, in sentences."""

import pytest

from tests.support.factories import NOON
from vedette.issues.lookup import FeedEntry
from vedette.issues.models import ActivityType
from vedette.web.history import Named, parts_of, sentence_of

KEY = "8f1d2c3a4b5c6d7e8f90"


@pytest.mark.parametrize(
    ("kind", "data", "commit", "sentence"),
    [
        (ActivityType.SET_RESOLVED_IN_RELEASE, {"version": "web@1"}, "", "Resolved in web@1"),
        (
            ActivityType.SET_RESOLVED_IN_RELEASE,
            {"version": "web@3", "versions": ["web@3", "web@2", "web@1"]},
            "",
            "Resolved in web@3, web@2 and web@1",
        ),
        (ActivityType.SET_RESOLVED_IN_RELEASE, {"version": "web@1", "versions": [{}, 7]}, "", "Resolved in web@1"),
        (ActivityType.SET_RESOLVED_IN_RELEASE, {"version": ""}, "", "Resolved in the next release"),
        (
            ActivityType.SET_RESOLVED_IN_RELEASE,
            {"version": "", "current_release_version": "web@1"},
            "",
            "Resolved in what comes after web@1",
        ),
        (
            ActivityType.SET_RESOLVED_IN_RELEASE,
            {"version": "web@2", "commit": 1},
            KEY,
            "Resolved in web@2 by commit 8f1d2c3a4b5c",
        ),
        (ActivityType.SET_RESOLVED_IN_COMMIT, {"commit": 1}, KEY, "Resolved by commit 8f1d2c3a4b5c"),
        (ActivityType.SET_RESOLVED_IN_COMMIT, {"commit": 1}, "", "Resolved by a commit"),
        (ActivityType.REFERENCED_IN_COMMIT, {"commit": 1}, KEY, "Commit 8f1d2c3a4b5c says that it fixes this"),
        (ActivityType.REFERENCED_IN_COMMIT, {"commit": 1}, "", "A commit says that it fixes this"),
        (ActivityType.SET_RESOLVED_IN_PULL_REQUEST, {}, "", "A pull request says that it fixes this"),
        (ActivityType.SET_RESOLVED_BY_AGE, {"age": 24}, "", "Resolved: nothing was heard of it for 24 hours"),
        (ActivityType.SET_ESCALATING, {}, "", "Escalated: more events than expected"),
        (
            ActivityType.ASSIGNED,
            {"assigneeName": "Ann", "integration": "suspectCommitter"},
            "",
            "Assigned to Ann, who wrote a suspect commit",
        ),
        (
            ActivityType.SET_ESCALATING,
            {"per_hour": 12.0},
            "",
            "Escalated: it is new, and comes faster than 12 events an hour",
        ),
        (ActivityType.AUTO_SET_ONGOING, {"after_days": 7}, "", "Ongoing: open for 7 days"),
        (ActivityType.AUTO_SET_ONGOING, {"manually": True}, "", "Ongoing"),
        (ActivityType.MARK_REVIEWED, {}, "", "Reviewed"),
        (ActivityType.SET_PUBLIC, {}, "", "A public link was made"),
        (ActivityType.SET_PRIVATE, {}, "", "The public link was taken back"),
        (
            ActivityType.UNMERGE_SOURCE,
            {"fingerprints": ["a", "b"]},
            "",
            "2 fingerprints were split off, into an issue that is not here any more",
        ),
        (
            ActivityType.UNMERGE_DESTINATION,
            {"fingerprints": 7},
            "",
            "Some fingerprints were split off, out of an issue that is not here any more",
        ),
        (
            ActivityType.SET_REGRESSION,
            {"version": "web@3", "resolved_in_version": "web@2"},
            "",
            "Came back in web@3; it was resolved in web@2",
        ),
        (ActivityType.SET_REGRESSION, {"version": ""}, "", "Came back"),
        (ActivityType.SET_ESCALATING, {"expired_snooze": {}}, "", "Open again: it happened as often as was said"),
        (ActivityType.SET_UNRESOLVED, {}, "", "Open again: the time of its archive is over"),
        (ActivityType.SET_IGNORED, {"ignoreCount": 1}, "", "Archived until 1 event more"),
        (
            ActivityType.SET_IGNORED,
            {"ignoreUntil": "2026-11-21T10:00:00Z", "ignoreUserCount": 5, "ignoreUserWindow": 60},
            "",
            "Archived until 2026-11-21 10:00 UTC or 5 users in 60 minutes",
        ),
        (ActivityType.RELEASE, {"version": "web@1"}, "", "Released web@1"),
        (ActivityType.DEPLOY, {"version": "web@1", "environment": "prod"}, "", "Deployed web@1 to prod"),
    ],
)
def test_an_entry_is_told_in_a_sentence(kind, data, commit, sentence):
    assert sentence_of(FeedEntry(1, kind, NOON, data=data, commit=commit)) == sentence


def test_what_strangers_wrote_is_made_visible_and_cut():
    entry = FeedEntry(1, ActivityType.SET_RESOLVED_IN_RELEASE, NOON, data={"version": "x" * 5000})

    assert len(sentence_of(entry)) < 200


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (ActivityType.SET_RESOLVED_IN_PULL_REQUEST, "Pull request 7 says that it fixes this"),
        (ActivityType.PULL_REQUEST_CLOSED, "Pull request 7 was closed without being merged"),
        (ActivityType.PULL_REQUEST_REOPENED, "Pull request 7 was opened again"),
        (ActivityType.PULL_REQUEST_MERGED, "Pull request 7 was merged"),
        (ActivityType.PULL_REQUEST_UNLINKED, "Pull request 7 does not say any more that it fixes this"),
    ],
)
def test_a_pull_request_is_told_by_its_number(kind, sentence):
    assert sentence_of(FeedEntry(1, kind, NOON, data={"pull_request": 3}, pull_request="7")) == sentence


def test_what_a_sentence_names_can_become_a_link():
    data = {"version": "web@2", "commit": 7}
    entry = FeedEntry(1, ActivityType.SET_RESOLVED_IN_RELEASE, NOON, data=data, commit=KEY)

    named = [part for part in parts_of(entry) if isinstance(part, Named)]

    assert named == [Named("release", "web@2", "web@2"), Named("commit", "7", KEY[:12])]


def test_a_text_that_looks_like_a_place_in_a_sentence_is_only_a_text():
    entry = FeedEntry(1, ActivityType.SET_REGRESSION, NOON, data={"version": "a\x000\x00b"})

    assert sentence_of(entry) == "Came back in a\u2039U+0000\u203a0\u2039U+0000\u203ab"
