"""Splitting issues by the API: what is listed, what is taken, what is refused."""

from datetime import timedelta

import pytest

from tests.integration.api import factories
from tests.support.factories import a_project, hash_of
from vedette.core import clock
from vedette.issues.merging import merge, move_merged
from vedette.issues.models import ActivityType, Group, GroupHash, GroupSplit
from vedette.issues.unmerged import move_unmerged
from vedette.issues.unmerging import NOTHING_LEFT, NOTHING_THERE

A, B = hash_of("A: x"), hash_of("B: x")


@pytest.fixture
def merged(web, digest, events):
    """An issue of two fingerprints: A, of an event two hours ago, and B, of an hour ago."""
    now = clock.now()
    for hours, title in ((2, "A: x"), (1, "B: x")):
        digest(factories.a_real_event(web, title, timestamp=now - timedelta(hours=hours)))
    merge(list(Group.objects.select_related("project")), None)
    move_merged(events, now)
    return web.groups.get()


def hashes(group, *ids):
    return f"/issues/{group.pk}/hashes/" + (f"?{'&'.join(f'id={value}' for value in ids)}" if ids else "")


def test_the_fingerprints_of_an_issue_come_with_their_newest_events(api, merged):
    GroupHash.objects.create(project=merged.project, hash="0" * 32, group=merged)

    found = api.get(hashes(merged)).body

    assert [(one["id"], one["latestEvent"] and one["latestEvent"]["title"]) for one in found] == [
        (B, "B: x"),
        (A, "A: x"),
        ("0" * 32, None),
    ]
    assert [one["id"] for one in api.get(hashes(merged) + "?per_page=1&cursor=1:1:0").body] == [A]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_fingerprints_are_split_off_into_a_new_issue(method, api, owner, merged, events):
    answer = api.ask(method, hashes(merged, A), None, {})
    move_unmerged(events, lambda: (), clock.now())

    made = Group.objects.exclude(pk=merged.pk).get()
    assert (answer.status, answer.raw) == (202, b"")
    assert answer.headers["Location"].endswith(f"/api/0/issues/{made.pk}/")
    assert made.title == "A: x"
    assert [one["id"] for one in api.get(hashes(made)).body] == [A]
    assert [one["id"] for one in api.get(hashes(merged)).body] == [B]
    assert api.get(f"/issues/{made.pk}/").body["count"] == "1"
    [entry, _] = api.get(f"/issues/{made.pk}/activities/").body["activity"]
    assert (entry["type"], entry["user"]["id"]) == ("unmerge_destination", str(owner.pk))
    assert (entry["data"]["fingerprints"], entry["data"]["source"]["id"]) == ([A], str(merged.pk))
    [entry, *_] = api.get(f"/issues/{merged.pk}/activities/").body["activity"]
    assert (entry["type"], entry["data"]["destination"]["shortId"]) == ("unmerge_source", made.qualified_short_id)


def test_an_entry_about_an_issue_that_is_gone_names_none(api, merged):
    merged.activities.create(
        project=merged.project, type=ActivityType.UNMERGE_SOURCE, data={"fingerprints": [A], "destination_id": 10**9}
    )
    elsewhere = a_project(merged.project.organization, "shop").groups.create(short_id=1, title="Of another project")
    merged.activities.create(
        project=merged.project, type=ActivityType.UNMERGE_DESTINATION, data={"source_id": elsewhere.pk}
    )

    entries = api.get(f"/issues/{merged.pk}/activities/").body["activity"]

    assert [entry["data"].get("destination", entry["data"].get("source")) for entry in entries[:2]] == [None, None]


def test_naming_none_does_nothing(api, merged):
    answer = api.put(hashes(merged))

    assert (answer.status, answer.raw) == (200, b"")
    assert not GroupSplit.objects.exists()


def test_what_is_not_free_to_be_split_is_a_conflict(api, merged):
    api.put(hashes(merged, A))

    for ids in ([A], ["f" * 32], ["no-hash"]):
        answer = api.put(hashes(merged, *ids))
        assert (answer.status, answer.detail) == (409, "Already being unmerged")
    assert GroupSplit.objects.count() == 1


def test_all_of_them_or_one_without_events_are_refused(api, merged):
    GroupHash.objects.create(project=merged.project, hash="0" * 32, group=merged)

    everything, nothing = api.put(hashes(merged, A, B)), api.put(hashes(merged, "0" * 32))

    assert (everything.status, everything.detail) == (400, NOTHING_LEFT)
    assert (nothing.status, nothing.detail) == (400, NOTHING_THERE)
    assert Group.objects.count() == 1
