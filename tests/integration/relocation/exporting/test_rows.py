"""How rows are written."""

from datetime import UTC, datetime

import pytest

from tests.integration.relocation.exporting.conftest import preserved
from tests.support.factories import a_member, a_project, an_organization
from vedette.accounts.models import ApiToken, Authenticator, Email, User, UserEmail, UserOption
from vedette.core.relocation import Generation
from vedette.orgs.models import OrganizationMember, OrganizationMemberTeam, OrganizationOption, OrgAuthToken, Team
from vedette.projects.models import Environment, EnvironmentProject, Project, ProjectKey, ProjectOption, ProjectTeam
from vedette.releases.models import Repository
from vedette.relocation.exporting import sources
from vedette.relocation.graph import graph
from vedette.relocation.models import ExtraFields

pytestmark = pytest.mark.django_db
WHEN = datetime(2023, 6, 22, 22, 59, 55, 488999, tzinfo=UTC)
WRITTEN = "2023-06-22T22:59:55.488Z"


@pytest.fixture
def full():
    """An installation with a row in every table that exports know, every field set."""
    acme = an_organization(date_added=WHEN, flags=10)
    user = User.objects.create(
        username="ann",
        email="ann@example.com",
        name="Ann Ünger",
        password="pbkdf2_sha256$1$a$b",
        date_joined=WHEN,
        last_login=WHEN,
        last_active=WHEN,
        last_password_change=WHEN,
        session_nonce="abc",
        avatar_url="https://example.com/a.png",
        flags=1,
    )
    Email.objects.create(email="ann@example.com", date_added=WHEN)
    UserEmail.objects.create(user=user, email="ann@example.com", date_hash_added=WHEN, validation_hash="f" * 32)
    team = Team.objects.create(organization=acme, slug="web", name="Web", date_added=WHEN)
    project = a_project(acme, "shop", date_added=WHEN, first_event=WHEN, platform="python", forced_color="ff0000")
    member = OrganizationMember.objects.create(
        organization=acme, user_id=user.pk, inviter_id=user.pk, flags=4, date_added=WHEN, token="t" * 64
    )
    environment = Environment.objects.create(organization_id=acme.pk, name="prod", date_added=WHEN)
    OrganizationMemberTeam.objects.create(organizationmember=member, team=team, role="admin")
    OrganizationOption.objects.create(organization=acme, key="sentry:words", value=["a", "b"])
    OrgAuthToken.objects.create(
        organization_id=acme.pk,
        name="ci",
        token_hashed="a" * 64,
        token_last_characters="wxyz",
        scope_list=["org:ci"],
        created_by=user,
        project_last_used_id=project.pk,
        date_added=WHEN,
    )
    ProjectTeam.objects.create(project=project, team=team)
    ProjectKey.objects.create(project=project, data={"a": 1}, date_added=WHEN, rate_limit_count=5)
    ProjectOption.objects.create(project=project, key="sentry:resolve_age", value=12)
    EnvironmentProject.objects.create(project=project, environment=environment, is_hidden=False)
    UserOption.objects.create(user=user, key="timezone", value="Europe/Vienna")
    Authenticator.objects.create(user=user, type=1, config={"secret": "x"}, created_at=WHEN)
    ApiToken.objects.create(user=user, hashed_token="b" * 64, scope_list=["org:read"], scopes=2, date_added=WHEN)
    Repository.objects.create(organization=acme, name="acme/shop", provider="github", external_id="7", date_added=WHEN)
    return acme, user, project


def test_an_export_with_nothing_in_it_is_two_characters(export):
    assert export().text == "[]"


