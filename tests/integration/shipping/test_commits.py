"""Setting and clearing the commits of a release."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.factories import NOON, an_organization
from tests.support.racing import at_once
from vedette.core.locks import held
from vedette.releases.models import (
    Commit,
    CommitAuthor,
    CommitFileChange,
    Release,
    ReleaseCommit,
    ReleaseHeadCommit,
    Repository,
    RepositoryStatus,
)
from vedette.shipping import commits as shipped
from vedette.shipping.commits import CommitInput, CommitsBusy, FileChange, UnknownRelease, clear_commits, set_commits

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def acme(db):
    return an_organization("acme")


@pytest.fixture
def release(acme):
    return Release.objects.create(organization=acme, version="web@1.0")


@pytest.fixture
def say(release):
    """Set the commits of the release: `say("a", "b")`, or CommitInputs."""

    def _say(*commits, of=release, **options):
        told = [CommitInput(one) if isinstance(one, str) else one for one in commits]
        set_commits(of, told, now=NOON, **options)
        of.refresh_from_db()

    return _say


def linked(release):
    """The commits of a release: (order, key)."""
    return list(ReleaseCommit.objects.filter(release=release).order_by("order").values_list("order", "commit__key"))


def keys(release):
    return [key for _, key in linked(release)]


def rows():
    """Every row that setting commits writes."""
    tables = (Repository, CommitAuthor, Commit, CommitFileChange, ReleaseHeadCommit)
    return [list(table.objects.order_by("pk").values()) for table in tables]


class TestOrder:
    def test_the_newest_is_first_and_those_without_a_moment_come_last(self, say, release):
        say(
            CommitInput("undated-1"),
            CommitInput("old", timestamp=NOON),
            CommitInput("undated-2"),
            CommitInput("new", timestamp=LATER),
            CommitInput("new-too", timestamp=LATER),
        )

        assert linked(release) == [(0, "new"), (1, "new-too"), (2, "old"), (3, "undated-1"), (4, "undated-2")]

    def test_without_moments_the_callers_order_stays(self, say, release):
        say("c", "a", "b")

        assert keys(release) == ["c", "a", "b"]

    def test_commits_that_want_to_be_skipped_are(self, say, release):
        say(CommitInput("a", message="wip #skipsentry"), CommitInput("b", message=None), CommitInput("c", message=""))

        assert keys(release) == ["b", "c"]
        assert not Commit.objects.filter(key="a").exists()

    def test_a_commit_that_comes_twice_has_one_link_and_leaves_a_gap(self, say, release):
        say("a", CommitInput("a", message="again"), "b")

        assert linked(release) == [(0, "a"), (2, "b")]
        assert release.commit_count == 2
        assert Commit.objects.get(key="a").message == "again"


class TestReplacing:
    def test_a_new_list_replaces_the_old_one_and_keeps_its_commits(self, say, release):
        say(CommitInput("a", author_email="ann@example.com"))
        say(CommitInput("b", author_email="bob@example.com"), CommitInput("c"))

        bob = CommitAuthor.objects.get(email="bob@example.com")
        assert keys(release) == ["b", "c"]
        assert set(Commit.objects.values_list("key", flat=True)) == {"a", "b", "c"}
        assert (release.commit_count, release.authors) == (2, [str(bob.pk)])
        assert release.last_commit_id == Commit.objects.get(key="b").pk

    def test_the_same_list_twice_changes_nothing(self, say, release):
        told = [
            CommitInput(
                "a",
                message="Fix it",
                author_name="Ann",
                author_email="ann@example.com",
                timestamp=NOON,
                patch_set=(FileChange("a.py", "A"), FileChange("b.py", "M")),
            ),
            CommitInput("b", repository="acme/web"),
        ]
        say(*told)
        before = rows(), linked(release)

        say(*told)

        assert (rows(), linked(release)) == before

    def test_an_empty_list_leaves_nothing(self, say, release):
        say(CommitInput("a", author_email="ann@example.com"))
        say()

        assert (linked(release), release.commit_count, release.authors) == ([], 0, [])
        assert release.last_commit_id is None

    def test_what_is_said_of_a_known_commit_is_taken_over(self, say):
        say(CommitInput("a", message="Old", author_email="ann@example.com", timestamp=NOON))
        say(CommitInput("a", message="New", author_email="bob@example.com", timestamp=LATER))

        commit = Commit.objects.get(key="a")
        assert (commit.message, commit.date_added) == ("New", LATER)
        assert commit.author is not None
        assert commit.author.email == "bob@example.com"

    def test_what_is_not_said_stays(self, say, release):
        say(CommitInput("a", message="Old", author_email="ann@example.com", timestamp=NOON))
        say(CommitInput("a"))

        commit = Commit.objects.get(key="a")
        assert (commit.message, commit.date_added) == ("Old", NOON)
        assert commit.author is not None
        assert release.authors == [str(commit.author.pk)]  # also of an author that this list does not name

    def test_a_message_that_is_said_to_be_none_goes(self, say):
        say(CommitInput("a", message="Old"))
        say(CommitInput("a", message_is_null=True))

        assert Commit.objects.get(key="a").message is None

    def test_nothing_of_another_organization_is_touched(self, say, release):
        told = CommitInput("a", repository="web", message="Ours", author_name="Ann", author_email="ann@example.com")
        other = Release.objects.create(organization=an_organization("other"), version="web@1.0")
        say(told)
        before = Commit.objects.filter(organization=release.organization).values()[0]

        say(
            CommitInput("a", repository="web", message="Theirs", author_name="X", author_email="ann@example.com"),
            of=other,
        )

        assert Commit.objects.filter(organization=release.organization).values()[0] == before
        assert CommitAuthor.objects.get(organization=release.organization).name == "Ann"
        assert (Repository.objects.count(), Commit.objects.count(), CommitAuthor.objects.count()) == (2, 2, 2)
        assert keys(release) == ["a"]


class TestRepositories:
    def test_one_that_nobody_named_is_called_after_the_organization(self, say, acme):
        say("a", CommitInput("b", repository=""), CommitInput("c", repository="acme/web"))

        found = dict(Commit.objects.values_list("key", "repository__name"))
        assert found == {"a": f"organization-{acme.pk}", "b": f"organization-{acme.pk}", "c": "acme/web"}
        assert set(Repository.objects.values_list("provider", flat=True)) == {None}

    def test_the_active_one_with_the_highest_id_is_taken(self, say, acme):
        for number, status in enumerate((0, 0, RepositoryStatus.DISABLED, RepositoryStatus.PENDING_DELETION)):
            Repository.objects.create(
                organization=acme, name="web", provider="github", external_id=str(number), status=status
            )

        say(CommitInput("a", repository="web"))

        assert Commit.objects.get().repository.external_id == "1"

    def test_one_that_is_not_in_use_is_not_used(self, say, acme):
        old = Repository.objects.create(organization=acme, name="web", status=RepositoryStatus.DISABLED)

        say(CommitInput("a", repository="web"))

        assert Commit.objects.get().repository != old

    def test_the_same_key_in_two_repositories_is_two_commits(self, say, release):
        say(CommitInput("a", repository="web"), CommitInput("a", repository="api"))

        assert linked(release) == [(0, "a"), (1, "a")]
        assert Commit.objects.count() == 2

    def test_the_first_commit_of_a_repository_is_its_head(self, say, release):
        say(CommitInput("a", repository="web"), CommitInput("b", repository="api"), CommitInput("c", repository="web"))

        heads = ReleaseHeadCommit.objects.filter(release=release)
        assert dict(heads.values_list("repository__name", "commit__key")) == {"web": "a", "api": "b"}

    def test_a_head_that_was_given_stays(self, say, acme, release):
        web = Repository.objects.create(organization=acme, name="web")
        given = Commit.objects.create(organization=acme, repository=web, key="given")
        ReleaseHeadCommit.objects.create(organization_id=acme.pk, release=release, repository=web, commit=given)

        say(CommitInput("a", repository="web"))

        assert ReleaseHeadCommit.objects.get().commit == given

    def test_a_name_that_does_not_fit_is_cut(self, say):
        say(CommitInput("a", repository="w" * 300))

        assert Repository.objects.get().name == "w" * 200


class TestAuthors:
    def test_an_address_is_one_author_in_any_letter_case(self, say):
        say(
            CommitInput("a", author_name="Ann", author_email="Ann@Example.com"),
            CommitInput("b", author_name="Somebody else", author_email="ann@example.com"),
        )

        author = CommitAuthor.objects.get()
        assert (author.email, author.name) == ("ann@example.com", "Ann")  # the first commit decides
        assert set(Commit.objects.values_list("author_id", flat=True)) == {author.pk}

    def test_a_name_alone_makes_an_address(self, say):
        say(CommitInput("a", author_name="Ann O'Hara (bot)_1.2-x"))

        author = CommitAuthor.objects.get()
        assert (author.email, author.name) == ("annoharabot_1.2-x@localhost", "Ann O'Hara (bot)_1.2-x")

    @pytest.mark.parametrize(
        "commit", [CommitInput("a"), CommitInput("a", author_email="", author_name="Ann")], ids=["none", "empty"]
    )
    def test_without_an_address_there_is_no_author(self, say, commit):
        say(commit)

        assert Commit.objects.get().author is None
        assert not CommitAuthor.objects.exists()

    def test_a_new_name_replaces_the_old_one_and_no_name_does_not(self, say):
        say(CommitInput("a", author_name="Ann", author_email="ann@example.com"))
        say(CommitInput("a", author_email="ann@example.com"), CommitInput("b", author_name="", author_email="x@y"))
        assert CommitAuthor.objects.get(email="ann@example.com").name == "Ann"
        assert CommitAuthor.objects.get(email="x@y").name is None

        say(CommitInput("a", author_name="Ann B", author_email="ann@example.com"))
        assert CommitAuthor.objects.get(email="ann@example.com").name == "Ann B"

    def test_what_does_not_fit_is_cut(self, say):
        say(CommitInput("a", author_name="n" * 300, author_email="[bot]" + "e" * 300))

        author = CommitAuthor.objects.get()
        assert (author.name, author.email) == ("n" * 128, "[bot]" + "e" * 195)

    def test_null_characters_do_not_reach_the_database(self, say):
        say(
            CommitInput(
                "a",
                repository="w\0",
                message="m\0",
                author_name="n\0",
                author_email="e\0",
                patch_set=[FileChange("p\0", "A")],
            )
        )

        commit = Commit.objects.get()
        assert commit.author is not None
        found = (commit.repository.name, commit.message, commit.author.name, commit.author.email)
        assert found == ("w\ufffd", "m\ufffd", "n\ufffd", "e\ufffd")
        assert CommitFileChange.objects.get().filename == "p\ufffd"


class TestFiles:
    def test_changed_files_are_kept_with_their_types(self, say, acme):
        say(CommitInput("a", patch_set=[FileChange("a", "A"), FileChange("d", "D"), FileChange("m", "M")]))

        found = CommitFileChange.objects.values_list("filename", "type", "organization_id")
        assert set(found) == {("a", "A", acme.pk), ("d", "D", acme.pk), ("m", "M", acme.pk)}

    @pytest.mark.parametrize("letter", ["R", "C", "T", "a", "", "A very long word"])
    def test_any_other_type_is_a_modification(self, say, letter):
        say(CommitInput("a", patch_set=[FileChange("f", letter)]))

        assert CommitFileChange.objects.get().type == "M"

    def test_a_file_that_is_known_keeps_its_type(self, say):
        say(CommitInput("a", patch_set=[FileChange("f", "A"), FileChange("f", "D")]))
        say(CommitInput("a", patch_set=[FileChange("f", "M"), FileChange("g", "M")]))

        assert dict(CommitFileChange.objects.values_list("filename", "type")) == {"f": "A", "g": "M"}

    def test_a_long_path_is_cut(self, say):
        say(CommitInput("a", patch_set=[FileChange("p" * 600, "M")]))

        assert CommitFileChange.objects.get().filename == "p" * 510


class TestMerging:
    def test_commits_of_repositories_that_are_not_named_stay(self, say, release):
        say(
            CommitInput("web-1", repository="web", timestamp=NOON),
            CommitInput("api-2", repository="api", timestamp=NOON + timedelta(minutes=90)),
            CommitInput("api-1", repository="api", timestamp=NOON + timedelta(minutes=30)),
        )

        say(
            CommitInput("web-3", repository="web", timestamp=NOON + timedelta(hours=2), author_email="ann@example.com"),
            CommitInput("web-2", repository="web", timestamp=LATER),
            merge=True,
        )

        assert linked(release) == [(0, "web-3"), (1, "api-2"), (2, "web-2"), (3, "api-1")]
        assert release.commit_count == 4
        assert release.last_commit_id == Commit.objects.get(key="web-3").pk
        assert release.authors == [str(CommitAuthor.objects.get().pk)]

    def test_an_empty_list_merges_nothing(self, say, release):
        say("a", "b")

        say(merge=True)

        assert keys(release) == ["a", "b"]


class TestClearing:
    def test_links_and_heads_go_and_commits_stay(self, say, release):
        say(
            CommitInput("a", repository="web", author_email="ann@example.com"),
            CommitInput("b", repository="api"),
        )
        assert ReleaseHeadCommit.objects.count() == 2

        clear_commits(release)

        release.refresh_from_db()
        assert (linked(release), release.commit_count, release.authors) == ([], 0, [])
        assert release.last_commit_id is None
        assert not ReleaseHeadCommit.objects.exists()
        assert Commit.objects.count() == 2

    def test_a_release_without_commits_can_be_cleared(self, release):
        clear_commits(release)

        release.refresh_from_db()
        assert release.commit_count == 0

    def test_other_releases_keep_theirs(self, say, acme, release):
        other = Release.objects.create(organization=acme, version="web@2.0")
        say("a", of=other)
        say("a")

        clear_commits(release)

        assert (keys(release), keys(other)) == ([], ["a"])


@pytest.mark.parametrize(
    "work", [lambda release: set_commits(release, [], now=NOON), clear_commits], ids=["set", "clear"]
)
def test_a_release_that_another_request_works_on_is_refused(release, monkeypatch, work):
    monkeypatch.setattr(shipped, "WAIT_SECONDS", 0)

    with (
        held(f"releasecommits:{release.organization_id}:{release.pk}", 60),
        pytest.raises(CommitsBusy, match="Release commits are currently being processed"),
    ):
        work(release)


@pytest.mark.parametrize(
    "work", [lambda release: set_commits(release, [CommitInput("a")], now=NOON), clear_commits], ids=["set", "clear"]
)
def test_a_release_that_is_deleted_meanwhile_is_told_and_leaves_no_trace(release, work):
    Release.objects.all().delete()

    with pytest.raises(UnknownRelease):
        work(release)

    assert not Commit.objects.exists()


def test_the_lock_is_given_back(say, release):
    say("a")

    with held(f"releasecommits:{release.organization_id}:{release.pk}", 60):
        pass


def test_many_commits_take_few_statements(say):
    def told(count):
        return [
            CommitInput(
                f"{number}",
                message="m",
                author_email=f"{number}@example.com",
                patch_set=[FileChange("a", "A"), FileChange("b", "M")],
            )
            for number in range(count)
        ]

    say(*told(1))
    with CaptureQueriesContext(connection) as one:
        say(*told(1))
    with CaptureQueriesContext(connection) as many:
        say(*told(400))

    assert len(many) < len(one) + 30


@pytest.mark.django_db(transaction=True)
def test_releases_that_name_the_same_commits_at_once_share_their_rows(acme):
    releases = [Release.objects.create(organization=acme, version=f"web@{number}") for number in range(4)]
    told = [
        CommitInput(f"{n}", repository=f"r{n % 3}", author_email=f"{n}@x", patch_set=[FileChange("f", "A")])
        for n in range(60)
    ]

    raised = at_once(
        *(
            lambda release=release, step=step: set_commits(release, told[::step], now=NOON)
            for release, step in zip(releases, (1, -1, 1, -1), strict=True)
        )
    )

    assert raised == [None] * 4
    assert (Repository.objects.count(), CommitAuthor.objects.count(), Commit.objects.count()) == (3, 60, 60)
    assert CommitFileChange.objects.count() == 60
    assert {len(keys(release)) for release in releases} == {60}


@pytest.mark.django_db(transaction=True)
def test_two_lists_for_one_release_never_mix(acme, release):
    raised = at_once(
        *(
            lambda name=name: set_commits(release, [CommitInput(f"{name}{n}") for n in range(50)], now=NOON)
            for name in "abc"
        )
    )

    assert raised == [None] * 3
    assert len({key[0] for key in keys(release)}) == 1
    assert len(keys(release)) == 50


@pytest.mark.django_db(transaction=True)
def test_who_does_not_get_the_release_in_time_is_refused_and_leaves_no_trace(release, monkeypatch):
    monkeypatch.setattr(shipped, "WAIT_SECONDS", 0)
    inside = threading.Barrier(2)
    real = shipped.place

    def slow(*args):
        inside.wait(30)  # the first holds the lock: the second may try
        inside.wait(30)  # and has been refused
        return real(*args)

    def second():
        inside.wait(30)
        try:
            set_commits(release, [CommitInput("second")], now=NOON)
        finally:
            inside.wait(30)

    monkeypatch.setattr(shipped, "place", slow)

    raised = at_once(lambda: set_commits(release, [CommitInput("first")], now=NOON), second)

    assert [type(error) for error in raised] == [type(None), CommitsBusy]
    assert keys(release) == ["first"]
    assert not Commit.objects.filter(key="second").exists()
