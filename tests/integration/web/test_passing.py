"""The panels of an issue that give some of it away, and the page that its public link leads to."""

import pytest

from tests.support.factories import a_member
from vedette.core import clock
from vedette.issues.merging import merge, move_merged
from vedette.issues.models import Group, GroupHash, GroupShare, GroupSplit
from vedette.issues.sharing import NOT_SHARED
from vedette.issues.unmerged import move_unmerged
from vedette.issues.unmerging import NOTHING_LEFT
from vedette.orgs.models import OrganizationFlags

pytestmark = pytest.mark.django_db
PRIVATE = ("hunter2", "kim@", "checkout-host", "SELECT", "203.0.113", "/organizations/", "acme", "WEB-", "Cart")


@pytest.fixture
def merged(project, events, report, an_error):
    """An issue of two fingerprints."""
    user = {"email": "kim@example.com", "ip_address": "203.0.113.7"}
    crumbs = {"values": [{"message": "SELECT 1"}]}
    report(
        project,
        an_error("ValueError", "<b>bad</b>", "pay", user=user, breadcrumbs=crumbs, server_name="checkout-host"),
        an_error("KeyError", "worse", "ship", user=user),
    )
    merge(list(Group.objects.select_related("project")), None)
    move_merged(events, clock.now())
    return Group.objects.get()


def address(group, rest=""):
    return f"/organizations/acme/issues/{group.qualified_short_id}/{rest}"


def text(answer):
    return answer.content.decode()


def test_fingerprints_are_split_off_on_the_page(visit, ann, merged, events):
    browser = visit(ann)
    before = text(browser.get(address(merged)))
    chosen = GroupHash.objects.order_by("pk").last()

    answer = browser.post(address(merged, "unmerge/"), {"hash": chosen.hash}, follow=True)
    move_unmerged(events, lambda: (), clock.now())

    made = Group.objects.exclude(pk=merged.pk).get()
    assert "Fingerprints (2)" in before
    assert before.count('name="hash"') == 2
    assert answer.redirect_chain == [(address(made), 302)]
    assert f"{made.qualified_short_id} was split off {merged.qualified_short_id}" in text(answer)
    for one, other, word in ((made, merged, "out of"), (merged, made, "into")):
        shown = text(browser.get(address(one)))
        assert f'A fingerprint was split off by Ann, {word} <a href="{address(other)}">' in shown
        assert "Fingerprints (" not in shown


def test_what_cannot_be_split_off_is_said(visit, ann, merged):
    browser = visit(ann)
    hashes = list(GroupHash.objects.values_list("hash", flat=True))

    everything = text(browser.post(address(merged, "unmerge/"), {"hash": hashes}, follow=True))
    nothing = text(browser.post(address(merged, "unmerge/"), follow=True))
    unknown = text(browser.post(address(merged, "unmerge/"), {"hash": "f" * 32}, follow=True))

    assert NOTHING_LEFT in everything
    assert "No fingerprint was chosen." in nothing
    assert "being split off already" in unknown
    assert not GroupSplit.objects.exists()


def test_events_that_are_on_their_way_are_told_and_cannot_be_chosen(visit, ann, merged):
    GroupHash.objects.filter(pk=GroupHash.objects.order_by("pk").last().pk).update(state=1)

    shown = text(visit(ann).get(address(merged)))

    assert shown.count(" disabled>") == 1
    assert "its events are on their way" in shown


def test_an_issue_of_one_fingerprint_has_nothing_to_split(visit, ann, project, report, an_error):
    report(project, an_error())

    assert "Fingerprints (" not in text(visit(ann).get(address(Group.objects.get())))


def test_a_link_is_made_changed_and_taken_back_on_the_page(visit, ann, merged):
    browser = visit(ann)

    def press(verb):
        return text(browser.post(address(merged, "share/"), {"do": verb}, follow=True))

    made, first = press("make"), GroupShare.objects.get().uuid
    changed, second = press("rotate"), GroupShare.objects.get().uuid
    ended = press("stop")

    assert f"/share/issue/{first}/" in made
    assert f"/share/issue/{second}/" in changed
    assert first not in changed
    assert "The public link was taken back by Ann" in ended
    assert not GroupShare.objects.exists()
    assert browser.post(address(merged, "share/"), {"do": "shout"}).status_code == 404


def test_everybody_reads_the_page_of_a_link(visit, ann, merged):
    visit(ann).post(address(merged, "share/"), {"do": "make"})

    answer = visit().get(f"/share/issue/{GroupShare.objects.get().uuid}/")
    page = text(answer)

    assert answer.status_code == 200
    assert (answer["X-Robots-Tag"], answer["Cache-Control"], answer["Referrer-Policy"]) == (
        "noindex, nofollow",
        "no-store",
        "no-referrer",
    )
    assert '<meta name="robots" content="noindex, nofollow">' in page
    assert "KeyError" in page
    assert "raise KeyError()" in page
    assert [word for word in PRIVATE if word in page] == []
    assert "<form" not in page


def test_what_strangers_wrote_is_escaped_on_the_page_of_a_link(visit, ann, project, report, an_error):
    report(project, an_error("ValueError", "<script>alert(1)</script>"))
    group = Group.objects.get()
    visit(ann).post(address(group, "share/"), {"do": "make"})

    page = text(visit().get(f"/share/issue/{GroupShare.objects.get().uuid}/"))

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_a_link_that_leads_nowhere_is_a_404(visit, ann, merged):
    browser = visit(ann)
    browser.post(address(merged, "share/"), {"do": "make"})
    old = GroupShare.objects.get().uuid
    browser.post(address(merged, "share/"), {"do": "rotate"})

    for share_id in (old, "f" * 32, "x"):
        assert visit().get(f"/share/issue/{share_id}/").status_code == 404


def test_an_organization_that_shares_nothing_says_so(visit, ann, organization, merged):
    browser = visit(ann)
    browser.post(address(merged, "share/"), {"do": "make"})
    organization.flags = organization.flags | OrganizationFlags.DISABLE_SHARED_ISSUES
    organization.save()

    assert visit().get(f"/share/issue/{GroupShare.objects.get().uuid}/").status_code == 404
    assert "it leads nowhere" in text(browser.get(address(merged)))
    assert NOT_SHARED in text(browser.post(address(merged, "share/"), {"do": "rotate"}, follow=True))
    browser.post(address(merged, "share/"), {"do": "stop"})
    assert "Public link" not in text(browser.get(address(merged)))


def test_the_page_of_a_link_is_there_while_the_event_store_is_away(visit, ann, merged, monkeypatch):
    from vedette.events import queries
    from vedette.events.client import StoreUnavailable

    def away(*_, **__):
        raise StoreUnavailable("away")

    visit(ann).post(address(merged, "share/"), {"do": "make"})
    monkeypatch.setattr(queries, "edge_event", away)

    answer = visit().get(f"/share/issue/{GroupShare.objects.get().uuid}/")

    assert answer.status_code == 200
    assert "No event can be shown" in text(answer)


@pytest.mark.parametrize("rest", ["unmerge/", "share/"])
def test_an_issue_of_other_teams_is_not_given_away(rest, visit, organization, merged):
    organization.flags = 0
    organization.save()
    bob = a_member(organization, "bob@example.com", "member")

    assert visit(bob).post(address(merged, rest), {"do": "make", "hash": "a"}).status_code == 404
