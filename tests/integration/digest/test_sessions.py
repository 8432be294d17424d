"""Sessions from the spool to the numbers, and digests that are killed on the way."""

from uuid import uuid4

import pytest

from tests.integration.digest.test_stream import drain, quantities
from tests.support.factories import NOON
from vedette.digest import store as store_module
from vedette.digest import stream as stream_module
from vedette.digest.models import DigestBatch, OutcomeCount
from vedette.events import queries
from vedette.events.client import StoreUnavailable
from vedette.events.rows import SessionTotals, Window
from vedette.projects.models import Project, ProjectFlags
from vedette.releases.models import Release
from vedette.releases.rates import RATES, sessions_by_status, users_by_status
from vedette.wire.outcomes import Category, Outcome

pytestmark = pytest.mark.django_db(transaction=True)

A, B, C = (str(uuid4()) for _ in range(3))
ATTRS = {"release": "1.0", "environment": "prod"}


class Killed(BaseException):
    """What a test throws where a process would die: nothing catches it."""


def an_update(sid, did=None, **fields):
    at = NOON.timestamp() - 600
    return ("session", {"sid": sid, "did": did, "started": at, "timestamp": at, "attrs": ATTRS, **fields})


def worked_example():
    """The release health specification, section 9."""
    return [
        an_update(A, "u1", init=True, status="ok"),
        an_update(A, "u1", errors=2, status="ok"),
        an_update(A, "u1", errors=2, status="crashed"),
        an_update(B, "u2", init=True, status="exited"),
        an_update(C, init=True, errors=1),
        (
            "sessions",
            {
                "aggregates": [
                    {"started": NOON.timestamp() - 660, "exited": 10, "errored": 2, "crashed": 1, "abnormal": 1}
                ],
                "attrs": ATTRS,
            },
        ),
    ]


def totals(events, project):
    window = Window((project.pk,), NOON.replace(hour=0), NOON.replace(hour=23))
    (sums,) = queries.session_sums(events, window)
    return sums.totals


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "backwards"])
def test_the_worked_example_comes_out_as_it_was_worked_out(accept, stream, events, project, order):
    for item in worked_example()[::order]:
        accept(item)

    drain(stream())

    found = totals(events, project)
    assert (found.sessions, found.errored, found.crashed, found.abnormal) == (17, 6, 2, 1)
    assert sessions_by_status(found) == {"healthy": 11, "errored": 3, "crashed": 2, "abnormal": 1, "unhandled": 0}
    assert (found.users, found.users_errored, found.users_crashed) == (2, 1, 1)
    assert (users_by_status(found)["errored"], users_by_status(found)["healthy"]) == (0, 1)
    assert RATES["crash_free_rate(session)"](found) == pytest.approx(1 - 2 / 17)
    assert RATES["crash_free_rate(user)"](found) == 0.5


def test_each_item_has_one_outcome_and_sessions_make_no_rows_but_that(accept, stream, project):
    accept(*worked_example(), ("session", b"{"), ("session", {"attrs": ATTRS}))

    drain(stream())

    assert quantities() == {("accepted", ""): 6, ("invalid", "invalid_json"): 1, ("invalid", "invalid_session"): 1}
    assert set(OutcomeCount.objects.values_list("category", flat=True)) == {Category.SESSION}
    assert Project.objects.get(pk=project.pk).flags & ProjectFlags.HAS_SESSIONS
    assert not Release.objects.exists()


@pytest.mark.parametrize("replayed", [False, True])
def test_sessions_of_a_project_that_is_gone_are_refused(accept, stream, events, project, monkeypatch, replayed):
    accept(*worked_example())
    Project.objects.filter(pk=project.pk).update(status=2)
    if replayed:
        with monkeypatch.context() as patched:
            patched.setattr(stream_module, "store", _die)
            with pytest.raises(Killed):
                drain(stream())

    drain(stream())

    assert quantities() == {("invalid", "project_id"): 6}
    assert not events.value("SELECT count() FROM sessions")


def _die(*_, **__):
    raise Killed


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_digest_that_is_killed_while_it_stores_counts_each_session_once(
    accept, stream, events, project, monkeypatch, kept
):
    """The engine keeps `kept` of the rows, the process dies, and another one goes on."""
    for item in worked_example():
        accept(item)
    write = store_module.write_sessions

    def write_some(store, rows, token):
        assert len(rows) == 2
        write(store, rows[:kept], token)
        raise Killed

    monkeypatch.setattr(store_module, "write_sessions", write_some)
    with pytest.raises(Killed):
        stream().digest()
    assert DigestBatch.objects.get().related

    drain(stream())

    assert totals(events, project) == SessionTotals(17, 2, 1, 0, 6, 2, 1, 1)
    assert quantities() == {("accepted", ""): 6}


def test_a_token_that_was_noted_for_nothing_loses_no_session(accept, stream, events, project, monkeypatch):
    """As after a kill between the engine's note of the token and the rows: the token is there, they are not."""
    accept(*worked_example())
    write = store_module.write_sessions

    def write_and_lose(store, rows, token):
        write(store, rows, token)
        store.run(f"DELETE FROM sessions WHERE batch_id = {rows[0].batch_id}")
        raise Killed

    monkeypatch.setattr(store_module, "write_sessions", write_and_lose)
    with pytest.raises(Killed):
        stream().digest()

    drain(stream())

    assert totals(events, project).sessions == 17


def test_a_store_that_is_away_is_waited_for(accept, stream, events, project, monkeypatch):
    accept(*worked_example())
    write = store_module.write_sessions
    failures = iter([StoreUnavailable("away")])

    def write_later(*arguments):
        for failure in failures:
            raise failure
        write(*arguments)

    monkeypatch.setattr(store_module, "write_sessions", write_later)
    monkeypatch.setattr(store_module, "complete_sessions", store_module.complete_sessions)
    digest = stream()
    with pytest.raises(StoreUnavailable):
        digest.digest()

    drain(digest)

    assert totals(events, project).sessions == 17
    assert Outcome.ACCEPTED in set(OutcomeCount.objects.values_list("outcome", flat=True))
