"""Commits of git repositories on this machine's disk, below the directories that the operator allows.

What lies in a repository is not trusted: its configuration can name programs that git runs. So git never opens it.
It runs in an empty repository of our own, which borrows the objects of the other one and nothing else, without the
caller's environment and without the machine's configuration; it reaches no network, since every protocol is off, and
it is told what to do by fixed arguments and ids of commits, which are hex digits.
"""

import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from vedette.core import clock
from vedette.releases.models import Repository
from vedette.shipping.commits import CommitInput, FileChange
from vedette.shipping.providers.base import (
    DEFAULT_COMMITS,
    MAX_COMMITS,
    MAX_MESSAGE,
    ProviderAway,
    ProviderRefused,
)

TIMEOUT_SECONDS = 30.0
MAX_OUTPUT_BYTES = 64 * 2**20
MAX_FILES = 100_000  # of all commits together
UNSUPPORTED = "the repository borrows objects in a way that is not supported"
_KEY = re.compile(r"[0-9a-fA-F]{7,40}")
_FORMAT = "%H%x00%an%x00%ae%x00%ct%x00%B"
_FIELDS = 5
_BORROWED = Path("info", "alternates")
_BORROWED_DEPTH = 5
_MAX_BORROWED_BYTES = 2**16
_SECONDS = re.compile(r"\d{1,11}")


@dataclass(frozen=True, slots=True)
class LocalGit:
    """Repositories whose `config` says under `path` where they lie."""

    roots: tuple[Path, ...]

    def commits(self, repository: Repository, start: str | None, end: str) -> list[CommitInput]:
        """The commits up to `end`. Raises `ProviderAway` and `ProviderRefused`."""
        for key in (start, end):
            if key is not None and not _KEY.fullmatch(key):
                raise ProviderRefused(f"{key[:64]!r} is no id of a commit")
        objects = objects_of(repository.config.get("path"), self.roots)
        with tempfile.TemporaryDirectory(prefix="vedette-git-") as own:
            git = _Git(Path(own))
            git.run("init", "--quiet", "--bare", "--template=")
            Path(own, "objects", _BORROWED).write_text(f"{objects}\n")
            revision = f"{start}..{end}" if start else end
            most = MAX_COMMITS if start else DEFAULT_COMMITS
            told = git.run(
                "log", "-z", f"--max-count={most}", f"--format=tformat:{_FORMAT}", "--encoding=UTF-8",
                "--no-show-signature", "--no-mailmap", "--no-color", "--end-of-options", revision, "--",
            )  # fmt: skip
            found = list(_commits(told, repository.name))
            keys = "".join(f"{commit.key}\n" for commit in found)
            changed = git.run(
                "diff-tree", "--stdin", "-z", "-r", "--root", "--name-status", "--no-renames", "--no-ext-diff",
                "--no-textconv", stdin=keys.encode(),
            )  # fmt: skip
        files = _files(changed)
        return [replace(commit, patch_set=files.get(commit.key, ())) for commit in found]


def objects_of(path: object, roots: Sequence[Path]) -> Path:
    """Where the objects of the repository at `path` lie. Raises `ProviderRefused` for what is not below one of
    `roots`, also by a link or by borrowing, and `ProviderAway` for what is not there."""
    if not isinstance(path, str) or not path.startswith("/") or "\n" in path or "\0" in path:
        raise ProviderRefused("the repository has no absolute path")
    allowed = [root.resolve() for root in roots]
    place = _within(Path(path), allowed)
    inner = place / ".git" if (place / ".git").is_dir() else place
    objects = _within(inner / "objects", allowed)
    _check_borrowed(objects, allowed, _BORROWED_DEPTH)
    return objects


def _within(path: Path, allowed: Sequence[Path]) -> Path:
    """`path` without links. What lies elsewhere is refused before anybody learns whether it is there."""
    real = _inside(path, allowed)
    if not real.is_dir():
        raise ProviderAway("there is no git repository at the repository's path")
    if "\n" in str(real):  # git would take it for two that are borrowed from
        raise ProviderRefused("a directory with a line end in its name cannot be read")
    return real


def _inside(path: Path, allowed: Sequence[Path]) -> Path:
    real = path.resolve()
    if not any(real.is_relative_to(root) for root in allowed):
        raise ProviderRefused("the repository does not lie below one of VEDETTE_GIT_ROOTS")
    return real


def _check_borrowed(objects: Path, allowed: Sequence[Path], depth: int) -> None:
    """A repository may borrow objects of others, which have to be allowed as well; and what it has by links."""
    try:
        _check_links(objects, allowed)
        borrowed = _read_borrowed(objects)
    except OSError as error:
        raise ProviderAway(f"the repository cannot be read: {error.strerror}") from error
    for line in borrowed.split("\n"):  # as git does: other line ends belong to the names
        if not line or line.startswith("#"):
            continue
        if depth == 0 or line.startswith('"'):
            raise ProviderRefused(UNSUPPORTED)
        _check_borrowed(_within(objects / line, allowed), allowed, depth - 1)


