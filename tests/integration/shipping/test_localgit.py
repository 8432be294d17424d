"""Commits of repositories on this machine's disk: what is told, and what a hostile repository cannot do."""

import os
import shutil
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.gitrepository import WHEN, GitRepository
from vedette.core import clock
from vedette.releases.models import Repository
from vedette.shipping.commits import FileChange
from vedette.shipping.providers import localgit
from vedette.shipping.providers.base import ProviderAway, ProviderRefused
from vedette.shipping.providers.localgit import LocalGit

OUTSIDE = "does not lie below one of VEDETTE_GIT_ROOTS"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "allowed"


@pytest.fixture
def git(root):
    return GitRepository(root / "web")


@pytest.fixture
def commits(root):
    def _commits(path, start, end):
        repository = Repository(name="acme/web", provider="git", config={"path": str(path)})
        return LocalGit((root,)).commits(repository, start, end)

    return _commits


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "it-ran"


@pytest.fixture
def program(tmp_path, marker):
    """A program that must not run."""
    path = tmp_path / "evil"
    path.write_text(f"#!/bin/sh\ntouch {marker}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def instead_of_git(tmp_path, monkeypatch):
    """Puts a shell script into git's place."""

    def _instead(script):
        path = tmp_path / "fake-git"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(shutil, "which", lambda name: str(path))

    return _instead


def test_commits_are_told_newest_first_with_their_authors_and_files(git, commits):
    base = git.commit("Begin", {"a.txt": "1", "b.txt": "1"})
    first = git.commit("Fixes WEB-1\n\nAt last.", {"a.txt": "2", "b.txt": None, "dir/c.txt": "3"})
    second = git.commit("Say more", {"a.txt": "4"}, GIT_AUTHOR_NAME="Bo", GIT_AUTHOR_EMAIL="bo[bot]@example.com")

    found = commits(git.path, base, second)

    assert [one.key for one in found] == [second, first]
    assert (found[0].author_name, found[0].author_email) == ("Bo", "bo[bot]@example.com")
    assert found[0].patch_set == [FileChange("a.txt", "M")]
    assert found[1].message == "Fixes WEB-1\n\nAt last."
    assert found[1].repository == "acme/web"
    assert found[1].timestamp == clock.from_unix(WHEN) + timedelta(seconds=120)
    assert found[1].patch_set == [FileChange("a.txt", "M"), FileChange("b.txt", "D"), FileChange("dir/c.txt", "A")]


def test_without_a_commit_to_begin_after_the_twenty_newest_are_told(git, commits):
    keys = [git.commit() for _ in range(22)]

    assert [one.key for one in commits(git.path, None, keys[-1])] == keys[:1:-1]


def test_the_first_commit_of_all_tells_its_files(git, commits):
    first = git.commit("Begin", {"a.txt": "1"})

    assert commits(git.path, None, first)[0].patch_set == [FileChange("a.txt", "A")]


def test_a_range_tells_at_most_so_many_commits(git, commits, monkeypatch):
    keys = [git.commit() for _ in range(4)]
    monkeypatch.setattr(localgit, "MAX_COMMITS", 2)

    assert [one.key for one in commits(git.path, keys[0], keys[3])] == [keys[3], keys[2]]


def test_commits_tell_at_most_so_many_files(git, commits, monkeypatch):
    base, end = git.commit(), git.commit("Many", {f"{number}.txt": "x" for number in range(5)})
    monkeypatch.setattr(localgit, "MAX_FILES", 3)

    assert len(commits(git.path, base, end)[0].patch_set) == 3


def test_a_renamed_file_goes_and_comes(git, commits):
    base = git.commit("Begin", {"old.txt": "the same content\n" * 20})
    end = git.commit("Move", {"old.txt": None, "new.txt": "the same content\n" * 20})

    assert commits(git.path, base, end)[0].patch_set == [FileChange("new.txt", "A"), FileChange("old.txt", "D")]


def test_a_merge_is_told_with_what_it_merges(git, commits):
    base = git.commit()
    git.git("checkout", "--quiet", "-b", "side")
    side = git.commit("Aside")
    git.git("checkout", "--quiet", "main")
    main = git.commit("Straight on")
    git.git("merge", "--quiet", "--no-ff", "--message", "Merge it", "side", GIT_COMMITTER_DATE=f"{WHEN + 9999} +0000")
    merge = git.git("rev-parse", "HEAD")

    found = {one.key: one for one in commits(git.path, base, merge)}

    assert set(found) == {merge, side, main}
    assert found[merge].patch_set == ()


def test_names_that_no_text_is_made_for_are_told_as_well_as_they_can_be(git, commits):
    base = git.commit()
    (git.path / os.fsdecode(b"\xff\xfe.txt")).write_text("x")
    end = git.commit("Ünïcode \x1b[31m", {'a\nb"c\t.txt': "x", "ä.txt": "x"}, GIT_AUTHOR_NAME="Zoë")

    (one,) = commits(git.path, base, end)

    assert one.author_name == "Zoë"
    assert {change.path for change in one.patch_set} == {'a\nb"c\t.txt', "ä.txt", "\ufffd\ufffd.txt"}


def test_a_bare_repository_is_read_as_well(git, root, commits):
    key = git.commit()
    git.git("clone", "--quiet", "--bare", ".", str(root / "web.git"))

    assert [one.key for one in commits(root / "web.git", None, key)] == [key]


def test_an_abbreviated_id_is_enough(git, commits):
    base, end = git.commit(), git.commit()

    assert [one.key for one in commits(git.path, base[:10], end[:10])] == [end]


@pytest.mark.parametrize("key", ["0" * 40, "abcdef1"])
@pytest.mark.parametrize("place", ["start", "end"])
def test_a_commit_that_is_not_there_is_refused(git, commits, key, place):
    known = git.commit()

    with pytest.raises(ProviderRefused, match=r"^git: "):
        commits(git.path, *((key, known) if place == "start" else (known, key)))


@pytest.mark.parametrize(
    "key",
    [
        "main",
        "HEAD",
        "--output=/tmp/x",
        "-n1",
        "ext::sh -c id",
        "a..b",
        "a" * 6,
        "a" * 41,
        "a" * 40 + "\n",
        "^" + "a" * 40,
    ],
)
@pytest.mark.parametrize("place", ["start", "end"])
def test_what_is_no_id_of_a_commit_never_reaches_git(git, commits, key, place, instead_of_git, marker):
    known = git.commit()
    instead_of_git(f"touch {marker}")

    with pytest.raises(ProviderRefused, match="is no id of a commit"):
        commits(git.path, *((key, known) if place == "start" else (known, key)))

    assert not marker.exists()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (None, "has no absolute path"),
        (7, "has no absolute path"),
        ("", "has no absolute path"),
        ("web", "has no absolute path"),
        ("ext::sh -c id", "has no absolute path"),
        ("file:///etc", "has no absolute path"),
        ("/etc\n", "has no absolute path"),
        ("/etc", OUTSIDE),
        ("/nowhere/at/all", OUTSIDE),
    ],
)
def test_what_no_allowed_directory_holds_is_refused(root, path, reason):
    repository = Repository(name="acme/web", provider="git", config={"path": path})

    with pytest.raises(ProviderRefused, match=reason):
        LocalGit((root,)).commits(repository, None, "a" * 40)


