"""Issues: searching, reading, changing, and what hangs on them."""

from datetime import timedelta

import pytest

from tests.integration.api.factories import a_real_event
from tests.integration.api.test_organizations import link, next_of
from tests.support.factories import a_member, a_project, an_organization
from vedette.accounts.options import ON, SELF_ASSIGN_ISSUE, set_option
from vedette.api.issue_changes import apply
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.events.connection import event_store
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupStatus,
    GroupSubscription,
    GroupSubStatus,
    SubscriptionReason,
    UserReport,
)
from vedette.orgs.models import Team
from vedette.projects.models import ProjectTeam

ISSUES = "/organizations/acme/issues/"
SPELLINGS = ("organizations/acme/issues", "organizations/acme/groups", "issues", "groups")


@pytest.fixture
def many(web, digest):
    """Makes issues, the first one newest: `many(3)` are "E0: x", "E1: x", "E2: x"."""

    def _many(count, **fields):
        now = clock.now()
        digest(
            *(a_real_event(web, f"E{n}: x", timestamp=now - timedelta(minutes=n + 1), **fields) for n in range(count))
        )
        return list(web.groups.order_by("-last_seen"))

    return _many


def titles(answer):
    return [issue["title"] for issue in answer.body]


def test_an_issue_has_what_clients_need(api, issue):
    (body,) = api.get(ISSUES).body

    assert body["shortId"] == "WEB-1"
    assert (body["count"], body["userCount"], body["isUnhandled"]) == ("3", 1, True)
    assert body["permalink"].endswith(f"/organizations/acme/issues/{issue.pk}/")
    assert body["project"] == {"id": str(issue.project_id), "slug": "web", "name": "Web", "platform": "python"}
    assert body["metadata"] == {
        "type": "ValueError",
        "value": "bad",
        "initial_priority": 75,
        "sdk": {"name": "sentry.python", "name_normalized": "sentry.python"},
    }
    assert (body["status"], body["substatus"], body["assignedTo"]) == ("unresolved", "new", None)
    assert sum(count for _, count in body["stats"]["24h"]) == 3
    assert len(body["stats"]["24h"]) == 24
    assert (body["lifetime"]["count"], body["lifetime"]["userCount"], body["filtered"]) == ("3", 1, None)


def test_the_filtered_numbers_count_matching_events_only(api, issue):
    (body,) = api.get(f"{ISSUES}?query=browser:Firefox").body

    assert (body["filtered"]["count"], body["filtered"]["userCount"]) == ("3", 1)
    assert api.get(f"{ISSUES}?query=browser:Chrome").body == []


@pytest.mark.parametrize(
    ("collapse", "gone"),
    [
        ("stats", {"stats", "count", "userCount", "firstSeen", "lastSeen", "lifetime", "filtered"}),
        ("lifetime", {"lifetime"}),
        ("filtered", {"filtered"}),
        ("unhandled", {"isUnhandled"}),
        ("base", {"title", "project", "shortId"}),
    ],
)
def test_collapse_leaves_parts_out(collapse, gone, api, issue):
    (body,) = api.get(f"{ISSUES}?collapse={collapse}").body

    assert gone.isdisjoint(body)
    assert body["id"] == str(issue.pk)


def test_without_a_query_only_unresolved_issues_are_shown(api, many):
    first, second = many(2)
    Group.objects.filter(pk=first.pk).update(status=GroupStatus.RESOLVED, substatus=None)

    assert titles(api.get(ISSUES)) == [second.title]
    assert titles(api.get(f"{ISSUES}?query=")) == [first.title, second.title]
    assert titles(api.get(f"{ISSUES}?query=is:resolved")) == [first.title]