def _check_links(objects: Path, allowed: Sequence[Path]) -> None:
    def complain(error: OSError) -> None:
        raise error

    for place, directories, files in os.walk(objects, onerror=complain):
        for name in (*directories, *files):
            if (path := Path(place, name)).is_symlink():
                _inside(path, allowed)


def _read_borrowed(objects: Path) -> str:
    try:
        with (objects / _BORROWED).open("rb") as file:
            told = file.read(_MAX_BORROWED_BYTES + 1)
    except FileNotFoundError:
        return ""
    if len(told) > _MAX_BORROWED_BYTES:
        raise ProviderRefused(UNSUPPORTED)
    return os.fsdecode(told)


@dataclass(frozen=True, slots=True)
class _Git:
    """Runs git in the repository `own`."""

    own: Path

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """What git says. Raises `ProviderAway` when it takes too long, `ProviderRefused` when it fails."""
        program = shutil.which("git")
        if program is None:
            raise ProviderAway("git is not installed on this machine")
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as complaints:
            given.write(stdin)
            given.seek(0)
            process = subprocess.Popen(  # noqa: S603 (fixed arguments and hex digits; no shell)
                [program, "--no-pager", "--git-dir", str(self.own), *arguments],
                cwd=self.own,
                env=self._environment(),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
            )
            try:
                told = _read(process)
            finally:
                _end(process)
            complaints.seek(0)
            reason = complaints.read(500).decode(errors="replace").strip()
        if process.returncode != 0:
            raise ProviderRefused(f"git: {reason.partition(chr(10))[0][:200] or 'failed'}")
        return told

    def _environment(self) -> dict[str, str]:
        """Everything that git may know of the machine: nothing of the caller's, and no protocol but the disk."""
        return {
            "PATH": os.defpath,
            "HOME": str(self.own),
            "LC_ALL": "C",
            "TZ": "UTC",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ALLOW_PROTOCOL": "",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
        }


def _read(process: subprocess.Popen[bytes]) -> bytes:
    """All that the process writes, within the limits of time and size."""
    until = clock.monotonic() + TIMEOUT_SECONDS
    told = bytearray()
    pipe = process.stdout.fileno() if process.stdout else -1
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            left = until - clock.monotonic()
            if left <= 0 or not selector.select(left):
                raise ProviderAway(f"git took longer than {TIMEOUT_SECONDS:.0f} s")
            piece = os.read(pipe, 2**16)
            if not piece:
                break
            told += piece
            if len(told) > MAX_OUTPUT_BYTES:
                raise ProviderRefused(f"git says more than {MAX_OUTPUT_BYTES} bytes about these commits")
    try:
        process.wait(max(until - clock.monotonic(), 1.0))
    except subprocess.TimeoutExpired as error:
        raise ProviderAway(f"git took longer than {TIMEOUT_SECONDS:.0f} s") from error
    return bytes(told)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Whatever happened, the process and all that it started are gone afterwards."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _commits(told: bytes, repository: str) -> Iterator[CommitInput]:
    """The commits that `git log` told, each in five fields that end in NUL."""
    fields = told.split(b"\0")
    for start in range(0, len(fields) - _FIELDS + 1, _FIELDS):
        key, name, email, seconds, message = (one.decode(errors="replace") for one in fields[start : start + _FIELDS])
        yield CommitInput(
            key=key,
            repository=repository,
            message=message.rstrip("\n")[:MAX_MESSAGE],
            author_name=name or None,
            author_email=email or None,
            timestamp=_moment(seconds),
        )


def _moment(seconds: str) -> datetime | None:
    """A commit may say that it was made in any year."""
    try:
        return clock.from_unix(int(seconds)) if _SECONDS.fullmatch(seconds) else None
    except OverflowError:
        return None


def _files(told: bytes) -> dict[str, list[FileChange]]:
    """What each commit changed, as `git diff-tree` told it: an id, then pairs of a letter and a path."""
    found: dict[str, list[FileChange]] = {}
    fields = iter(told.split(b"\0"))
    changes: list[FileChange] = []
    number = 0
    for one in fields:
        if len(one) > 1:  # an id: letters are one
            changes = found.setdefault(one.decode("ascii", errors="replace"), [])
        elif one and number < MAX_FILES:
            number += 1
            changes.append(FileChange(next(fields, b"").decode(errors="replace"), one.decode(errors="replace")))
        elif one:
            next(fields, b"")
    return found
