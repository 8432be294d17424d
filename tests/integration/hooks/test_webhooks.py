"""Webhooks: what is written down for them, and what arrives at the other side."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import transaction

from tests.support.factories import a_member, a_project, a_release, an_organization
from tests.support.standin import Reply, StandIn
from vedette.core import clock, json
from vedette.core.errors import RuleBroken
from vedette.core.outgoing import Outgoing
from vedette.hooks import delivering
from vedette.hooks.delivering import ATTEMPTS, KEPT, LEASE, OLDEST, PAUSES, _in_turn, deliver_due
from vedette.hooks.events import EVENTS, of_test
from vedette.hooks.models import Delivery, DeliveryState, Webhook
from vedette.hooks.outbox import on_assignments, on_changes, put
from vedette.hooks.webhooks import MOST, change_webhook, create_webhook, delete_webhook, new_secret, send_test
from vedette.issues.actions import archive, assign, reopen
from vedette.issues.announce import IssueAssigned, IssueStatusChanged
from vedette.issues.assignees import of_user
from vedette.issues.models import GroupStatus
from vedette.issues.resolve import InRelease, resolve
from vedette.orgs.models import AuditLogEntry
from vedette.releases.creation import get_or_create
from vedette.releases.models import Release
from vedette.shipping.create import ReleaseSaid, create_release
from vedette.shipping.deploys import DeployInput, create_deploy
from vedette.shipping.sender import Sender
from vedette.tasks.models import ScheduledJob
from vedette.tasks.names import WEBHOOKS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
URL = "https://receiver.example/hook"
LOOPBACK = Outgoing(allow=("127.0.0.1",), timeout_seconds=2)

pytestmark = pytest.mark.django_db


@pytest.fixture
def web():
    return a_project()


@pytest.fixture
def ann(web):
    return a_member(web.organization, name="Ann")


@pytest.fixture
def issue(web):
    return web.groups.create(short_id=1, title="ValueError: bad", culprit="app.cart")


@pytest.fixture
def a_webhook(web):
    def _a_webhook(url=URL, events=tuple(EVENTS), organization=None):
        return create_webhook(organization or web.organization, url, events, settings.VEDETTE, by=None)

    return _a_webhook


@pytest.fixture
def receiver():
    """Somebody who is told things: a webhook of theirs, and what they were told."""
    with StandIn(lambda asked: Reply(204)) as server:
        yield server


@pytest.fixture
def a_hook_of(receiver, web):
    """A webhook to the receiver; an address of this machine is for tests only."""

    def _a_hook_of(events=tuple(EVENTS)):
        row, secret = create_webhook(web.organization, URL, events, settings.VEDETTE, by=None)
        Webhook.objects.filter(pk=row.pk).update(url=f"{receiver.url}/hook")
        row.refresh_from_db()
        return row, secret

    return _a_hook_of


def deliver(now=None):
    return deliver_due(settings.VEDETTE, now or datetime.now(UTC), LOOPBACK)


def told():
    return list(Delivery.objects.order_by("pk").values_list("event", flat=True))


def test_what_happens_to_an_issue_is_told(a_webhook, web, ann, issue):
    a_webhook()

    resolve([issue], ann)
    reopen([issue], ann)
    archive([issue], ann)
    assign([issue], of_user(ann), ann)
    assign([issue], None, ann)

    assert told() == ["issue.resolved", "issue.unresolved", "issue.archived", "issue.assigned"]


def test_a_body_says_what_happened_to_what_and_by_whom(a_webhook, web, ann, issue):
    row, _ = a_webhook()
    release = a_release("1.0", web)

    resolve([issue], ann, InRelease(release))
    assign([issue], of_user(ann), None)

    resolved, assigned = Delivery.objects.order_by("pk").values_list("payload", flat=True)
    shown = resolved["data"]["issue"]
    assert resolved["action"] == "resolved"
    assert resolved["installation"] == {"uuid": row.guid}
    assert resolved["actor"] == {"type": "user", "id": str(ann.pk), "name": "Ann"}
    assert (shown["id"], shown["shortId"], shown["title"]) == (str(issue.pk), "WEB-1", "ValueError: bad")
    assert (shown["status"], shown["kind"], shown["project"]["slug"]) == ("resolved", "in_release", "web")
    assert shown["web_url"] == f"{settings.VEDETTE.url}/organizations/acme/issues/{issue.pk}/"
    assert assigned["actor"]["type"] == "application"
    assert assigned["data"]["issue"]["assignedTo"]["email"] == ann.email


def test_a_deploy_is_told(a_webhook, web):
    a_webhook(events=["deploy.created"])
    release = a_release("shop@1.0", web)

    create_deploy(release, DeployInput("production", name="blue"), [web], by=Sender(), now=NOON)

    deploy = Delivery.objects.get().payload["data"]["deploy"]
    assert (deploy["environment"], deploy["name"]) == ("production", "blue")
    assert (deploy["release"], deploy["projects"]) == (
        {"version": "shop@1.0"},
        [{"id": str(web.pk), "slug": "web"}],
    )
    assert deploy["dateFinished"] == "2026-03-02T12:00:00Z"
    assert "shop%401.0" in deploy["web_url"]


def test_a_release_that_somebody_makes_is_told_once(a_webhook, web, ann):
    a_webhook(events=["release.created"])

    def make(**columns):
        by = Sender(user=ann)
        create_release(web.organization, "shop@1.0", ReleaseSaid(columns), [web], reach=[web.pk], by=by, now=NOON)

    make(date_released=NOON)
    make(url="https://ci.example.com/7")

    body = Delivery.objects.get().payload
    assert (body["action"], body["actor"]["name"]) == ("created", "Ann")
    assert body["data"]["release"] == {
        "id": str(Release.objects.get().pk),
        "version": "shop@1.0",
        "ref": None,
        "url": None,
        "dateCreated": "2026-03-02T12:00:00Z",
        "dateReleased": "2026-03-02T12:00:00Z",
        "projects": [{"id": str(web.pk), "slug": "web"}],
        "web_url": f"{settings.VEDETTE.url}/organizations/acme/releases/shop%401.0/",
    }


def test_a_release_that_telemetry_makes_or_nobody_keeps_is_not_told(a_webhook, web):
    a_webhook(events=["release.created"])
    a_webhook(events=["release.created"], organization=an_organization("other"))

    get_or_create(web.organization, "1.0", now=NOON, defaults={})
    with transaction.atomic():
        create_release(web.organization, "2.0", ReleaseSaid({}), [web], reach=[web.pk], by=Sender(), now=NOON)
        assert Delivery.objects.get().webhook.organization == web.organization
        transaction.set_rollback(True)

    assert not Delivery.objects.exists()


def test_only_those_who_want_it_are_told(a_webhook, issue, ann):
    a_webhook(events=["issue.assigned"])
    wanting, _ = a_webhook(events=["issue.resolved"])
    off, _ = a_webhook(events=["issue.resolved"])
    change_webhook(off, {"is_active": False}, settings.VEDETTE, by=None)
    a_webhook(events=["issue.resolved"], organization=an_organization("other"))

    resolve([issue], ann)

    assert Delivery.objects.get().webhook_id == wanting.pk


def test_what_did_not_happen_is_not_told(a_webhook, issue, ann):
    a_webhook()

    with transaction.atomic():
        resolve([issue], ann)
        transaction.set_rollback(True)
    resolve([], ann)

    assert told() == []


def test_nobody_who_wants_it_costs_one_query(issue, ann, django_assert_num_queries, web):
    with django_assert_num_queries(1):
        on_assignments([IssueAssigned(web.organization_id, web.pk, issue.pk, NOON)] * 100)


def test_many_issues_are_told_in_few_queries(a_webhook, web, django_assert_max_num_queries):
    a_webhook()
    groups = [web.groups.create(short_id=number, title=f"Error {number}") for number in range(1, 41)]
    changes = [
        IssueStatusChanged(web.organization_id, web.pk, group.pk, GroupStatus.RESOLVED, "now", NOON) for group in groups
    ]

    with django_assert_max_num_queries(8):
        on_changes(changes)

    assert Delivery.objects.count() == 40


def test_the_job_is_due_at_once(a_webhook, issue, ann, django_capture_on_commit_callbacks):
    ScheduledJob.objects.create(name=WEBHOOKS, every_seconds=60, due_at=datetime.now(UTC) + timedelta(seconds=50))
    a_webhook()

    with django_capture_on_commit_callbacks(execute=True):
        resolve([issue], ann)
        assert ScheduledJob.objects.get().due_at > datetime.now(UTC)

    assert ScheduledJob.objects.get().due_at <= datetime.now(UTC)


def test_it_arrives_signed(a_hook_of, receiver, issue, ann):
    _, secret = a_hook_of()
    resolve([issue], ann)

    done = deliver()

    (asked,) = receiver.asked
    one = Delivery.objects.get()
    assert (str(done), one.state, one.status, one.attempts) == ("1 delivered", DeliveryState.DELIVERED, 204, 1)
    assert (asked.method, asked.path, json.loads(asked.body)) == ("POST", "/hook", one.payload)
    assert asked.headers["sentry-hook-resource"] == "issue"
    assert asked.headers["request-id"] == one.guid
    expected = hmac.new(secret.encode(), asked.body, hashlib.sha256).hexdigest()
    assert asked.headers["sentry-hook-signature"] == expected
    assert abs(int(asked.headers["sentry-hook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert not deliver()


def test_what_fails_is_tried_again_ever_later_and_given_up_in_the_end(a_hook_of, receiver, issue, ann):
    row, _ = a_hook_of()
    receiver.answer = lambda asked: Reply(500, b"<secret page>")
    resolve([issue], ann)

    moment = datetime.now(UTC)
    for pause in PAUSES:
        assert str(deliver(moment)) == "1 put off"
        assert not deliver(moment + pause / 2)
        moment += pause + timedelta(seconds=5)
    assert str(deliver(moment)) == "1 given up"

    one = Delivery.objects.get()
    row.refresh_from_db()
    assert (len(receiver.asked), one.attempts) == (ATTEMPTS, ATTEMPTS)
    assert (one.state, one.status, one.error) == (DeliveryState.GIVEN_UP, 500, "it answered 500")
    assert row.failures == 1
    assert len({asked.headers["request-id"] for asked in receiver.asked}) == 1


def test_one_that_arrives_forgets_the_failures_before(a_hook_of, issue, ann):
    a_hook_of()
    Webhook.objects.update(failures=7)
    resolve([issue], ann)

    deliver()

    assert Webhook.objects.get().failures == 0


def test_one_that_fails_is_left_alone_for_a_while(a_hook_of, receiver, issue, ann):
    a_hook_of()
    receiver.answer = lambda asked: Reply(500)
    resolve([issue], ann)
    reopen([issue], ann)

    deliver()

    assert len(receiver.asked) == 1
    receiver.answer = lambda asked: Reply(200)
    assert str(deliver(datetime.now(UTC) + PAUSES[0] + timedelta(seconds=5))) == "2 delivered"


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_a_failure(a_hook_of, receiver, issue, ann, status):
    a_hook_of()
    receiver.answer = lambda asked: Reply(status, headers={"Location": "/elsewhere"})
    resolve([issue], ann)

    deliver()

    assert len(receiver.asked) == 1
    assert Delivery.objects.get().error == f"it answered {status}"


def test_one_whose_name_leads_into_our_own_network_is_given_up(a_hook_of, receiver, issue, ann):
    a_hook_of()
    resolve([issue], ann)

    deliver_due(settings.VEDETTE, datetime.now(UTC), Outgoing())

    assert receiver.asked == []
    assert Delivery.objects.get().state == DeliveryState.GIVEN_UP
    assert "VEDETTE_OUTGOING_ALLOW" in Delivery.objects.get().error


@pytest.mark.parametrize("trouble", ["off", "unsealed", "old"])
def test_what_cannot_be_sent_any_more_is_given_up_without_asking(a_hook_of, receiver, issue, ann, trouble):
    a_hook_of()
    resolve([issue], ann)
    if trouble == "off":
        Webhook.objects.update(is_active=False)
    elif trouble == "unsealed":
        Webhook.objects.update(secret="1:AAAA")
    else:
        Delivery.objects.update(date_added=datetime.now(UTC) - OLDEST - timedelta(minutes=1))

    deliver()

    assert receiver.asked == []
    assert Delivery.objects.get().state == DeliveryState.GIVEN_UP


def test_one_that_another_node_tells_now_is_left_to_it(a_hook_of, receiver, issue, ann):
    a_hook_of()
    resolve([issue], ann)
    Delivery.objects.update(due_at=datetime.now(UTC) + LEASE)

    assert not deliver()
    assert receiver.asked == []


def test_whoever_dies_over_it_has_used_up_an_attempt(a_hook_of, receiver, issue, ann):
    a_hook_of()
    resolve([issue], ann)
    Delivery.objects.update(attempts=ATTEMPTS)

    deliver()

    assert receiver.asked == []
    assert Delivery.objects.get().state == DeliveryState.GIVEN_UP


def test_what_was_told_long_ago_is_forgotten(a_webhook, issue, ann):
    a_webhook()
    resolve([issue], ann)
    long_ago = datetime.now(UTC) - KEPT - timedelta(hours=1)
    Delivery.objects.update(state=DeliveryState.DELIVERED, date_finished=long_ago)
    reopen([issue], ann)
    Delivery.objects.filter(event="issue.unresolved").update(state=DeliveryState.GIVEN_UP, date_finished=NOON)
    Delivery.objects.filter(event="issue.unresolved").update(date_finished=datetime.now(UTC))

    deliver()

    assert told() == ["issue.unresolved"]


def test_a_test_reaches_a_webhook_that_wants_other_things(a_hook_of, receiver):
    row, _ = a_hook_of(events=["deploy.created"])

    send_test(row, datetime.now(UTC))
    deliver()

    assert json.loads(receiver.asked[0].body)["data"] == {"webhook": {"message": "It works."}}


def test_the_secret_is_sealed_and_a_new_one_makes_it_void(a_webhook):
    row, first = a_webhook()

    second = new_secret(row, by=None)

    assert first != second
    kept = str(list(Webhook.objects.values())) + str(list(AuditLogEntry.objects.values()))
    assert first not in kept
    assert second not in kept


@pytest.mark.parametrize(
    ("url", "events", "field"),
    [
        ("http://10.0.0.1/", ["issue.resolved"], "url"),
        ("http://[::1]/", ["issue.resolved"], "url"),
        ("ftp://receiver.example/", ["issue.resolved"], "url"),
        ("https://u:p@receiver.example/", ["issue.resolved"], "url"),
        (f"https://receiver.example/{'a' * 500}", ["issue.resolved"], "url"),
        (URL, [], "events"),
        (URL, ["issue.exploded"], "events"),
    ],
)
def test_what_does_not_do_is_refused_by_its_field(a_webhook, url, events, field):
    with pytest.raises(RuleBroken) as caught:
        a_webhook(url, events)

    assert list(caught.value.errors) == [field]
    assert not Webhook.objects.exists()


def test_an_organization_has_only_so_many(a_webhook, web):
    Webhook.objects.bulk_create(
        Webhook(organization=web.organization, guid=str(number), url=URL, secret="") for number in range(MOST)
    )

    with pytest.raises(RuleBroken, match="at most 20"):
        a_webhook()


def test_deleting_one_forgets_what_it_was_to_be_told(a_webhook, issue, ann):
    row, _ = a_webhook()
    resolve([issue], ann)

    delete_webhook(row, by=ann)

    assert not Delivery.objects.exists()
    assert [entry.event for entry in AuditLogEntry.objects.order_by("pk")] == [10033, 10035]


def test_a_webhook_that_is_deleted_at_this_moment_undoes_nothing(a_webhook, issue, ann):
    row, _ = a_webhook()

    delete_webhook(row, by=ann)
    put([Webhook(pk=1, guid="1", events=["webhook.test"])], [of_test()], datetime.now(UTC))
    resolve([issue], ann)

    assert Delivery.objects.count() == 1
    assert not deliver()
    assert not Delivery.objects.exists()


def test_whoever_has_many_slow_webhooks_keeps_no_other_organization_waiting(a_webhook):
    many = [a_webhook()[0] for _ in range(9)]
    other = a_webhook(organization=an_organization("other"))[0]

    turns = _in_turn([*many, other])

    assert other in turns[:2]
    assert sorted(row.pk for row in turns) == sorted(row.pk for row in [*many, other])
    assert len({tuple(row.pk for row in _in_turn(many)) for _ in range(20)}) > 1


def test_a_defect_in_telling_one_keeps_no_other_waiting(a_hook_of, receiver, issue, ann, monkeypatch):
    broken, whole = a_hook_of()[0], a_hook_of()[0]
    resolve([issue], ann)
    headers = delivering._headers

    def fragile(one, *arguments):
        if one.webhook_id == broken.pk:
            raise TypeError("a defect")
        return headers(one, *arguments)

    monkeypatch.setattr(delivering, "_headers", fragile)

    assert deliver_due(settings.VEDETTE, clock.now(), LOOPBACK).delivered == 1

    states = dict(Delivery.objects.values_list("webhook_id", "state"))
    assert states == {broken.pk: DeliveryState.WAITING, whole.pk: DeliveryState.DELIVERED}
