import base64
import json

import pytest
from django.test import override_settings

from vedette.accounts.models import ApiToken, User
from vedette.accounts.tokens import find_user_token
from vedette.cli.bootstrap import bootstrap
from vedette.core.errors import RuleBroken
from vedette.orgs.models import Organization, OrganizationMember, OrgAuthToken
from vedette.orgs.roles import ALL_SCOPES
from vedette.orgs.services import create_organization
from vedette.orgs.tokens import create_org_token, find_org_token
from vedette.projects.models import Project, ProjectKey
from vedette.projects.services import default_key, set_key_active
from vedette.wire.dsn import parse_dsn

URL = "http://127.0.0.1:9000"


def again(**changed):
    wish = {"org": "acme", "project": "web", "email": "ann@example.com", "password": None, "url": URL, **changed}
    return bootstrap(**wish)


@pytest.mark.django_db
def test_an_empty_server_gets_everything_that_is_printed():
    printed = again()

    assert list(printed) == [
        "url",
        "dsn",
        "organization",
        "project",
        "project_id",
        "email",
        "password",
        "auth_token",
        "org_auth_token",
    ]
    user = User.objects.get()
    project = Project.objects.get()
    dsn = parse_dsn(printed["dsn"])
    assert user.check_password(printed["password"])
    assert user.is_superuser
    assert (str(dsn.project_id), dsn.public_key) == (printed["project_id"], ProjectKey.objects.get().public_key)
    assert find_user_token(printed["auth_token"]).user == user
    assert set(ApiToken.objects.get().scope_list) == ALL_SCOPES
    assert find_org_token(printed["org_auth_token"]).organization_id == project.organization_id
    claims = json.loads(base64.b64decode(printed["org_auth_token"].split("_")[1]))
    assert (claims["org"], claims["url"]) == ("acme", URL)
    assert list(project.teams.values_list("slug", flat=True)) == ["acme"]


@pytest.mark.django_db
def test_a_second_run_makes_nothing_but_tokens_and_removes_the_older_ones():
    first = again()
    second = again()

    assert "password" not in second
    assert {name: second[name] for name in ("dsn", "project_id")} == {
        name: first[name] for name in ("dsn", "project_id")
    }
    assert find_user_token(first["auth_token"]) is None
    assert find_org_token(first["org_auth_token"]) is None
    assert find_user_token(second["auth_token"]) is not None
    for model in (User, Organization, OrganizationMember, Project, ProjectKey, ApiToken, OrgAuthToken):
        assert model.objects.count() == 1, model


@pytest.mark.django_db
def test_a_second_project_leaves_the_tokens_of_the_first():
    web, api = again(), again(project="api")

    for printed in (web, api):
        assert find_user_token(printed["auth_token"]).user.email == "ann@example.com"
        assert find_org_token(printed["org_auth_token"]) is not None


@pytest.mark.django_db
def test_tokens_that_people_made_stay():
    again()
    organization = Organization.objects.get()
    _, kept = create_org_token(organization, URL, name="ci", by=User.objects.get())

    again()

    assert find_org_token(kept) is not None


@pytest.mark.django_db
def test_an_existing_owner_keeps_the_password():
    first = again(password="correct horse")
    second = again(password="something else")

    assert first["password"] == "correct horse"
    assert "password" not in second
    assert User.objects.get().check_password("correct horse")


@pytest.mark.django_db
def test_another_person_and_project_join_the_organization():
    again()

    second = again(email="bob@example.com", project="api")

    bob = User.objects.get(email="bob@example.com")
    assert not bob.is_superuser
    assert second["password"]
    assert OrganizationMember.objects.get(user_id=bob.pk).role == "owner"
    assert Project.objects.count() == 2


@pytest.mark.django_db
def test_an_organization_whose_key_is_disabled_gets_another():
    create_organization("Acme", "acme")
    first = again()
    set_key_active(default_key(Project.objects.get()), False)

    assert again()["dsn"] != first["dsn"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changed", [{"org": "Acme Inc"}, {"org": "settings"}, {"project": "12"}, {"email": "nobody"}], ids=lambda c: str(c)
)
def test_bad_names_are_refused_and_leave_nothing(changed):
    with pytest.raises(RuleBroken), override_settings():
        again(**changed)

    assert not User.objects.exists()
    assert not Organization.objects.exists()


def test_the_command_works_on_an_empty_directory_while_nothing_runs(vedette):
    first = vedette.json("bootstrap", "--org", "acme", "--project", "web", "--email", "ann@example.com")
    second = vedette.json("bootstrap", "--org", "acme", "--project", "web", "--email", "ann@example.com")

    assert first["url"] == URL
    assert second["dsn"] == first["dsn"]
    assert {path.stat().st_mode & 0o077 for path in vedette.data_dir.rglob("*")} == {0}


def test_several_commands_on_an_empty_directory_at_once_do_not_get_in_each_other_s_way(vedette):
    arguments = ("bootstrap", "--org", "acme", "--email", "ann@example.com", "--json", "--project")
    running = [vedette.start(*arguments, name) for name in ("web", "api", "cron")]

    done = [(*process.communicate(timeout=60), process.returncode) for process in running]

    assert [(status, err) for _, err, status in done] == [(0, "")] * 3
    assert len({json.loads(out)["project_id"] for out, _, _ in done}) == 3


def test_what_is_wrong_is_told_in_a_line(vedette):
    done = vedette.run("bootstrap", "--org", "Acme Inc", "--project", "web", "--email", "ann@example.com")

    assert done.returncode == 2
    assert done.stderr.startswith("vedette: slug: Enter a valid slug")
    assert len(done.stderr.splitlines()) == 1


def test_a_bad_setting_is_told_in_a_line_with_a_hint(vedette):
    done = vedette.run("status", VEDETTE_BIND="nowhere")

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "vedette: VEDETTE_BIND is 'nowhere'",
        "hint: Write HOST:PORT, for example 127.0.0.1:9000.",
    ]