def test_without_allowed_directories_nothing_is_read(git):
    repository = Repository(name="acme/web", provider="git", config={"path": str(git.path)})

    with pytest.raises(ProviderRefused, match=OUTSIDE):
        LocalGit(()).commits(repository, None, git.commit())


def test_neither_dots_nor_links_lead_out(tmp_path, root, git, commits):
    outside = GitRepository(tmp_path / "outside")
    key = outside.commit()
    (root / "link").symlink_to(outside.path)
    (root / "half").mkdir()
    (root / "half" / "objects").symlink_to(outside.path / ".git" / "objects")
    (root / "inner").mkdir()
    (root / "inner" / ".git").symlink_to(outside.path / ".git")

    for path in (root / ".." / "outside", root / "link", root / "half", root / "inner", f"{root}-neighbour"):
        with pytest.raises(ProviderRefused, match=OUTSIDE):
            commits(path, None, key)


def test_a_repository_that_borrows_from_outside_is_refused(tmp_path, root, git, commits):
    outside = GitRepository(tmp_path / "outside")
    key = outside.commit()
    alternates = git.path / ".git" / "objects" / "info" / "alternates"
    alternates.write_text(f"# mine\n{outside.path}/.git/objects\n")

    with pytest.raises(ProviderRefused, match=OUTSIDE):
        commits(git.path, None, key)


@pytest.mark.parametrize("unseen", ["\x0b", "\r", "\u2028"], ids=ascii)
def test_what_git_takes_for_one_line_of_what_is_borrowed_is_one(tmp_path, root, git, commits, unseen):
    outside = GitRepository(tmp_path / "outside")
    key = outside.commit()
    objects = git.path / ".git" / "objects"
    (root / "a").mkdir()
    (objects / "link" / "objects").mkdir(parents=True)
    (root / f"a{unseen}link").symlink_to(outside.path / ".git")
    (objects / "info" / "alternates").write_bytes(f"../../../a{unseen}link/objects\n".encode())

    with pytest.raises(ProviderRefused, match=OUTSIDE):
        commits(git.path, None, key)


def test_a_line_end_in_the_name_of_a_directory_names_no_second_one(tmp_path, root, git, commits):
    outside = GitRepository(tmp_path / "outside")
    key = outside.commit()
    inner = Path(f"{root}/x\n{outside.path}/.git/objects")
    inner.mkdir(parents=True)
    (root / "link").symlink_to(inner.parent)

    with pytest.raises(ProviderRefused, match="cannot be read"):
        commits(root / "link", None, key)


