"""The sessions of a batch, summed up before they are stored: one row per project, minute, environment and release."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from vedette.core.clock import from_unix
from vedette.digest.sessions import Marks
from vedette.digest.values import PreparedSessions, SessionBucket
from vedette.events.rows import SessionRow

ROWS_PER_INSERT = 10_000

Key = tuple[int, int, str, str]  # project, minute, environment, release


def session_rows(sessions: Sequence[PreparedSessions], batch_id: int) -> Iterator[list[SessionRow]]:
    """The rows of a batch in pieces of a bounded size, the same ones in the same order at each replay."""
    rows = (_row(key, bucket, batch_id) for key, bucket in sorted(_sums(sessions).items()))
    while piece := list(islice(rows, ROWS_PER_INSERT)):
        yield piece


def _sums(sessions: Iterable[PreparedSessions]) -> dict[Key, SessionBucket]:
    """One bucket per key. Most keys meet once, and keep the bucket that they came with."""
    first: dict[Key, SessionBucket] = {}
    sums: dict[Key, Marks] = {}
    for item in sessions:
        for bucket in item.buckets:
            key = (item.project_id, bucket.minute, item.environment, item.release)
            known = first.setdefault(key, bucket)
            if known is bucket:
                continue
            if key not in sums:
                sums[key] = Marks()
                sums[key].add(known)
            sums[key].add(bucket)
    return first | {key: marks.bucket(key[1]) for key, marks in sums.items()}


def _row(key: Key, bucket: SessionBucket, batch_id: int) -> SessionRow:
    project_id, minute, environment, release = key
    return SessionRow(
        project_id=project_id,
        timestamp=from_unix(minute),
        environment=environment,
        release=release,
        batch_id=batch_id,
        sessions=bucket.sessions,
        crashed=bucket.crashed,
        abnormal=bucket.abnormal,
        unhandled=bucket.unhandled,
        errored_preaggr=bucket.errored_preaggr,
        duration_count=len(bucket.durations),
        duration_sum=sum(bucket.durations),
        duration_max=max(bucket.durations, default=0.0),
        errored_sid_ids=bucket.errored_sids,
        user_ids=bucket.users,
        user_errored_ids=bucket.users_errored,
        user_crashed_ids=bucket.users_crashed,
        user_abnormal_ids=bucket.users_abnormal,
        user_unhandled_ids=bucket.users_unhandled,
        user_anr_ids=bucket.users_anr,
        user_anr_fg_ids=bucket.users_anr_foreground,
        duration_values=bucket.durations,
    )
