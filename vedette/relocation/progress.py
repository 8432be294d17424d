"""How far an export or an import has come: told on a terminal, as JSON lines, to a page, or not at all.

Work goes through phases ("reading", "writing", "checking"); within one, rows of models are done. What is told is the
same everywhere: phase, model, rows, rate, and the time that is left when the total is known. It goes to standard
error, because standard output may be the export itself.
"""

import json
import os
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from vedette.core import clock

EVERY_SECONDS = 1.0  # a line of JSON, a file for a page
PLAIN_EVERY_SECONDS = 10.0  # a line in a log that no terminal shows
WINDOW_SECONDS = 20.0  # what the rate is the mean of
_FEWEST_SECONDS = 0.5  # below that a rate is a guess


class Progress(Protocol):
    """What work tells of itself. Calls are cheap: one for each batch of rows is right, one for each row is not."""

    def start(self, phase: str, total: int | None) -> None:
        """A phase begins; `total` is how many rows it has, None when nobody knows yet."""

    def advance(self, model: str, rows: int) -> None:
        """That many more rows of a model are done."""

    def note(self, text: str) -> None:
        """One sentence for people."""

    def finish(self) -> None:
        """The work is over, well or not. Safe to call twice."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the work is. `rows_per_second` and `seconds_left` are None while nobody can tell."""

    phase: str
    model: str
    rows: int
    total: int | None
    seconds: float
    rows_per_second: float | None
    seconds_left: float | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON; numbers with one decimal."""
        return {name: round(value, 1) if isinstance(value, float) else value for name, value in asdict(self).items()}

    def sentence(self) -> str:
        """The same for people: `writing: 12,000 of 1,000,000 rows, 21,400 rows/s, 46 s left (sentry.project)`."""
        said = f"{self.phase}: {self.rows:,}" + (f" of {self.total:,} rows" if self.total is not None else " rows")
        if self.rows_per_second:
            said += f", {self.rows_per_second:,.0f} rows/s"
        if self.seconds_left is not None:
            said += f", {as_time(self.seconds_left)} left"
        return f"{said} ({self.model})" if self.model else said


def as_time(seconds: float) -> str:
    """`46 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Pace:
    """Counts one phase. The rate is that of the last twenty seconds, so that a slow model shows as slow."""

    def __init__(self, phase: str, total: int | None, now: float) -> None:
        self.phase, self.total = phase, total
        self.model, self.rows = "", 0
        self._began = now
        self._seen: deque[tuple[float, int]] = deque([(now, 0)])

    def advance(self, model: str, rows: int, now: float) -> None:
        """Rows were done by `now`, in seconds of a clock that never jumps."""
        self.model = model
        self.rows += rows
        self._seen.append((now, self.rows))
        while len(self._seen) > 2 and now - self._seen[1][0] > WINDOW_SECONDS:
            self._seen.popleft()

    def at(self, now: float) -> Moment:
        """Where it is now."""
        since, before = self._seen[0]
        passed = now - since
        rate = (self.rows - before) / passed if passed >= _FEWEST_SECONDS else None
        left = None
        if rate and self.total is not None and self.total >= self.rows:
            left = (self.total - self.rows) / rate
        return Moment(self.phase, self.model, self.rows, self.total, now - self._began, rate, left)


class Silent:
    """Tells nobody. The others are made of it."""

    def start(self, phase: str, total: int | None) -> None:
        """See `Progress`."""

    def advance(self, model: str, rows: int) -> None:
        """See `Progress`."""

    def note(self, text: str) -> None:
        """See `Progress`."""

    def finish(self) -> None:
        """See `Progress`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.finish()


class _Regular(Silent):
    """Tells at most every so often, and at the end of each phase."""

    def __init__(self, every_seconds: float, seconds: Callable[[], float] = clock.monotonic) -> None:
        self._every_seconds = every_seconds
        self._seconds = seconds
        self._pace: Pace | None = None
        self._told_at = float("-inf")
        self._told_rows = -1

    def start(self, phase: str, total: int | None) -> None:
        """Tell how the last phase ended, and that this one begins."""
        self.finish()
        self._pace = Pace(phase, total, self._seconds())
        self._tell_now()

    def advance(self, model: str, rows: int) -> None:
        """Count, and tell when it is time."""
        if self._pace is None:
            self.start("working", None)
        assert self._pace is not None  # noqa: S101 (start made it)
        now = self._seconds()
        self._pace.advance(model, rows, now)
        if now - self._told_at >= self._every_seconds:
            self._tell_now()

    def finish(self) -> None:
        """Tell how the phase ended, unless that was told."""
        if self._pace is not None:
            if self._pace.rows != self._told_rows:
                self._tell_now()
            self._pace = None

    def _tell_now(self) -> None:
        assert self._pace is not None  # noqa: S101 (callers look)
        self._told_at, self._told_rows = self._seconds(), self._pace.rows
        self._tell(self._pace.at(self._told_at))

    def _tell(self, moment: Moment) -> None:
        raise NotImplementedError


class JsonLines(_Regular):
    """One JSON object a line, for scripts: a moment, or `{"note": …}`."""

    def __init__(
        self,
        stream: IO[str],
        every_seconds: float = EVERY_SECONDS,
        seconds: Callable[[], float] = clock.monotonic,
    ) -> None:
        super().__init__(every_seconds, seconds)
        self._stream = stream

    def note(self, text: str) -> None:
        """See `Progress`."""
        self._say({"note": text})

    def _tell(self, moment: Moment) -> None:
        self._say(moment.as_dict())

    def _say(self, facts: dict[str, Any]) -> None:
        self._stream.write(json.dumps(facts) + "\n")
        self._stream.flush()


class PlainLines(_Regular):
    """Sentences, now and then: for a log, a pipe, a terminal that cannot move its cursor."""

    def __init__(
        self,
        stream: IO[str],
        every_seconds: float = PLAIN_EVERY_SECONDS,
        seconds: Callable[[], float] = clock.monotonic,
    ) -> None:
        super().__init__(every_seconds, seconds)
        self._stream = stream
        self._last = ""

    def note(self, text: str) -> None:
        """See `Progress`."""
        self._say(text)

    def _tell(self, moment: Moment) -> None:
        if moment.rows:
            self._say(moment.sentence())

    def _say(self, text: str) -> None:
        if text != self._last:
            self._stream.write(text + "\n")
            self._stream.flush()
        self._last = text


class Terminal(Silent):
    """A bar for each phase, with rows, rate and the time that is left."""

    def __init__(self, stream: IO[str], seconds: Callable[[], float] = clock.monotonic) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description:<10}"), BarColumn(bar_width=24), TextColumn("{task.fields[said]}"))
        self._console = Console(file=stream)
        self._bar = Bar(*columns, console=self._console, refresh_per_second=5)
        self._seconds = seconds
        self._pace: Pace | None = None
        self._task: Any = None

    def start(self, phase: str, total: int | None) -> None:
        """See `Progress`."""
        self._end_phase()
        if not self._bar.live.is_started:
            self._bar.start()
        self._pace = Pace(phase, total, self._seconds())
        self._task = self._bar.add_task(phase, total=total, said="")

    def advance(self, model: str, rows: int) -> None:
        """See `Progress`."""
        if self._pace is None:
            self.start("working", None)
        assert self._pace is not None  # noqa: S101 (start made it)
        now = self._seconds()
        self._pace.advance(model, rows, now)
        said = self._pace.at(now).sentence().partition(": ")[2]
        self._bar.update(self._task, completed=self._pace.rows, said=said)

    def note(self, text: str) -> None:
        """See `Progress`."""
        self._console.print(text, markup=False, highlight=False)

    def finish(self) -> None:
        """See `Progress`."""
        self._end_phase()
        self._bar.stop()

    def _end_phase(self) -> None:
        if self._pace is not None:
            moment = self._pace.at(self._seconds())
            said = f"{moment.rows:,} rows in {as_time(moment.seconds)}"
            self._bar.update(self._task, total=max(moment.rows, 1), completed=max(moment.rows, 1), said=said)
            self._pace = None


class ProgressFile(_Regular):
    """Kept in a small file that pages read while the work's own transaction hides every row it writes.

    The file is replaced in one step and is gone when the work is over.
    """

    def __init__(
        self,
        path: Path,
        every_seconds: float = EVERY_SECONDS,
        seconds: Callable[[], float] = clock.monotonic,
    ) -> None:
        super().__init__(every_seconds, seconds)
        self._path = path
        self._note = ""

    @staticmethod
    def read(path: Path) -> dict[str, Any] | None:
        """What the file says, as `Moment.as_dict` with `note`; None when nothing is under way."""
        try:
            found: dict[str, Any] = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
        return found

    def note(self, text: str) -> None:
        """Told along with the next moment."""
        self._note = text

    def finish(self) -> None:
        """Take the file away."""
        self._pace = None
        self._path.unlink(missing_ok=True)

    def start(self, phase: str, total: int | None) -> None:
        """See `Progress`."""
        self._pace = Pace(phase, total, self._seconds())
        self._tell_now()

    def _tell(self, moment: Moment) -> None:
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        draft.write_text(json.dumps({**moment.as_dict(), "note": self._note}))
        draft.replace(self._path)


def choose(*, silent: bool, as_json: bool, stream: IO[str] | None = None) -> Silent:
    """Who tells a person at a command line: nobody, JSON lines, a bar on a terminal, sentences elsewhere."""
    out = stream or sys.stderr
    if silent:
        return Silent()
    if as_json:
        return JsonLines(out)
    if out.isatty() and os.environ.get("TERM", "") != "dumb":
        return Terminal(out)
    return PlainLines(out)