@pytest.mark.parametrize("what", ["pack", "aa", "info/alternates", "aa/bb"])
def test_links_among_the_objects_do_not_lead_out_either(tmp_path, root, git, commits, what):
    outside = GitRepository(tmp_path / "outside")
    key = outside.commit()
    link = git.path / ".git" / "objects" / what
    link.parent.mkdir(exist_ok=True)
    if link.is_dir():
        link.rmdir()
    link.symlink_to(outside.path / ".git" / "objects")

    with pytest.raises(ProviderRefused, match=OUTSIDE):
        commits(git.path, None, key)


def test_a_repository_may_borrow_from_an_allowed_one_but_not_from_itself(root, git, commits):
    other = GitRepository(root / "other")
    key = other.commit()
    alternates = git.path / ".git" / "objects" / "info" / "alternates"
    alternates.write_text("../../../other/.git/objects\n")

    assert [one.key for one in commits(git.path, None, key)] == [key]

    for borrowed in (f"{git.path}/.git/objects\n", "#" * 2**16 + "\n"):
        alternates.write_text(borrowed)
        with pytest.raises(ProviderRefused, match="in a way that is not supported"):
            commits(git.path, None, key)


def test_a_directory_without_a_repository_is_away(root, git, commits):
    (root / "empty").mkdir()

    for path in (root / "empty", root / "gone"):
        with pytest.raises(ProviderAway, match="there is no git repository"):
            commits(path, None, "a" * 40)


def test_programs_that_a_repository_names_do_not_run(git, commits, program, marker):
    base, end = git.commit(), git.commit()
    git.git("config", "core.repositoryFormatVersion", "1")
    git.git("config", "extensions.partialClone", "origin")
    git.git("config", "remote.origin.promisor", "true")
    git.git("config", "remote.origin.url", f"ext::{program}")
    git.git("config", "protocol.ext.allow", "always")
    git.git("config", "core.fsmonitor", str(program))

    assert [one.key for one in commits(git.path, base, end)] == [end]
    with pytest.raises(ProviderRefused):
        commits(git.path, None, "f" * 40)
    assert not marker.exists()

    with pytest.raises(subprocess.CalledProcessError):  # git in the repository itself does run them
        git.git("log", "f" * 40)
    assert marker.exists()


def test_git_knows_nothing_of_the_callers_environment(git, commits, instead_of_git, tmp_path, monkeypatch):
    told = tmp_path / "environment"
    monkeypatch.setenv("GIT_DIR", "/etc")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "evil")
    monkeypatch.setenv("VEDETTE_SECRET_KEY", "s3cret")
    monkeypatch.setenv("LD_PRELOAD", "")
    instead_of_git(f"/usr/bin/env > {told}; mkdir -p objects/info")

    assert commits(git.path, None, "a" * 40) == []

    names = {line.partition("=")[0] for line in told.read_text().splitlines()}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        "PATH", "HOME", "LC_ALL", "TZ", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL", "GIT_ALLOW_PROTOCOL",
        "GIT_TERMINAL_PROMPT", "GIT_OPTIONAL_LOCKS", "GIT_NO_REPLACE_OBJECTS", "GIT_NO_LAZY_FETCH",
    }  # fmt: skip
    assert "GIT_ALLOW_PROTOCOL=\n" in told.read_text()


def test_git_that_takes_too_long_is_ended_with_all_that_it_started(git, commits, instead_of_git, tmp_path, monkeypatch):
    pids = tmp_path / "pids"
    instead_of_git(f"sleep 600 & echo $! >> {pids}; echo $$ >> {pids}; wait")
    monkeypatch.setattr(localgit, "TIMEOUT_SECONDS", 2.0)

    with pytest.raises(ProviderAway, match="took longer"):
        commits(git.path, None, "a" * 40)

    for pid in pids.read_text().split():
        assert ends(pid), pid


def ends(pid, within_seconds=30.0):
    """Whether a process that was killed is gone soon: the kernel ends a process after the signal, not with it."""
    until = time.monotonic() + within_seconds
    while not is_over(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return is_over(pid)


def is_over(pid):
    """Whether a process ended; one whose parent did not ask yet counts."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_git_that_says_too_much_is_ended(git, commits, instead_of_git, monkeypatch):
    instead_of_git("yes")
    monkeypatch.setattr(localgit, "MAX_OUTPUT_BYTES", 100_000)

    with pytest.raises(ProviderRefused, match="more than 100000 bytes"):
        commits(git.path, None, "a" * 40)


def test_a_machine_without_git_is_no_reason_to_give_up(git, commits, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(ProviderAway, match="not installed"):
        commits(git.path, None, "a" * 40)


def test_nothing_is_left_behind(git, commits, tmp_path, monkeypatch):
    own = tmp_path / "temporary"
    own.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(own))
    key = git.commit()

    commits(git.path, None, key)
    with pytest.raises(ProviderRefused):
        commits(git.path, None, "0" * 40)

    assert list(own.iterdir()) == []
