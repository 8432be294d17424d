"""Public links by the API: made, changed, taken back, and what everybody may read."""

from datetime import timedelta

import pytest

from tests.integration.api import factories
from tests.integration.api.client import Api
from tests.support.factories import an_organization
from vedette.core import clock, json
from vedette.issues.deletion import give_up
from vedette.issues.models import Activity, ActivityType, Group, GroupShare
from vedette.issues.sharing import NOT_SHARED
from vedette.orgs.models import OrganizationFlags
from vedette.projects.models import ObjectStatus

PRIVATE = ("Kim", "kim@", "203.0.113", "Cart 7", "shop.example", "theme", "SELECT", "Firefox", "/srv/", "acme", "WEB-1")


def change(api, issue, **wish):
    return api.put(f"/organizations/acme/issues/?id={issue.pk}", wish)


def told():
    kinds = (ActivityType.SET_PUBLIC, ActivityType.SET_PRIVATE)
    return list(Activity.objects.filter(type__in=kinds).order_by("pk").values_list("type", flat=True))


def test_a_link_is_made_changed_and_taken_back(api, owner, issue):
    first = change(api, issue, isPublic=True).body
    second = change(api, issue, isPublic=True).body
    shown = api.get(f"/issues/{issue.pk}/").body
    listed = api.get("/organizations/acme/issues/?query=").body[0]
    gone = change(api, issue, isPublic=False).body
    again = change(api, issue, isPublic=False).body

    assert first["isPublic"] is True
    assert len(first["shareId"]) == 32
    assert first["shareId"] != second["shareId"]
    for body in (shown, listed):
        assert (body["isPublic"], body["shareId"]) == (True, second["shareId"])
    assert (gone["shareId"], again["shareId"]) == (None, None)
    assert told() == [
        ActivityType.SET_PUBLIC,
        ActivityType.SET_PRIVATE,
        ActivityType.SET_PUBLIC,
        ActivityType.SET_PRIVATE,
    ]
    assert set(Activity.objects.values_list("user_id", flat=True)) == {owner.pk}
    assert not GroupShare.objects.exists()


def test_several_issues_get_a_link_each(api, web, digest):
    now = clock.now() - timedelta(hours=1)
    digest(*(factories.a_real_event(web, title, timestamp=now) for title in ("A: x", "B: x")))
    first, second = Group.objects.order_by("pk")

    answer = api.put(f"/organizations/acme/issues/?id={first.pk}&id={second.pk}", {"isPublic": True})

    assert answer.body["shareId"] is None
    assert len(set(GroupShare.objects.values_list("uuid", flat=True))) == 2


def test_everybody_reads_what_broke_and_nothing_of_anybody(api, issue):
    share_id = change(api, issue, isPublic=True).body["shareId"]
    issue.refresh_from_db()

    answers = [
        Api().get(path) for path in (f"/shared/issues/{share_id}/", f"/organizations/acme/shared/issues/{share_id}/")
    ]

    assert answers[0].body == answers[1].body
    body = answers[0].body
    assert answers[0].headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert (body["title"], body["culprit"], body["isPublic"]) == (issue.title, issue.culprit, True)
    assert body["permalink"].endswith(f"/share/issue/{share_id}/")
    assert [entry["type"] for entry in body["latestEvent"]["entries"]] == ["message", "exception"]
    [exception] = body["latestEvent"]["entries"][1]["data"]["values"]
    own = exception["stacktrace"]["frames"][1]
    assert (own["filename"], own["absPath"], own["vars"]) == ("app/views.py", None, None)
    assert [12, "    raise ValueError(cart)"] in own["context"]
    text = json.dump_text(body)
    assert [word for word in PRIVATE if word in text] == []


def test_a_link_leads_nowhere_once_it_was_taken_back_or_never_was(api, issue):
    share_id = change(api, issue, isPublic=True).body["shareId"]
    change(api, issue, isPublic=True)

    for wrong in (share_id, share_id.upper(), "f" * 32, "x", str(issue.pk)):
        for path in (f"/shared/issues/{wrong}/", f"/organizations/acme/shared/issues/{wrong}/"):
            answer = Api().get(path)
            assert (answer.status, answer.detail) == (404, "The requested resource does not exist")


def test_a_link_is_of_its_own_organization(api, issue):
    share_id = change(api, issue, isPublic=True).body["shareId"]
    an_organization("rivals")

    assert Api().get(f"/organizations/rivals/shared/issues/{share_id}/").status == 404
    assert Api().get(f"/organizations/nowhere/shared/issues/{share_id}/").status == 404


def test_an_organization_that_shares_nothing_has_no_links(api, acme, issue):
    share_id = change(api, issue, isPublic=True).body["shareId"]
    acme.flags = acme.flags | OrganizationFlags.DISABLE_SHARED_ISSUES
    acme.save()

    refused = change(api, issue, isPublic=True, status="resolved")
    assert (refused.status, refused.body) == (400, {"isPublic": [NOT_SHARED]})
    assert Group.objects.get().status_word == "unresolved"
    assert Api().get(f"/shared/issues/{share_id}/").status == 404
    assert GroupShare.objects.get().uuid == share_id
    assert change(api, issue, isPublic=False).status == 200
    assert not GroupShare.objects.exists()


def test_an_issue_or_project_that_is_going_is_not_shared(api, web, issue):
    share_id = change(api, issue, isPublic=True).body["shareId"]
    web.status = ObjectStatus.PENDING_DELETION
    web.save()
    of_project = Api().get(f"/shared/issues/{share_id}/").status
    web.status = ObjectStatus.ACTIVE
    web.save()
    give_up([Group.objects.select_related("project__organization").get()], None)

    assert (of_project, Api().get(f"/shared/issues/{share_id}/").status) == (404, 404)


@pytest.mark.parametrize("wish", [True, False])
def test_only_who_may_change_issues_changes_links(wish, token_of, owner, issue):
    reader = token_of(owner, "event:read", "org:read", "project:read")

    assert change(reader, issue, isPublic=wish).status == 403
    assert not GroupShare.objects.exists()
