"""Who gets a mail about a deploy, about what, and how often."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tests.support.factories import a_member, a_project, a_release
from vedette.accounts.models import User, UserEmail
from vedette.cli.jobs import MAILS
from vedette.issues.models import Activity, ActivityType
from vedette.mail import outbox
from vedette.mail.models import Mail, MailState
from vedette.mail.preferences import ALL, COMMITTED, DEPLOYS, NEVER, choose
from vedette.mail.sending import send_due
from vedette.orgs.models import Organization, OrganizationMember, OrganizationMemberTeam, OrganizationStatus, Team
from vedette.projects.models import Environment, ObjectStatus, ProjectTeam
from vedette.releases.models import Commit, CommitAuthor, Deploy, ReleaseCommit, ReleaseHeadCommit, Repository
from vedette.shipping import deploymail
from vedette.shipping.deploymail import WAIT
from vedette.shipping.deploys import DeployInput, announce, create_deploy
from vedette.shipping.fetchqueue import FetchRef, queue_fetch
from vedette.shipping.sender import Sender

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(mailbox):
    return a_project()


@pytest.fixture
def acme(web):
    return web.organization


@pytest.fixture
def ann(acme):
    """A member with a verified address."""
    return a_member(acme, verified=True)


def commit(release, email="ann@example.com", message="Fix the cart", key="a1b2c3d4e5f60718"):
    """A commit of the release by this author."""
    organization = release.organization
    repository, _ = Repository.objects.get_or_create(organization=organization, name="acme/web")
    author, _ = CommitAuthor.objects.get_or_create(organization=organization, email=email)
    made = Commit.objects.create(
        organization=organization, repository=repository, key=key, author=author, message=message
    )
    order = release.commit_links.count()
    ReleaseCommit.objects.create(organization_id=organization.pk, release=release, commit=made, order=order)
    release.commit_count, release.authors = order + 1, [str(author.pk)]
    release.save()
    return made


def deploy(release, *projects, environment="production", at=NOON, **more):
    wish = DeployInput(environment, date_finished=at, **more)
    return create_deploy(release, wish, projects, by=Sender(), now=at)


def send(at=NOON + WAIT):
    return send_due(MAILS, at)


def recipients(mailbox):
    return sorted(one.recipients[0] for one in mailbox.delivered)


class TestWho:
    def test_members_who_committed_are_told_and_others_are_not(self, mailbox, web, acme, ann):
        release = a_release("1.0", web)
        commit(release, "ANN@example.com".lower())
        a_member(acme, "bob@example.com", verified=True)

        deploy(release, web)
        send()

        assert recipients(mailbox) == ["ann@example.com"]

    def test_whoever_wants_all_deploys_gets_them(self, mailbox, web, acme, ann):
        choose(ann.pk, DEPLOYS, ALL)

        deploy(a_release("1.0", web), web)
        send()

        assert recipients(mailbox) == ["ann@example.com"]

    def test_whoever_wants_none_gets_none_of_their_own_either(self, mailbox, web, ann):
        release = a_release("1.0", web)
        commit(release)
        choose(ann.pk, DEPLOYS, NEVER)

        deploy(release, web)

        assert not Mail.objects.exists()

    def test_only_commits_is_the_default_and_can_be_chosen_again(self, mailbox, web, ann):
        release = a_release("1.0", web)
        commit(release)
        choose(ann.pk, DEPLOYS, NEVER)
        choose(ann.pk, DEPLOYS, COMMITTED)

        deploy(release, web)
        send()

        assert recipients(mailbox) == ["ann@example.com"]

    @pytest.mark.parametrize("choice", [ALL, COMMITTED])
    def test_an_address_that_is_not_verified_counts_for_nothing(self, web, ann, choice):
        release = a_release("1.0", web)
        commit(release)
        choose(ann.pk, DEPLOYS, choice)
        UserEmail.objects.update(is_verified=False)

        deploy(release, web)

        assert not Mail.objects.exists()

    @pytest.mark.parametrize("choice", [ALL, COMMITTED])
    def test_a_stranger_whose_address_is_in_a_commit_is_not_told(self, web, choice):
        eve = a_member(Organization.objects.create(name="Other", slug="other"), "eve@example.com", verified=True)
        choose(eve.pk, DEPLOYS, choice)
        release = a_release("1.0", web)
        commit(release, "eve@example.com")

        deploy(release, web)

        assert not Mail.objects.exists()

    def test_an_invitation_is_no_membership(self, web, acme, ann):
        choose(ann.pk, DEPLOYS, ALL)
        OrganizationMember.objects.update(invite_status=1)

        deploy(a_release("1.0", web), web)

        assert not Mail.objects.exists()

    def test_in_a_closed_organization_nobody_hears_of_projects_of_other_teams(self, mailbox, web, acme, ann):
        Organization.objects.update(flags=0)
        secret = a_project(acme, "secret")
        people = {name: a_member(acme, f"{name}@example.com", verified=True) for name in ("bob", "cid")}
        a_member(acme, "max@example.com", "manager", verified=True)
        team = Team.objects.create(organization=acme, slug="crew", name="Crew")
        ProjectTeam.objects.create(project=web, team=team)
        member = OrganizationMember.objects.get(user_id=people["bob"].pk)
        OrganizationMemberTeam.objects.create(team=team, organizationmember=member)
        for user in User.objects.all():
            choose(user.pk, DEPLOYS, ALL)

        deploy(a_release("1.0", web, secret), web, secret)
        send()

        assert recipients(mailbox) == ["bob@example.com", "max@example.com"]
        told = {one.recipients[0]: one.part("plain") + one.part("html") for one in mailbox.delivered}
        assert "secret" not in told["bob@example.com"]
        assert "secret, web" in told["max@example.com"]

    def test_a_release_of_projects_that_are_being_deleted_concerns_nobody(self, web, ann):
        choose(ann.pk, DEPLOYS, ALL)
        release = a_release("1.0", web)
        web.status = ObjectStatus.PENDING_DELETION
        web.save()

        deploy(release, web)

        assert not Mail.objects.exists()


class TestWhat:
    def test_the_subject_names_version_and_environment(self, mailbox, web, ann):
        release = a_release("web@1.2.3+bead", web)
        commit(release)

        deploy(release, web)
        send()

        assert mailbox.delivered[0].message["Subject"] == "Deployed version 1.2.3 (bead) to production"

    def test_the_mail_tells_of_the_deploy_and_of_ones_own_commits(self, mailbox, web, ann):
        release = a_release("web@1.0", web)
        commit(release, message="Fix the cart\n\nAt last.")
        commit(release, "bob@example.com", "Not yours", key="b" * 40)

        deploy(release, web, name="blue", url="https://ci.example.com/7")
        send()

        text, html = mailbox.delivered[0].part("plain"), mailbox.delivered[0].part("html")
        page = "https://vedette.example.com/organizations/acme/releases/web%401.0/?environment=production"
        assert "Version web@1.0 of Acme was deployed to production (blue)." in text
        for said in (text, html):
            assert page in said
            assert "https://ci.example.com/7" in said
            assert "2026-03-02 12:00 UTC" in said
            assert "a1b2c3d4e5f6" in said
            assert "Fix the cart" in said
            assert "At last" not in said
            assert "Not yours" not in said

    def test_what_strangers_wrote_is_no_markup_and_leads_nowhere_odd(self, mailbox, web, ann):
        release = a_release("1.0<script>alert(1)<", web)
        commit(release, message='<img src="https://evil.example/x">\u202egnp.exe')

        deploy(release, web, environment='"><a href=x>', name="<b>", url="ftp://files.example/<i>")
        send()

        html = mailbox.delivered[0].part("html")
        for markup in ("<script", "<img", "<a href=x", "<b>", "<i>", 'href="ftp'):
            assert markup not in html
        assert "&lt;script&gt;" in html
        for said in (html, mailbox.delivered[0].part("plain")):
            assert "\u202e" not in said
        assert "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}U+202E" in mailbox.delivered[0].part("plain")

    def test_a_plain_mail_shows_characters_and_no_entities(self, mailbox, web, ann):
        release = a_release("1.0", web)
        commit(release, message="Don't say a < b & c")

        deploy(release, web)
        send()

        assert "Don't say a < b & c" in mailbox.delivered[0].part("plain")

    def test_many_own_commits_are_counted(self, mailbox, web, ann):
        release = a_release("1.0", web)
        for number in range(12):
            commit(release, message=f"Change {number}", key=f"{number:040}")

        deploy(release, web)
        send()

        assert "Change 9" in mailbox.delivered[0].part("plain")
        assert "Change 10" not in mailbox.delivered[0].part("plain")
        assert "and 2 more" in mailbox.delivered[0].part("plain")


class TestHowOften:
    def test_deploys_of_some_minutes_are_one_mail(self, mailbox, web, ann):
        releases = [a_release(version, web) for version in ("1.0", "2.0")]
        for release in releases:
            commit(release, key=release.version * 10)

        deploy(releases[0], web, environment="staging")
        deploy(releases[0], web, at=NOON + MINUTE)
        deploy(releases[1], web, at=NOON + 4 * MINUTE)
        send(NOON + 4 * MINUTE)
        assert mailbox.delivered == []
        send()
        deploy(releases[1], web, environment="later", at=NOON + 6 * MINUTE)
        send(NOON + 20 * MINUTE)

        first, second = mailbox.delivered
        assert first.message["Subject"] == "Deployed version 2.0 to production (and 2 more)"
        assert first.part("plain").count("was deployed to") == 3
        assert second.message["Subject"] == "Deployed version 2.0 to later"

    def test_more_deploys_than_anybody_reads_are_counted(self, mailbox, web, ann, monkeypatch):
        monkeypatch.setattr(outbox, "MOST_ITEMS", 4)
        monkeypatch.setattr(deploymail, "MOST_SHOWN", 2)
        release = a_release("1.0", web)
        commit(release)

        for number in range(6):
            deploy(release, web, environment=f"e{number}", at=NOON + timedelta(seconds=number))
        send()

        (arrived,) = mailbox.delivered
        assert "(and 5 more)" in arrived.message["Subject"]
        assert arrived.part("plain").count("was deployed to") == 2
        assert "And 4 more deploys" in arrived.part("plain")

    def test_a_deploy_is_told_once(self, mailbox, web, ann):
        release = a_release("1.0", web)
        commit(release)
        made = deploy(release, web)

        assert not announce(Deploy.objects.get(pk=made.pk), NOON)
        send()

        assert mailbox.delivered[0].part("plain").count("was deployed to") == 1

    def test_commits_that_are_there_keep_no_deploy_waiting_for_others(self, mailbox, web, ann):
        release = a_release("1.0", web)
        ReleaseHeadCommit.objects.create(
            organization_id=release.organization_id,
            release=release,
            repository=commit(release).repository,
            commit=Commit.objects.get(),
        )
        queue_fetch(release, [FetchRef("acme/web", "a" * 40)], previous_id=None, user_id=None, now=NOON)

        assert deploy(release, web).notified


@pytest.mark.django_db(transaction=True)
def test_of_many_that_announce_a_deploy_at_once_one_does(web, ann):
    release = a_release("1.0", web)
    commit(release)
    environment = Environment.objects.create(organization_id=web.organization_id, name="production")
    made = Deploy.objects.create(
        organization=web.organization, release=release, environment=environment, date_finished=NOON
    )
    together, done = threading.Barrier(4), []

    def node():
        try:
            own = Deploy.objects.select_related("release__organization", "environment").get(pk=made.pk)
            together.wait()
            done.append(announce(own, NOON))
        except Exception as error:  # noqa: BLE001 (told below)
            done.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=node) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(done) == [False, False, False, True]
    assert Activity.objects.filter(type=ActivityType.DEPLOY).count() == 1
    assert Mail.objects.get().items == [{"deploy": made.pk}]


class TestUntilItIsSent:
    @pytest.mark.parametrize(
        "happens",
        [
            lambda deploy, ann: deploy.delete(),
            lambda deploy, ann: deploy.release.delete(),
            lambda deploy, ann: OrganizationMember.objects.all().delete(),
            lambda deploy, ann: Organization.objects.update(status=OrganizationStatus.PENDING_DELETION),
            lambda deploy, ann: choose(ann.pk, DEPLOYS, NEVER),
            lambda deploy, ann: UserEmail.objects.update(is_verified=False),
            lambda deploy, ann: User.objects.update(is_active=False),
        ],
        ids=["deploy-gone", "release-gone", "left", "closing", "unsubscribed", "not-theirs", "barred"],
    )
    def test_what_happens_meanwhile_counts(self, mailbox, web, ann, happens):
        release = a_release("1.0", web)
        commit(release)
        happens(deploy(release, web), ann)

        send()

        assert mailbox.delivered == []
        assert Mail.objects.get().state == MailState.DROPPED

    def test_a_user_who_is_gone_takes_their_mail_along(self, mailbox, web, ann):
        release = a_release("1.0", web)
        commit(release)
        deploy(release, web)
        ann.delete()

        assert not send()
        assert not Mail.objects.exists()