def test_rows_are_contiguous_in_canonical_order_with_ascending_keys(full, export):
    rows = export().rows

    places = [(graph().order.index(row["model"]), row["pk"]) for row in rows]
    assert places == sorted(places)
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("organization", {"date_added": WRITTEN, "flags": "10", "slug": "acme", "is_test": False, "status": 0}),
        ("organizationoption", {"key": "sentry:words", "value": '["a","b"]'}),
        ("projectoption", {"key": "sentry:resolve_age", "value": 12}),
        ("useroption", {"value": '"Europe/Vienna"', "organization_id": None, "project_id": None}),
        ("authenticator", {"type": 1, "config": '{"secret":"x"}', "created_at": WRITTEN, "last_used_at": None}),
        ("projectkey", {"data": {"a": 1}, "roles": "1", "rate_limit_count": 5}),
        ("user", {"last_login": WRITTEN, "flags": "1", "name": "Ann Ünger", "password": "pbkdf2_sha256$1$a$b"}),
        ("project", {"first_event": WRITTEN, "platform": "python", "template": None, "public": False}),
        ("organizationmember", {"flags": "4", "token": "t" * 64, "token_expires_at": None}),
        ("orgauthtoken", {"scope_list": '["org:ci"]', "token_last_characters": "wxyz"}),
        ("repository", {"provider": "github", "config": {}, "integration_id": None, "date_added": WRITTEN}),
        ("environmentproject", {"is_hidden": False}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_columns_are_written_in_their_encodings(full, export, model, expected):
    (fields,) = export().of(model)

    found = {name: fields[name] for name in expected}
    assert _loosely(found) == _loosely(expected)


def _loosely(fields):
    """JSON text with and without blanks is the same."""
    return {name: value.replace(" ", "") if isinstance(value, str) else value for name, value in fields.items()}


def test_every_field_of_the_format_is_written(full, export):
    exported = export()

    for declaration in graph():
        if declaration.table is not None:
            wire = declaration.wire
            absent = {"token"} if wire.model == "sentry.apitoken" else set()
            (fields,) = exported.of(wire.model.partition(".")[2]) or [None]
            if fields is not None:
                expected = {name for name in wire.names_in(Generation.EARLY_2025) if declaration.column(name)}
                assert set(fields) == expected - absent, wire.model


def test_keys_are_those_of_rows_in_the_file(full, export):
    acme, user, project = full

    exported = export()

    assert exported.of("project")[0]["organization"] == acme.pk
    assert exported.of("organizationmember")[0]["user_id"] == user.pk
    assert exported.of("orgauthtoken")[0]["created_by"] == user.pk
    assert exported.of("orgauthtoken")[0]["project_last_used_id"] == project.pk
    assert not [finding for finding in exported.findings if finding.severity != "note"]


def test_an_older_generation_gets_no_field_that_it_does_not_know(full, export):
    older, newer = export(generation=Generation.MID_2024), export()

    assert "scoping_organization_id" not in older.of("apitoken")[0]
    assert "scoping_organization_id" in newer.of("apitoken")[0]


def test_a_token_for_one_organization_does_not_become_one_for_all(full, export):
    token = ApiToken.objects.get()
    token.scoping_organization_id = full[0].pk
    token.save()

    older, newer = export(generation=Generation.MID_2024), export()

    assert newer.of("apitoken")[0]["scoping_organization_id"] == full[0].pk
    assert not older.of("apitoken")
    assert ("DroppedRow", "sentry.apitoken", "scoping_organization_id") in older.told()


def test_models_that_an_older_generation_does_not_know_are_left_out_and_told_of(export):
    acme = an_organization()
    preserved("datasecrecywaiver", organization=acme.pk)

    exported = export(generation=Generation.MID_2024)

    assert not exported.of("datasecrecywaiver")
    assert exported.told() == {("UnknownModel", "sentry.datasecrecywaiver", None)}
    assert export().of("datasecrecywaiver") == [{"organization": acme.pk}]


def test_fields_that_nobody_knows_leave_as_they_came_unless_the_reader_is_older(export):
    acme = an_organization()
    ExtraFields.objects.create(model="sentry.organization", pk_of_row=acme.pk, fields={"colour": "red"})
    preserved("projecttemplate", organization=acme.pk, name="a", shape="round")

    newer, older = export(), export(generation=Generation.MID_2024)

    assert newer.of("organization")[0]["colour"] == "red"
    assert newer.of("projecttemplate")[0]["shape"] == "round"
    assert "colour" not in older.of("organization")[0]
    assert "shape" not in older.of("projecttemplate")[0]
    assert older.told() == {
        ("UnknownField", "sentry.organization", "colour"),
        ("UnknownField", "sentry.projecttemplate", "shape"),
    }


def test_preserved_rows_leave_as_they_came(export):
    acme = an_organization()
    fields = {"date_added": WRITTEN, "title": "Ö", "filters": {"b": [1.5]}, "organization": acme.pk, "slug": "x"}
    pk = preserved("dashboardtombstone", **fields)

    exported = export()

    assert exported.of("dashboardtombstone") == [fields]
    assert exported.pks("dashboardtombstone") == [pk]


@pytest.mark.parametrize("scope", ["User", "Organization", "Config", "Global"])
def test_pages_leave_no_mark(full, export, monkeypatch, scope):
    a_member(full[0], "bob@example.com")
    at_once = export(scope).text

    monkeypatch.setattr(sources, "PAGE_ROWS", 1)

    assert export(scope).text == at_once


def test_pages_of_long_rows_are_short(export, monkeypatch):
    acme = an_organization()
    for number in range(5):
        preserved("dashboardtombstone", organization=acme.pk, slug="x" * 400 * number)
        OrganizationOption.objects.create(organization=acme, key=f"a{number}", value="x" * 300)
    ExtraFields.objects.create(model="sentry.organization", pk_of_row=acme.pk, fields={"colour": "red" * 500})
    at_once = export().text
    seen = []
    read = sources.pages_of

    def watch(*arguments, **options):
        for page in read(*arguments, **options):
            seen.append(len(page))
            yield page

    monkeypatch.setattr(sources, "PAGE_CHARACTERS", 1000)
    monkeypatch.setattr(sources, "pages_of", watch)

    assert export().text == at_once
    assert [count for count in seen if count > 1] == [5, 3, 2, 5, 2]  # lengths first, then as many as fit


@pytest.mark.parametrize(
    ("slug", "table", "model"),
    [("x" * 60, Project, "sentry.project"), ("123", Project, "sentry.project"), ("Web", Team, "sentry.team")],
)
def test_a_slug_that_sentry_would_not_take_is_told_of(export, slug, table, model):
    table.objects.create(organization=an_organization(), slug=slug, name="a")

    exported = export()

    assert ("ValidationError", model, "slug") in exported.told()
    assert exported.of(model.partition(".")[2])[0]["slug"] == slug


def test_a_key_that_sentry_would_not_take_is_told_of(export):
    ProjectKey.objects.create(project=a_project(), public_key="Not-Hex", secret_key="a" * 32)

    exported = export()

    assert exported.told() == {("ValidationError", "sentry.projectkey", "public_key")}
