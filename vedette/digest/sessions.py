"""Sessions: updates of one (`session`) and counts of many (`sessions`), and what each adds to its minute.

No session is kept. Every payload only adds: to counters, and to sets of the hashes of session ids and users, which can
be told apart and counted but not read. Source: the release health specification, sections 1 to 4.
"""

import math
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec

from vedette.core.clock import from_unix
from vedette.digest.filtering import filter_session
from vedette.digest.normalise.fields import is_environment, is_release
from vedette.digest.request import Request
from vedette.digest.times import DRIFT_SECONDS, FUTURE_SECONDS, read_timestamp
from vedette.digest.values import Prepared, PreparedSessions, SessionBucket
from vedette.wire.envelope import Item
from vedette.wire.outcomes import Category, Outcome

OLDEST_SECONDS = 5 * 86_400
MINUTE = 60
MAX_AGGREGATES = 10_000  # in one envelope, each a row of its own at worst: five days have 7,200 minutes
AUTO = "{{auto}}"
_NIL = "0" * 32
_HEALTHY = frozenset({"ok", "exited"})
_COUNTERS = ("sessions", "crashed", "abnormal", "unhandled", "errored_preaggr")
_SETS = (
    "errored_sids",
    "users",
    "users_errored",
    "users_crashed",
    "users_abnormal",
    "users_unhandled",
    "users_anr",
    "users_anr_foreground",
)
_LONGEST_SECONDS = 1e9

_Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None
_Quantity = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] | None
_Moment = str | int | float


class Attributes(msgspec.Struct, gc=False):
    """What all sessions of a payload share."""

    release: str
    environment: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None


class _Update(msgspec.Struct, gc=False):
    attrs: Attributes
    started: _Moment
    timestamp: _Moment | None = None
    sid: UUID | None = None
    did: str | None = None
    init: bool | None = None
    status: str | None = None
    errors: _Number = None
    duration: float | None = None
    abnormal_mechanism: Any = None


class _Aggregate(msgspec.Struct, gc=False):
    started: _Moment
    did: str | None = None
    exited: _Quantity = None
    errored: _Quantity = None
    abnormal: _Quantity = None
    unhandled: _Quantity = None
    crashed: _Quantity = None


class _Aggregates(msgspec.Struct, gc=False):
    attrs: Attributes
    aggregates: list[_Aggregate]


_Shape = TypeVar("_Shape", _Update, _Aggregates)
_updates = msgspec.json.Decoder(_Update)
_many = msgspec.json.Decoder(_Aggregates)