@pytest.mark.parametrize("path", [ISSUES, "/projects/acme/web/issues/"])
def test_walking_the_stream_finds_every_issue_once(path, api, many, web, digest):
    many(5)

    first = api.get(f"{path}?limit=2&cursor=")
    digest(a_real_event(web, "Late: x", timestamp=clock.now()))
    second = api.get(next_of(first))
    third = api.get(next_of(second))
    back = api.get(link(third, "previous"))

    assert [titles(page) for page in (first, second, third)] == [["E0: x", "E1: x"], ["E2: x", "E3: x"], ["E4: x"]]
    assert next_of(third) is None
    assert titles(back) == titles(second)
    assert (first.headers["X-Hits"], first.headers["X-Max-Hits"]) == ("5", "1000")


def test_a_list_of_issues_costs_no_query_each(api, many, django_assert_max_num_queries, monkeypatch):
    asked = []
    rows = event_store().rows
    many(3)
    monkeypatch.setattr(type(event_store()), "rows", lambda self, *a, **k: asked.append(1) or rows(*a, **k))

    with django_assert_max_num_queries(20) as few:
        assert len(api.get(ISSUES).body) == 3
    asked_few = len(asked)
    asked.clear()
    many(60)
    with django_assert_max_num_queries(len(few)):
        assert len(api.get(f"{ISSUES}?limit=10000").body) == 60

    assert 0 < len(asked) <= asked_few


@pytest.mark.parametrize("sort", ["date", "new", "freq", "user", "trends", "priority", "recommended"])
def test_clients_may_sort(sort, api, issue):
    assert len(api.get(f"{ISSUES}?sort={sort}").body) == 1


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("sort=nonsense", 400, "Sort key 'nonsense' not supported."),
        ("query=is:nonsense", 400, "Error parsing search query: Invalid value for 'is' search"),
        ("query=a+OR+b", 400, "Error parsing search query: "),
        ("groupStatsPeriod=1y", 400, "Invalid stats_period."),
        ("statsPeriod=1y", 400, "Invalid statsPeriod: '1y'"),
        ("start=2026-01-01", 400, "start and end are both required"),
        ("start=2026-01-02&end=2026-01-01", 400, "start must be before end"),
        ("start=x&end=y", 400, "Invalid start: 'x'"),
        ("limit=x", 400, "Invalid limit parameter."),
        ("group=x", 400, "Group ids must be integers"),
        ("environment=nowhere", 404, "The requested resource does not exist"),
        ("project=99", 403, "You do not have permission to perform this action."),
    ],
)
def test_a_bad_parameter_is_named(query, status, sentence, api, web, events):
    answer = api.get(f"{ISSUES}?{query}")

    assert answer.status == status
    assert answer.detail.startswith(sentence)


def test_stats_of_a_project_are_chosen_by_stats_period(api, issue):
    path = "/projects/acme/web/issues/"

    assert list(api.get(f"{path}?statsPeriod=14d").body[0]["stats"]) == ["14d"]
    assert "stats" not in api.get(f"{path}?statsPeriod=").body[0]
    assert api.get(f"{path}?statsPeriod=7d").status == 400


def test_an_event_id_finds_its_issue(api, issue, web, digest):
    event_id = "0123456789abcdef" * 2
    digest(a_real_event(web, "Other: x", event_id=event_id, timestamp=clock.now() - timedelta(days=80)))

    answer = api.get(
        f"{ISSUES}?query={event_id[:8]}-{event_id[8:12]}-{event_id[12:16]}-{event_id[16:20]}-{event_id[20:]}&statsPeriod=1h"
    )

    assert titles(answer) == ["Other: x"]
    assert (answer.headers["X-Sentry-Direct-Hit"], answer.body[0]["matchingEventId"]) == ("1", event_id)
    assert titles(api.get(f"{ISSUES}?query={'f' * 32}")) == []


def test_a_short_id_finds_its_issue_when_asked_to(api, issue):
    answer = api.get(f"{ISSUES}?query=web-1&shortIdLookup=1")

    assert (answer.body[0]["id"], answer.headers["X-Sentry-Direct-Hit"]) == (str(issue.pk), "1")


