"""The age of a release, whoever tells of it (release specification, 12.3: its acceptance tests)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from tests.integration.api.factories import a_real_event
from vedette.core import clock
from vedette.issues.models import Group, GroupStatus

URL = "/organizations/acme/releases/"
FINALIZED = "2026-01-02T03:04:05Z"


def created(api, version):
    """When the organization first had evidence of the release, as the API says it."""
    return datetime.fromisoformat(api.get(f"{URL}{version}/").body["dateCreated"])


@pytest.mark.parametrize(
    ("days", "kept_days"),
    [(30, 30), (400, settings.VEDETTE.retention_days)],
    ids=["a month old", "older than anything that is kept"],
)
def test_the_replay_of_an_old_event_dates_a_finalized_release_back_and_finalizes_nothing(
    api, web, digest, days, kept_days
):
    api.post(URL, {"version": "1.0", "projects": ["web"]})
    api.put(f"{URL}1.0/", {"dateReleased": FINALIZED})
    before = clock.now()

    digest(a_real_event(web, release="1.0", timestamp=before - timedelta(days=days)))

    assert api.get(f"{URL}1.0/").body["dateReleased"] == FINALIZED
    assert timedelta(0) <= created(api, "1.0") - (before - timedelta(days=kept_days)) < timedelta(minutes=1)


def test_a_later_event_and_a_repeated_request_leave_the_date_alone(api, web, digest):
    api.post(URL, {"version": "1.0", "projects": ["web"]})
    first = created(api, "1.0")

    digest(a_real_event(web, release="1.0", timestamp=clock.now() + timedelta(hours=1)))
    api.post(URL, {"version": "1.0", "projects": ["web"], "dateReleased": FINALIZED})
    api.put(f"{URL}1.0/", {"dateReleased": "2020-01-01T00:00:00Z", "commits": [{"id": "a"}]})

    assert created(api, "1.0") == first


def test_an_older_event_moves_a_release_before_the_one_that_an_issue_is_resolved_in(api, web, digest):
    now = clock.now()
    digest(a_real_event(web, release="", timestamp=now - timedelta(days=1)))
    for version in ("first", "second"):
        api.post(URL, {"version": version, "projects": ["web"]})
    assert [one["version"] for one in api.get(URL).body] == ["second", "first"]
    issue = Group.objects.get()
    api.put(f"/organizations/acme/issues/{issue.pk}/", {"status": "resolved", "statusDetails": {"inRelease": "first"}})

    digest(a_real_event(web, release="second", timestamp=now - timedelta(days=3)))
    moved = [one["version"] for one in api.get(URL).body]
    digest(a_real_event(web, release="second", timestamp=now))

    assert moved == ["first", "second"]
    assert Group.objects.get().status == GroupStatus.RESOLVED
    api.post(URL, {"version": "third", "projects": ["web"]})
    digest(a_real_event(web, release="third", timestamp=datetime.now(UTC)))
    assert Group.objects.get().status == GroupStatus.UNRESOLVED
