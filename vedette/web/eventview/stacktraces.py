"""Stack traces: the newest call first, library frames folded in runs, the raising frame of one's own code open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from vedette.web.eventview.reading import as_bool, as_dict, as_int, as_link, as_list, as_text
from vedette.web.eventview.values import NO_META, NO_PAIRS, Meta, Pairs, pairs_of

MOST_FRAMES = 250
MOST_VARIABLES = 100
LONGEST_RUN = 30
CONTEXT_LINES = 15
_LINE = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One line of source; `number` is 0 when nobody knows it."""

    number: int
    code: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """One call. `place` is `shop/cart.py:88`, or what comes closest to it."""

    place: str
    function: str
    in_app: bool
    path: str = ""
    module: str = ""
    package: str = ""
    address: str = ""
    note: str = ""
    link: str = ""
    lines: tuple[Line, ...] = ()
    variables: Pairs = NO_PAIRS
    is_open: bool = False

    @property
    def current_line(self) -> str:
        """The source of the call itself, without its indent."""
        return next((line.code.strip() for line in self.lines if line.is_current), "")

    @property
    def has_body(self) -> bool:
        """Whether there is more to see than the one line that names it."""
        return bool(self.lines or self.variables or self.path or self.address or self.package)


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring frames of one kind. `names` are the packages of a run of library frames, at most three."""

    frames: tuple[Frame, ...]
    in_app: bool
    is_folded: bool
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StackTrace:
    """`frame_count` counts every frame that was sent and kept; `left_out` those beyond what a page holds."""

    runs: tuple[Run, ...]
    frame_count: int
    in_app_count: int
    left_out: int = 0

    @property
    def raising(self) -> Frame | None:
        """The newest frame of one's own code; the newest at all where there is none of it."""
        frames = [frame for run in self.runs for frame in run.frames]
        return next((frame for frame in frames if frame.in_app), frames[0] if frames else None)


def read_stacktrace(node: object, meta: Meta = NO_META, *, open_first: bool = True) -> StackTrace | None:
    """A stack trace out of any JSON; None where there is no frame. `open_first` opens the raising frame."""
    sent = [
        (position, frame)
        for position, frame in enumerate(as_list(as_dict(node).get("frames")))
        if isinstance(frame, dict) and frame
    ]
    if not sent:
        return None
    newest_first = sent[::-1][:MOST_FRAMES]
    frames = [_frame(frame, meta.at("frames", position)) for position, frame in newest_first]
    if open_first:
        raising = next((index for index, frame in enumerate(frames) if frame.in_app), 0)
        frames[raising] = replace(frames[raising], is_open=True)
    return StackTrace(
        runs=tuple(_runs(frames)),
        frame_count=len(sent),
        in_app_count=sum(frame.in_app for frame in frames),
        left_out=max(0, len(sent) - MOST_FRAMES),
    )


def _runs(frames: list[Frame]) -> Iterator[Run]:
    """Own frames as they come, up to a length; library frames folded, except the one that is open."""
    for (in_app, is_open), group in groupby(frames, key=_kind):
        members = tuple(group)
        if in_app or is_open:
            yield Run(members[:LONGEST_RUN], in_app, is_folded=False)
            if len(members) > LONGEST_RUN:
                yield Run(members[LONGEST_RUN:], in_app, is_folded=True)
        else:
            yield Run(members, in_app, is_folded=True, names=_names(members))


def _kind(frame: Frame) -> tuple[bool, bool]:
    return frame.in_app, frame.is_open and not frame.in_app


def _names(frames: tuple[Frame, ...]) -> tuple[str, ...]:
    """The packages that a run walks through: the first part of dotted modules, else the file's first directory."""
    found = dict.fromkeys(filter(None, (_package(frame) for frame in frames)))
    return tuple(list(found)[:3])


def _package(frame: Frame) -> str:
    if frame.package:
        return frame.package.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
    parts = frame.module.split(".")
    if len(parts) > 2 and parts[0] in ("com", "org", "net", "io", "java", "javax", "jakarta"):
        return ".".join(parts[:3])
    if parts[0] and "/" not in parts[0]:
        return parts[0]
    pieces = frame.place.rpartition("node_modules/")[2].split("/")
    if len(pieces) < 2 or not pieces[0] or pieces[0].endswith(":"):
        return ""
    return "/".join(pieces[:2]) if pieces[0].startswith("@") else pieces[0]


def _frame(node: dict[str, object], meta: Meta) -> Frame:
    lineno, colno = as_int(node.get("lineno")), as_int(node.get("colno"))
    filename, module = as_text(node.get("filename"), 500), as_text(node.get("module"), 500)
    path, package = as_text(node.get("abs_path"), 1000), as_text(node.get("package"), 500)
    address = as_text(node.get("instruction_addr"), 40)
    place = filename or module or path or package.rsplit("/", 1)[-1] or address or "unknown place"
    if lineno:
        place += f":{lineno}" + (f":{colno}" if colno else "")
    return Frame(
        place=place,
        function=as_text(node.get("function") or node.get("raw_function") or node.get("symbol"), 500) or "?",
        in_app=as_bool(node.get("in_app")) is True,
        path=path if path != filename else "",
        module="" if _says_the_same(module, filename) else module,
        package=package,
        address=address,
        note=_note(as_dict(node.get("data"))),
        link=as_link(node.get("source_link")),
        lines=tuple(_source(node, lineno or 0)),
        variables=pairs_of(list(as_dict(node.get("vars")).items()), meta.at("vars"), MOST_VARIABLES),
    )


def _says_the_same(module: str, filename: str) -> bool:
    """Whether `shop.orders.pricing` adds nothing to `shop/orders/pricing.py`."""
    stem = filename.rpartition(".")[0] or filename
    return module == filename or module.replace(".", "/") in (stem, stem.removesuffix("/__init__"))


def _note(data: dict[str, object]) -> str:
    """Where a mapped frame was in the file that ran."""
    original = as_text(data.get("orig_filename"), 300)
    line = as_int(data.get("orig_lineno"))
    return f"mapped from {original}" + (f":{line}" if line else "") if original else ""


def _source(node: dict[str, object], lineno: int) -> Iterator[Line]:
    """The lines around the call. Without the call's own line the rest would say nothing."""
    current = node.get("context_line")
    before = as_list(node.get("pre_context"))[-CONTEXT_LINES:]
    after = as_list(node.get("post_context"))[:CONTEXT_LINES]
    if not isinstance(current, str) or not (current or before or after):
        return
    for distance, code in enumerate(before, start=-len(before)):
        yield Line(max(0, lineno + distance) if lineno else 0, as_text(code, _LINE))
    yield Line(lineno, as_text(current, _LINE), is_current=True)
    for distance, code in enumerate(after, start=1):
        yield Line(lineno + distance if lineno else 0, as_text(code, _LINE))