def test_issues_can_be_fetched_by_id_and_by_hash(api, issue, acme):
    other = a_project(acme, "app")

    assert [one["id"] for one in api.get(f"{ISSUES}?group={issue.pk}&group=999&query=is:nonsense").body] == [
        str(issue.pk)
    ]
    assert api.get(f"{ISSUES}?group={issue.pk}&project={other.pk}").body == []
    value = issue.hashes.get().hash
    assert [one["id"] for one in api.get(f"/projects/acme/web/issues/?hashes={value}").body] == [str(issue.pk)]


def test_nothing_reachable_is_an_empty_list(api, acme, team, events):
    assert api.get(ISSUES).body == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_issue_is_the_same_in_every_spelling(spelling, api, issue):
    answer = api.get(f"/{spelling}/{issue.pk}/")

    assert answer.body == api.get(f"{ISSUES}WEB-1/").body
    assert answer.body["firstRelease"]["version"] == "web@1.0"
    assert answer.body["lastRelease"]["version"] == "web@1.0"
    assert [tag["key"] for tag in answer.body["tags"]] == ["browser", "level", "user"]
    assert [entry["type"] for entry in answer.body["activity"]] == ["first_seen"]
    assert (answer.body["count"], answer.body["userCount"]) == ("3", 1)
    assert len(answer.body["stats"]["30d"]) == 30
    assert sum(count for _, count in answer.body["stats"]["30d"]) == 3


def test_the_short_id_may_be_written_in_any_case(api, issue):
    assert api.get(f"{ISSUES}web-1/").body["id"] == str(issue.pk)
    assert api.get("/organizations/acme/shortids/web-1/").body["groupId"] == str(issue.pk)
    assert api.get(f"/organizations/acme/shortids/{issue.pk}/").status == 404
    assert api.get("/issues/WEB-1/").status == 404


def test_an_issue_that_is_being_deleted_is_gone(api, issue):
    Group.objects.filter(pk=issue.pk).update(status=GroupStatus.PENDING_DELETION)

    assert api.get(f"{ISSUES}{issue.pk}/").status == 404
    assert api.get(f"{ISSUES}?query=").body == []


@pytest.mark.parametrize(
    ("wish", "status", "substatus"),
    [
        ({"status": "resolved"}, "resolved", None),
        ({"status": "ignored"}, "ignored", "archived_forever"),
        ({"status": "muted", "snoozeDuration": None}, "ignored", "archived_forever"),
        ({"status": "ignored", "substatus": "archived_until_escalating"}, "ignored", "archived_until_escalating"),
        ({"status": "ignored", "statusDetails": {"untilEscalating": 1}}, "ignored", "archived_until_escalating"),
        ({"status": "resolved", "statusDetails": {"inNextRelease": False}}, "resolved", None),
    ],
    ids=lambda value: str(value),
)
@pytest.mark.parametrize("path", ["{issues}?id={pk}", "/projects/acme/web/issues/?id={pk}"])
def test_issues_are_changed_by_id(path, wish, status, substatus, api, issue):
    answer = api.put(path.format(issues=ISSUES, pk=issue.pk), wish)

    issue.refresh_from_db()
    assert (answer.body["status"], answer.body["substatus"]) == (status, substatus)
    assert (issue.status_word, issue.substatus_word) == (status, substatus)


def test_whoever_chose_so_is_answered_that_what_they_resolve_is_theirs(api, issue, owner):
    set_option(owner, SELF_ASSIGN_ISSUE, ON)

    answer = api.put(f"{ISSUES}?id={issue.pk}", {"status": "resolved"})

    assert (answer.status, answer.body["assignedTo"]["id"]) == (200, str(owner.pk))