@dataclass(slots=True)
class Marks:
    """What is added to one minute, while it is being summed up."""

    sessions: int = 0
    crashed: int = 0
    abnormal: int = 0
    unhandled: int = 0
    errored_preaggr: int = 0
    errored_sids: set[int] = field(default_factory=set)
    users: set[int] = field(default_factory=set)
    users_errored: set[int] = field(default_factory=set)
    users_crashed: set[int] = field(default_factory=set)
    users_abnormal: set[int] = field(default_factory=set)
    users_unhandled: set[int] = field(default_factory=set)
    users_anr: set[int] = field(default_factory=set)
    users_anr_foreground: set[int] = field(default_factory=set)
    durations: list[float] = field(default_factory=list)

    def add(self, bucket: SessionBucket) -> None:
        """Everything that `bucket` holds, too."""
        for name in _COUNTERS:
            setattr(self, name, getattr(self, name) + getattr(bucket, name))
        for name in _SETS:
            getattr(self, name).update(getattr(bucket, name))
        self.durations += bucket.durations

    def bucket(self, minute: int) -> SessionBucket:
        """The sums, as those of `minute` (Unix seconds)."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in _COUNTERS}
        fields |= {name: tuple(sorted(getattr(self, name))) for name in _SETS}
        return SessionBucket(minute=minute, **fields, durations=tuple(self.durations))


def session(request: Request, item: Item) -> Prepared:
    """One update of one session."""
    payload = bytes(item.payload)
    update = _read(payload, _updates)
    if isinstance(update, str):
        return _invalid(request, update)
    started = _corrected(request, update.started)
    ended = request.received if update.timestamp is None else _corrected(request, update.timestamp)
    if started is None or ended is None:
        return _invalid(request, "invalid_session")
    if not (_in_time(request, started) and _in_time(request, max(started, ended))):
        return _invalid(request, "timestamp")
    marks = Marks()
    _mark_update(marks, update, _session_id(request, update, payload), _user(request, update.did))
    return _prepared(request, update.attrs, [marks.bucket(_minute(started))])


def sessions(request: Request, item: Item) -> Prepared:
    """Counts of sessions that ended, by the minute in which they started."""
    found = _read(bytes(item.payload), _many)
    if isinstance(found, str):
        return _invalid(request, found)
    request.aggregates += len(found.aggregates)
    if request.aggregates > MAX_AGGREGATES:
        return _invalid(request, "too_large")
    minutes: dict[int, Marks] = {}
    for aggregate in found.aggregates:
        started = _corrected(request, aggregate.started)
        if started is None:
            return _invalid(request, "invalid_session")
        if _in_time(request, started):
            marks = minutes.setdefault(_minute(started), Marks())
            _mark_aggregate(marks, aggregate, _user(request, aggregate.did))
    if not minutes:
        return _invalid(request, "timestamp" if found.aggregates else "no_data")
    return _prepared(request, found.attrs, [marks.bucket(minute) for minute, marks in sorted(minutes.items())])


def _mark_update(marks: Marks, update: _Update, session_id: int, user: int | None) -> None:
    status = update.status or "ok"
    errored = bool(update.errors) or status not in _HEALTHY
    marks.sessions = int(bool(update.init))
    if errored:
        marks.errored_sids.add(session_id)
    if status == "abnormal":
        marks.abnormal = 1
    elif status == "unhandled":
        marks.unhandled = 1
    elif status == "crashed":
        marks.crashed = 1
    elif status == "exited" and update.duration is not None and 0 <= update.duration < _LONGEST_SECONDS:
        marks.durations.append(update.duration)
    if user is None:
        return
    _mark_user(marks, user, errored, marks.abnormal, marks.unhandled, marks.crashed)
    if status == "abnormal" and update.abnormal_mechanism in ("anr_foreground", "anr_background"):
        marks.users_anr.add(user)
        if update.abnormal_mechanism == "anr_foreground":
            marks.users_anr_foreground.add(user)


def _mark_aggregate(marks: Marks, one: _Aggregate, user: int | None) -> None:
    abnormal, unhandled, crashed = one.abnormal or 0, one.unhandled or 0, one.crashed or 0
    errored = (one.errored or 0) + abnormal + unhandled + crashed
    marks.sessions += (one.exited or 0) + errored
    marks.errored_preaggr += errored
    marks.abnormal += abnormal
    marks.unhandled += unhandled
    marks.crashed += crashed
    if user is not None:
        _mark_user(marks, user, errored > 0, abnormal, unhandled, crashed)


def _mark_user(marks: Marks, user: int, errored: bool, abnormal: int, unhandled: int, crashed: int) -> None:
    """`users` holds everybody, so that no union is needed to count them."""
    marks.users.add(user)
    if errored:
        marks.users_errored.add(user)
    if abnormal:
        marks.users_abnormal.add(user)
    if unhandled:
        marks.users_unhandled.add(user)
    if crashed:
        marks.users_crashed.add(user)


def _read(payload: bytes, decoder: msgspec.json.Decoder[_Shape]) -> _Shape | str:
    """The payload, or the reason why it is none."""
    try:
        payload.decode()
        return decoder.decode(payload)
    except msgspec.ValidationError:
        return "invalid_session"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "invalid_json"


def _corrected(request: Request, value: _Moment) -> float | None:
    """Unix seconds, by our clock where the sender's is far off; None for what is no moment."""
    seconds = read_timestamp(value)
    if seconds is None or request.sent_at is None:
        return seconds
    drift = request.received - request.sent_at
    return seconds + drift if abs(drift) >= DRIFT_SECONDS else seconds


def _in_time(request: Request, seconds: float) -> bool:
    return max(request.received - OLDEST_SECONDS, 0) <= seconds <= request.received + FUTURE_SECONDS


def _minute(seconds: float) -> int:
    return math.floor(seconds) // MINUTE * MINUTE


def _prepared(request: Request, attributes: Attributes, buckets: list[SessionBucket]) -> Prepared:
    release = attributes.release.strip()
    if not is_release(release):
        return _invalid(request, "invalid_release")
    if reason := _unwanted(request, attributes, release):
        return request.dropped(Outcome.FILTERED, Category.SESSION, reason)
    environment = (attributes.environment or "").strip()
    return PreparedSessions(
        project_id=request.config.project_id,
        organization_id=request.config.organization_id,
        key_id=request.receipt.key_id,
        release=release,
        environment=environment if is_environment(environment) else "",
        received_at=from_unix(request.received),
        buckets=tuple(buckets),
    )


def _unwanted(request: Request, attributes: Attributes, release: str) -> str:
    """Which of the project's inbound filters does not want it; the address is looked at for that and not kept."""
    sender = request.receipt.remote_addr
    address = attributes.ip_address or ""
    addresses = (sender if address == AUTO else address, sender)
    return filter_session(request.config.filters, release, addresses, attributes.user_agent or "")


def _invalid(request: Request, reason: str) -> Prepared:
    return request.dropped(Outcome.INVALID, Category.SESSION, reason)


def _session_id(request: Request, update: _Update, payload: bytes) -> int:
    """A session without an id is one that no other update can mean: it gets one of its payload's own."""
    if update.sid is not None:
        return _hash(request, b"sid", update.sid.bytes)
    return _hash(request, b"no-sid", request.fallback_id.encode() + payload)


def _user(request: Request, did: str | None) -> int | None:
    if not did or did.replace("-", "") == _NIL:
        return None
    return _hash(request, b"did", did.encode("utf-8", "surrogatepass"))


def _hash(request: Request, kind: bytes, value: bytes) -> int:
    """Ids are compared within a project: the same id in two of them is two."""
    salt = request.config.project_id.to_bytes(16, "little")
    return int.from_bytes(blake2b(value, digest_size=8, salt=salt, person=kind).digest(), "little")
