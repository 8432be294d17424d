import threading

import pytest
from django.db import connection

from vedette.accounts.users import create_user
from vedette.core.errors import RuleBroken
from vedette.orgs.access import access_of_user
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import (
    AuditLogEntry,
    Organization,
    OrganizationMember,
    OrganizationMemberTeam,
    OrganizationSlugReservation,
    Team,
)
from vedette.orgs.services import add_member, create_organization, create_team
from vedette.orgs.slugs import InvalidSlug, SlugTaken


@pytest.fixture
def ann(db):
    return create_user("ann@example.com", "a long password", name="Ann")


@pytest.mark.django_db
def test_an_organization_comes_with_its_owner_team_slug_and_history(ann):
    organization = create_organization("Acme Inc", "acme", ann, ip_address="203.0.113.9")

    member = OrganizationMember.objects.get(organization=organization)
    team = Team.objects.get(organization=organization)
    assert (member.user_id, member.role, member.user_email) == (ann.pk, "owner", "ann@example.com")
    assert team.slug == "acme"
    assert OrganizationMemberTeam.objects.filter(organizationmember=member, team=team, is_active=True).exists()
    assert OrganizationSlugReservation.objects.get(slug="acme").organization_id == organization.pk
    assert list(AuditLogEntry.objects.order_by("id").values_list("event", "actor_id", "ip_address")) == [
        (10, ann.pk, "203.0.113.9"),
        (20, ann.pk, "203.0.113.9"),
        (2, ann.pk, "203.0.113.9"),
    ]
    access = access_of_user(ann, organization)
    assert access is not None
    assert "org:admin" in access.scopes


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Acme Inc", "Admin", "X", "日本", "123", "a" * 64])
def test_a_slug_is_made_of_any_name(name):
    first = create_organization(name)
    second = create_organization(name)

    assert first.slug != second.slug
    assert all(3 <= len(made.slug) <= 50 and not made.slug.isdigit() for made in (first, second))


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["Acme", "a b", "123", "a" * 51, "ab", "api", "settings", "ä", "acme\n"])
def test_a_bad_slug_is_refused(slug):
    with pytest.raises(InvalidSlug):
        create_organization("Acme", slug)

    assert not Organization.objects.exists()


@pytest.mark.django_db
def test_a_slug_is_taken_once_and_an_old_one_stays_taken():
    create_organization("Acme", "acme")
    OrganizationSlugReservation.objects.create(slug="former", organization_id=1, reservation_type=1)

    for slug in ("acme", "former"):
        with pytest.raises(SlugTaken) as refusal:
            create_organization("Other", slug)
        assert refusal.value.errors == {"slug": ["An organization with this slug already exists."]}
    assert Organization.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "  ", "x" * 65])
def test_a_bad_name_is_refused(name):
    with pytest.raises(RuleBroken):
        create_organization(name, "acme")


@pytest.mark.django_db(transaction=True)
def test_of_two_that_race_for_a_slug_one_gets_it():
    start = threading.Barrier(4)
    results = []

    def attempt():
        start.wait(timeout=10)
        try:
            results.append(create_organization("Acme", "acme").pk)
        except SlugTaken:
            results.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(result is None for result in results) == [False, True, True, True]
    assert Organization.objects.count() == OrganizationSlugReservation.objects.count() == 1


@pytest.mark.django_db
def test_a_member_is_added_once_and_to_teams_of_the_organization_only(ann):
    organization = create_organization("Acme", "acme")
    foreign = create_team(create_organization("Other", "other"), "Ops")

    with pytest.raises(RuleBroken):
        add_member(organization, ann, "member", teams=[foreign])
    with pytest.raises(RuleBroken):
        add_member(organization, ann, "emperor")
    add_member(organization, ann, "manager")
    with pytest.raises(RuleBroken):
        add_member(organization, ann)

    assert OrganizationMember.objects.get(organization=organization).role == "manager"


@pytest.mark.django_db
def test_teams_of_an_organization_have_different_slugs():
    organization = create_organization("Acme", "acme")
    create_team(organization, "Web")

    with pytest.raises(SlugTaken):
        create_team(organization, "Web")

    create_team(create_organization("Other", "other"), "Web")


@pytest.mark.django_db
def test_the_audit_log_keeps_no_long_values(ann):
    organization = create_organization("Acme", "acme")

    entry = record(AuditEvent.ORG_EDIT, organization, by=ann, data={"relayPiiConfig": "x" * 1000, "flags": 3})

    assert entry.data == {"relayPiiConfig": "x" * 200, "flags": 3}
    assert entry.actor_label == "ann@example.com"


@pytest.mark.parametrize(
    ("event", "word"),
    [
        (AuditEvent.ORG_EDIT, "org.edit"),
        (AuditEvent.MEMBER_ACCEPT_INVITE, "member.accept-invite"),
        (AuditEvent.ORG_AUTH_TOKEN_CREATE, "org-auth-token.create"),
        (AuditEvent.PROJECTKEY_DISABLE, "projectkey.disable"),
    ],
)
def test_audit_events_have_the_names_of_the_api(event, word):
    assert event.word == word