def test_the_single_form_answers_with_the_whole_issue(api, issue, owner):
    answer = api.put(f"{ISSUES}WEB-1/", {"status": "resolved", "assignedTo": "me"})
    again = api.put(f"/issues/{issue.pk}/", {"status": "unresolved", "assignedTo": ""})

    assert (answer.body["status"], answer.body["assignedTo"]["email"]) == ("resolved", "owner@example.com")
    assert (again.body["status"], again.body["substatus"], again.body["assignedTo"]) == (
        "unresolved",
        "regressed",
        None,
    )
    assert [entry["type"] for entry in again.body["activity"]] == [
        "unassigned",
        "set_unresolved",
        "assigned",
        "set_resolved",
        "first_seen",
    ]
    assert again.body["activity"][0]["user"]["id"] == str(owner.pk)


def test_many_are_changed_by_a_search(api, many):
    first, second, third = many(3)

    answer = api.put(f"{ISSUES}?query=is:unresolved+E1", {"status": "resolved"})
    by_status = api.put("/projects/acme/web/issues/?status=resolved", {"status": "unresolved"})
    rest = api.put("/projects/acme/web/issues/", {"status": "ignored"})

    assert answer.status == by_status.status == rest.status == 200
    assert {group.status for group in (first, second, third) if group.refresh_from_db() is None} == {
        GroupStatus.IGNORED
    }
    assert by_status.body["substatus"] == "regressed"  # as of one issue: the search found no more


def test_sentry_cli_sends_what_it_has(api, many):
    first, second, third = many(3)

    answer = api.put(
        f"/projects/acme/web/issues/?id={first.pk}&id={second.pk}", {"status": "resolved", "snoozeDuration": None}
    )

    assert answer.status == 200
    assert list(Group.objects.filter(status=GroupStatus.UNRESOLVED)) == [third]


@pytest.mark.parametrize("query", ["id=999999", "id=9" * 1 + "9" * 30, "query=nothing:here", "query=is:resolved"])
def test_nothing_selected_is_a_204(query, api, issue):
    answer = api.put(f"{ISSUES}?{query}", {"status": "resolved"})

    assert (answer.status, answer.raw) == (204, b"")


def test_an_issue_outside_the_view_is_not_changed(api, issue, acme):
    a_project(acme, "app")
    foreign = a_project(an_organization("other"), "web").groups.create(short_id=1)

    assert api.put(f"/projects/acme/app/issues/?id={issue.pk}", {"status": "resolved"}).status == 204
    assert api.put(f"{ISSUES}?id={foreign.pk}", {"status": "resolved"}).status == 204
    assert not Group.objects.filter(status=GroupStatus.RESOLVED).exists()


@pytest.mark.parametrize(
    ("wish", "place"),
    [
        ({"status": "nonsense"}, ["status"]),
        ({"status": "reprocessing"}, ["status"]),
        ({"status": "resolved", "statusDetails": {"inRelease": "1.0"}}, ["statusDetails", "inRelease"]),
        ({"status": "ignored", "ignoreWindow": 5}, ["ignoreWindow"]),
        ({"status": "ignored", "ignoreCount": -1}, ["ignoreCount"]),
        ({"status": "ignored", "ignoreCount": 1, "substatus": "archived_forever"}, ["substatus"]),
        ({"status": "ignored", "statusDetails": {"ignoreUserWindow": 5}}, ["statusDetails", "ignoreUserWindow"]),
        ({"status": "ignored", "statusDetails": {"ignoreWindow": 10081}}, ["statusDetails", "ignoreWindow"]),
        ({"status": "ignored", "substatus": "archived_until_condition_met"}, ["substatus"]),
        ({"assignedTo": "nobody@example.com"}, ["assignedTo"]),
        ({"assignedTo": "robot:1"}, ["assignedTo"]),
        ({"isPublic": "perhaps"}, ["isPublic"]),
        ({"priority": "urgent"}, ["priority"]),
    ],
    ids=lambda value: str(value),
)
def test_what_cannot_be_done_is_refused_by_name_and_nothing_is_changed(wish, place, api, issue):
    answer = api.put(f"{ISSUES}?id={issue.pk}", {"status": "resolved", **wish})

    found = answer.body
    for name in place:
        found = found[name]
    issue.refresh_from_db()
    assert answer.status == 400
    assert isinstance(found[0], str)
    assert issue.status == GroupStatus.UNRESOLVED


