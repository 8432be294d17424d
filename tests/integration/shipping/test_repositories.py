"""Setting up a repository on this machine's disk."""

import pytest

from tests.support.factories import a_project, an_organization
from tests.support.gitrepository import GitRepository
from vedette.core.errors import RuleBroken
from vedette.releases.models import Repository, RepositoryStatus
from vedette.shipping.repositories import set_up_local

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    return a_project().organization


@pytest.fixture
def git(tmp_path):
    return GitRepository(tmp_path / "root" / "web")


@pytest.fixture
def set_up(acme, tmp_path):
    return lambda name, path, url=None: set_up_local(acme, name, str(path), (tmp_path / "root",), url)


def test_a_new_repository_says_where_it_lies(acme, git, set_up):
    row, is_new = set_up("acme/web", git.path)

    row.refresh_from_db()
    assert is_new
    assert (row.organization, row.provider, row.config) == (acme, "git", {"path": str(git.path)})


def test_a_repository_that_commits_have_named_is_the_same_from_then_on(acme, git, set_up):
    named = Repository.objects.create(organization=acme, name="acme/web")

    row, is_new = set_up("acme/web", git.path)

    assert (row.pk, is_new, Repository.objects.get().provider) == (named.pk, False, "git")


def test_setting_up_again_moves_it(git, set_up, tmp_path):
    other = GitRepository(tmp_path / "root" / "moved")
    set_up("acme/web", git.path)

    set_up("acme/web", other.path)

    assert Repository.objects.get().config == {"path": str(other.path)}


def test_repositories_of_other_organizations_and_providers_are_left_alone(acme, git, set_up):
    rows = [
        Repository.objects.create(organization=an_organization("other"), name="acme/web"),
        Repository.objects.create(organization=acme, name="acme/web", provider="elsewhere", external_id="1"),
        Repository.objects.create(organization=acme, name="acme/web", status=RepositoryStatus.DISABLED),
    ]

    row, is_new = set_up("acme/web", git.path)

    assert is_new
    assert row.pk not in {one.pk for one in rows}
    assert [Repository.objects.get(pk=one.pk).config for one in rows] == [{}, {}, {}]


def test_the_address_that_people_clone_from_stays_until_another_is_given(git, set_up):
    set_up("acme/web", git.path, "git@git.example.com:acme/web.git")
    set_up("acme/web", git.path)
    assert Repository.objects.get().url == "git@git.example.com:acme/web.git"

    set_up("acme/web", git.path, "https://git.example.com/acme/web")

    assert Repository.objects.get().url == "https://git.example.com/acme/web"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "1 to 500 printable characters"),
        ("https://git.example.com/" + "a" * 500, "1 to 500 printable characters"),
        ("https://git.example.com/\n", "1 to 500 printable characters"),
        ("https://robot:secret@git.example.com/acme/web", "no password"),
        ("https://secret@git.example.com/acme/web", "no token"),
        ("ssh://git:secret@git.example.com/acme/web", "no password"),
    ],
)
def test_an_address_that_does_not_do_is_refused(git, set_up, url, reason):
    with pytest.raises(RuleBroken, match=reason) as refusal:
        set_up("acme/web", git.path, url)

    assert "secret" not in str(refusal.value)
    assert not Repository.objects.exists()


@pytest.mark.parametrize("name", ["", " ", "n" * 201])
def test_a_name_that_does_not_do_is_refused(git, set_up, name):
    with pytest.raises(RuleBroken, match="1 to 200 characters"):
        set_up(name, git.path)


@pytest.mark.parametrize(("path", "reason"), [("/etc", "VEDETTE_GIT_ROOTS"), ("web", "no absolute path")])
def test_a_path_that_does_not_do_is_refused(git, set_up, path, reason):
    with pytest.raises(RuleBroken, match=reason):
        set_up("acme/web", path)

    assert not Repository.objects.exists()


def test_a_directory_without_a_repository_is_refused(git, set_up):
    (git.path.parent / "empty").mkdir()

    with pytest.raises(RuleBroken, match="there is no git repository"):
        set_up("acme/web", git.path.parent / "empty")
