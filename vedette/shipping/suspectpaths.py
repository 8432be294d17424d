"""Which changed file a stack frame is of: told by how many trailing parts of their paths are the same. Pure.

Frames name files as their runtimes see them: absolute or not, with backslashes, behind a bundler's prefix, as a Java
package. Repositories name them from their root. What both have is the end of the path.

Source: the issue workflow specification, section 13, steps 4 and 5.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

MOST_FRAMES = 25
MOST_PARTS = 64
LONGEST_PATH = 2000
MOST_LOOKED_AT = 2000  # frames of an event, of which the nearest are taken

Parts = tuple[str, ...]

_SEPARATORS = re.compile(r"[/\\]+")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.\-]*:(?=[/\\])", re.IGNORECASE)  # app:///, webpack://_N_E/, C:\, https://cdn/
_PACKAGE = re.compile(r"^(?:package|dart|node|ng|rsc|turbopack):", re.IGNORECASE)
_URL = re.compile(r"^[a-z][a-z0-9+.\-]+:", re.IGNORECASE)  # longer than the letter of a drive
_QUERY = re.compile(r"[?#].*$", re.DOTALL)
_NOWHERE = frozenset({"", ".", "..", "~"})
_JVM = frozenset({"java", "kotlin", "scala", "groovy", "clojure"})
_JVM_ENDINGS = (".java", ".kt", ".scala", ".groovy")


@dataclass(frozen=True, slots=True)
class FrameFile:
    """A file that was running. `paths` are its possible paths in parts, in lower case; `shown` is as the frame says it;
    `nearness` counts from the crash (0)."""

    shown: str
    paths: tuple[Parts, ...]
    nearness: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """The best that a commit has: how many trailing parts are the same, with which frame, in which file it changed."""

    score: int
    frame: FrameFile
    filename: str

    @property
    def rank(self) -> tuple[int, int]:
        """Better ones first."""
        return -self.score, self.frame.nearness


def parts_of(path: str) -> Parts:
    """The parts of a path in lower case, without what says only where it was built, served or bundled."""
    text = path[:LONGEST_PATH].strip()
    if _URL.match(text):
        text = unquote(_QUERY.sub("", text))
    text = _PACKAGE.sub("", _SCHEME.sub("", text))
    parts = [part.lower() for part in _SEPARATORS.split(text)]
    return tuple(part for part in parts if part not in _NOWHERE)[-MOST_PARTS:]


def common_end(one: Parts, other: Parts) -> int:
    """How many trailing parts are the same."""
    count = 0
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def frames_of(payload: object, limit: int = MOST_FRAMES) -> list[FrameFile]:
    """The files of an event's frames, the nearest to the crash first, each once, at most `limit`: those of the program
    itself if it says which, otherwise all."""
    frames = list(_frames(payload))
    own = [frame for frame in frames if frame.get("in_app") is True]
    platform = _word(_value(payload, "platform"))
    found: dict[tuple[Parts, ...], FrameFile] = {}
    for frame in own or frames:
        paths, shown = _paths(frame, _word(frame.get("platform")) or platform)
        if paths and paths not in found:
            found[paths] = FrameFile(shown, paths, len(found))
            if len(found) == limit:
                break
    return list(found.values())


def match(frames: Sequence[FrameFile], changes: Iterable[tuple[int, str]]) -> dict[int, Match]:
    """The best match of each commit, given what commits changed as (commit, file name).

    For each frame only the commits with the longest common end count. One part alone is a coincidence unless there is
    no more to the changed file.
    """
    by_name: dict[str, list[tuple[FrameFile, Parts]]] = defaultdict(list)
    for frame in frames:
        for path in frame.paths:
            by_name[path[-1]].append((frame, path))
    best: dict[int, dict[int, Match]] = defaultdict(dict)  # by nearness of the frame, then by commit
    for commit, filename in changes:
        parts = parts_of(filename)
        for frame, path in by_name.get(parts[-1], ()) if parts else ():
            score = common_end(path, parts)
            known = best[frame.nearness].get(commit)
            if (score > 1 or len(parts) == 1) and (known is None or score > known.score):
                best[frame.nearness][commit] = Match(score, frame, filename)
    found: dict[int, Match] = {}
    for matches in best.values():
        greatest = max((one.score for one in matches.values()), default=0)
        for commit, one in matches.items():
            if one.score == greatest and (commit not in found or one.rank < found[commit].rank):
                found[commit] = one
    return found


def _frames(payload: object) -> Iterator[Mapping[str, object]]:
    """Frames of the event, the nearest to the crash first: of its exceptions the last one was raised last."""
    values = _list(_value(_value(payload, "exception"), "values"))
    threads = _list(_value(_value(payload, "threads"), "values"))
    crashed = [one for one in threads if _value(one, "crashed") is True or _value(one, "current") is True]
    told = 0
    for holder in [*reversed(values), payload, *crashed]:
        for frame in reversed(_list(_value(_value(holder, "stacktrace"), "frames"))):
            told += 1
            if told > MOST_LOOKED_AT:
                return
            if isinstance(frame, Mapping):
                yield frame


def _paths(frame: Mapping[str, object], platform: str) -> tuple[tuple[Parts, ...], str]:
    """The paths that the frame's file may have, and what to call it."""
    filename, absolute, module = (_word(frame.get(name)) for name in ("filename", "abs_path", "module"))
    if platform in _JVM or filename.endswith(_JVM_ENDINGS):
        told = list(_of_class(module, filename))
    else:
        told = [filename, absolute]
    paths = dict.fromkeys(parts for text in told if text and (parts := parts_of(text)))
    return tuple(paths), filename or absolute or module


def _of_class(module: str, filename: str) -> Iterator[str]:
    """Where a class lies: its package as directories, then its file, which it may not name."""
    *package, name = module.split(".") if module else [""]
    if filename:
        yield "/".join((*package, filename))
    elif outer := name.partition("$")[0]:
        for ending in _JVM_ENDINGS:
            yield "/".join((*package, f"{outer.removesuffix('Kt') if ending == '.kt' else outer}{ending}"))


def _value(holder: object, key: str) -> object:
    return holder.get(key) if isinstance(holder, Mapping) else None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