def test_what_people_say_about_an_issue_is_theirs(api, issue, acme, owner, token_of):
    ann = token_of(a_member(acme, "ann@example.com"))
    marks = ("hasSeen", "isBookmarked", "isSubscribed")

    answer = api.put(f"{ISSUES}?id={issue.pk}", dict.fromkeys(marks, True))
    elsewhere = ann.put(f"{ISSUES}?id={issue.pk}", {"hasSeen": True})
    one, (listed,) = api.get(f"{ISSUES}{issue.pk}/").body, api.get(f"{ISSUES}?query=").body
    foreign = ann.get(f"{ISSUES}{issue.pk}/").body
    api.put(f"{ISSUES}{issue.pk}/", dict.fromkeys(marks, False))
    after = api.get(f"{ISSUES}{issue.pk}/").body

    assert answer.body == {**dict.fromkeys(marks, True), "subscriptionDetails": {"reason": "unknown"}}
    for body in (one, listed):
        assert [body[name] for name in marks] == [True] * 3
        assert body["subscriptionDetails"] == {"reason": "unknown"}
    assert [user["id"] for user in one["seenBy"]] == [user["id"] for user in one["participants"]] == [str(owner.pk)]
    assert elsewhere.status == 200
    assert [foreign[name] for name in marks] == [False] * 3  # who is in no team of the project has not seen it
    assert [after[name] for name in marks] == [False] * 3
    assert GroupSubscription.objects.get().is_active is False  # asked not to be told, which stays


def test_a_credential_of_nobody_has_no_eye_to_keep_on_anything(acme, issue):
    for name in ("isBookmarked", "isSubscribed"):
        with pytest.raises(RuleBroken, match="requires a user"):
            apply({name: True, "status": "resolved"}, [issue], acme, None)
    assert issue.status == GroupStatus.UNRESOLVED
    assert apply({"hasSeen": True}, [issue], acme, None) == {}


def test_an_archive_until_something_says_what_ends_it(api, issue, owner):
    wish = {"ignoreDuration": 180, "ignoreUserCount": 10, "ignoreUserWindow": 60}

    answer = api.put(f"{ISSUES}?id={issue.pk}", {"status": "ignored", "statusDetails": wish})

    details = answer.body["statusDetails"]
    assert (answer.body["status"], answer.body["substatus"]) == ("ignored", "archived_until_condition_met")
    assert details.pop("actor")["id"] == str(owner.pk)
    assert details.pop("ignoreUntil").endswith("Z")
    assert details == {"ignoreCount": None, "ignoreUserCount": 10, "ignoreUserWindow": 60, "ignoreWindow": None}
    told = api.get(f"{ISSUES}{issue.pk}/").body
    assert told["statusDetails"] == answer.body["statusDetails"] | {
        "actor": told["statusDetails"]["actor"],
        "ignoreUntil": told["statusDetails"]["ignoreUntil"],
    }
    assert told["activity"][0]["data"]["ignoreDuration"] == 180

    api.put(f"{ISSUES}?id={issue.pk}", {"status": "ignored", "ignoreCount": 5, "ignoreUserCount": 2})
    counted = api.get(f"{ISSUES}{issue.pk}/").body["statusDetails"]
    api.put(f"{ISSUES}?id={issue.pk}", {"status": "ignored", "substatus": "until_escalating"})
    escalating = api.get(f"{ISSUES}{issue.pk}/").body["statusDetails"]

    assert (counted["ignoreCount"], counted["ignoreUserCount"], counted["ignoreUntil"]) == (5, 2, None)
    assert escalating == {"ignoreUntilEscalating": True}


def test_a_priority_that_somebody_sets_is_told_and_stays(api, issue):
    first = api.put(f"{ISSUES}?id={issue.pk}", {"priority": "low"})
    again = api.put(f"{ISSUES}{issue.pk}/", {"priority": "low", "substatus": None})

    assert first.body == {"priority": "low"}
    assert (again.body["priority"], again.body["priorityLockedAt"][-1]) == ("low", "Z")
    told = [entry["data"] for entry in again.body["activity"] if entry["type"] == "set_priority"]
    assert told == [{"priority": "low", "reason": None}]


def test_with_closed_membership_only_those_who_reach_the_project_take_its_issues(api, issue, acme, team):
    acme.flags = 0
    acme.save()
    outsider = a_member(acme, "kim@example.com")
    other = Team.objects.create(organization=acme, slug="other", name="Other")

    person = api.put(f"{ISSUES}?id={issue.pk}", {"assignedTo": f"user:{outsider.pk}", "status": "resolved"})
    crowd = api.put(f"{ISSUES}?id={issue.pk}", {"assignedTo": f"team:{other.pk}"})

    assert (person.status, person.body) == (400, {"assignedTo": ["Cannot assign to non-team member"]})
    assert crowd.body == {"assignedTo": ["Cannot assign to a team without access to the project"]}
    assert api.put(f"{ISSUES}?id={issue.pk}", {"assignedTo": f"team:{team.pk}"}).status == 200
    assert api.get(f"{ISSUES}{issue.pk}/").body["status"] == "unresolved"


def test_issues_are_merged_and_found_by_what_they_were_called(api, many, shop):
    first, second, third = many(3)
    elsewhere = shop.groups.create(short_id=1)

    across = api.put(f"{ISSUES}?id={first.pk}&id={elsewhere.pk}", {"merge": 1})
    alone = api.put(f"{ISSUES}?id={first.pk}", {"merge": 1})
    answer = api.put(f"{ISSUES}?id={first.pk}&id={second.pk}&id={third.pk}", {"merge": 1, "inbox": True})

    assert (across.status, across.detail) == (400, "Merging across multiple projects is not supported")
    assert (alone.status, alone.body) == (200, {})
    parent, children = answer.body["merge"]["parent"], answer.body["merge"]["children"]
    assert {parent, *children} == {str(group.pk) for group in (first, second, third)}
    assert [issue["id"] for issue in api.get(f"{ISSUES}?query=&project={first.project_id}").body] == [parent]
    for old in children:
        assert api.get(f"{ISSUES}{old}/").body["id"] == parent
        short_id = Group.objects.get(pk=old).short_id
        assert api.get(f"/organizations/acme/shortids/WEB-{short_id}/").body["groupId"] == parent
    assert api.get(f"{ISSUES}{parent}/").body["activity"][0]["type"] == "merge"


@pytest.mark.parametrize("form", ["{user}", "user:{user}", "kim@example.com", "team:{team}", "#core"])
def test_an_assignee_is_named_in_many_ways(form, api, issue, acme, team):
    kim = a_member(acme, "kim@example.com")

    answer = api.put(f"{ISSUES}?id={issue.pk}", {"assignedTo": form.format(user=kim.pk, team=team.pk)})

    kind = "team" if form.startswith(("team", "#")) else "user"
    assert answer.body["assignedTo"]["type"] == kind
    assert answer.body["assignedTo"]["id"] == str(team.pk if kind == "team" else kim.pk)


def test_a_member_without_the_team_does_not_change_its_issues(acme, issue, token_of):
    acme.flags = 0
    acme.save()
    outsider = a_member(acme, "outsider@example.com")

    assert token_of(outsider).put(f"{ISSUES}?id={issue.pk}", {"status": "resolved"}).status == 204
    assert token_of(outsider).put(f"{ISSUES}{issue.pk}/", {"status": "resolved"}).status == 404


def test_a_comment_is_written_once(api, issue, owner):
    made = api.post(f"{ISSUES}{issue.pk}/notes/", {"text": "Looking at it", "mentions": []})
    again = api.post(f"{ISSUES}{issue.pk}/comments/", {"text": "Looking at it"})

    assert (made.status, made.body["type"], made.body["data"]) == (201, "note", {"text": "Looking at it"})
    assert made.body["user"]["id"] == str(owner.pk)
    assert (again.status, again.detail) == (400, "You have already posted that comment.")
    assert [note["id"] for note in api.get(f"{ISSUES}{issue.pk}/notes/").body] == [made.body["id"]]
    assert api.get(f"{ISSUES}{issue.pk}/").body["numComments"] == 1
    assert api.post(f"{ISSUES}{issue.pk}/notes/", {"text": " "}).body == {"text": ["This field may not be blank."]}


def test_a_comment_belongs_to_whoever_wrote_it(api, issue, acme, team, token_of):
    ann = token_of(a_member(acme, "ann@example.com"))
    notes = f"{ISSUES}{issue.pk}/notes/"
    made = api.post(notes, {"text": "Looking"}).body["id"]
    told = GroupSubscription.objects.get().reason

    foreign = [ann.put(f"{notes}{made}/", {"text": "No"}).status, ann.delete(f"{notes}{made}/").status]
    changed = api.put(f"{ISSUES}{issue.pk}/comments/{made}/", {"text": "Found it"})
    empty = api.put(f"{notes}{made}/", {"text": " "})
    gone = [api.delete(f"{notes}{made}/").status, api.delete(f"{notes}{made}/").status]

    assert foreign == [404, 404]
    assert (changed.status, changed.body["data"]) == (200, {"text": "Found it"})
    assert (empty.status, empty.body) == (400, {"text": ["This field may not be blank."]})
    assert gone == [204, 404]
    assert api.get(f"{ISSUES}{issue.pk}/").body["numComments"] == 0
    assert (told, GroupSubscription.objects.count()) == (SubscriptionReason.COMMENT, 0)


def test_the_history_is_told_newest_first(api, issue):
    Activity.objects.create(
        project_id=issue.project_id, group=issue, type=ActivityType.SET_RESOLVED, data={"mentions": [1], "a": 1}
    )

    entries = api.get(f"{ISSUES}{issue.pk}/activities/").body["activity"]

    assert [(entry["type"], entry["data"]) for entry in entries] == [
        ("set_resolved", {"a": 1}),
        ("first_seen", {"priority": "high"}),
    ]


def test_the_hashes_of_an_issue(api, issue):
    (body,) = api.get(f"{ISSUES}{issue.pk}/hashes/").body

    assert body["id"] == issue.hashes.get().hash
    assert body["latestEvent"]["groupID"] == str(issue.pk)


def test_what_people_reported_about_an_issue(api, issue):
    UserReport.objects.create(project_id=issue.project_id, group=issue, event_id="a" * 32, name="Kim", comments="broke")

    assert [report["comments"] for report in api.get(f"{ISSUES}{issue.pk}/user-reports/").body] == ["broke"]


def test_an_archived_issue_shows_how(api, issue):
    Group.objects.filter(pk=issue.pk).update(
        status=GroupStatus.IGNORED, substatus=GroupSubStatus.ARCHIVED_UNTIL_ESCALATING
    )

    assert api.get(f"{ISSUES}{issue.pk}/").body["substatus"] == "archived_until_escalating"


def test_a_team_member_reads_with_closed_membership(acme, web, team, issue, token_of):
    from vedette.orgs.models import OrganizationMember, OrganizationMemberTeam

    acme.flags = 0
    acme.save()
    insider = a_member(acme, "insider@example.com")
    member = OrganizationMember.objects.get(user_id=insider.pk)
    OrganizationMemberTeam.objects.create(team=team, organizationmember=member)
    assert ProjectTeam.objects.filter(team=team, project=web).exists()

    assert len(token_of(insider).get(ISSUES).body) == 1
    assert token_of(insider).put(f"{ISSUES}{issue.pk}/", {"status": "resolved"}).status == 200
