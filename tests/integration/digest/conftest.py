"""A stream to digest: a real spool, the real databases, the real engine."""

import msgspec
import pytest

from tests.integration.events.engine_process import running_engine
from tests.support.factories import NOON, a_project
from vedette.core import json
from vedette.core.files import FileStore
from vedette.digest import config
from vedette.digest.preparing import Preparer
from vedette.digest.recall import Recalls
from vedette.digest.stream import Stream
from vedette.events.migrate import migrate
from vedette.events.tables import TABLES
from vedette.spool.park import Park
from vedette.spool.records import Receipt
from vedette.spool.writer import SpoolLimits, SpoolWriter


@pytest.fixture(scope="session")
def digest_engine(tmp_path_factory):
    with running_engine(tmp_path_factory.mktemp("digest")) as engine:
        migrate(engine.store())
        yield engine


@pytest.fixture
def events(digest_engine):
    """An empty event store."""
    events = digest_engine.store()
    for table in TABLES:
        events.run(f"TRUNCATE TABLE {table}")
    yield events
    events.close()


@pytest.fixture(autouse=True)
def _no_settings_of_other_tests():
    """Settings are remembered by a project's id, and a rolled-back test gives its ids to the next."""
    config._cache.clear()


@pytest.fixture
def project(db):
    return a_project()


@pytest.fixture
def accept(tmp_path, project):
    """Put an envelope into the spool, as the front does after it has looked at it."""
    # What these tests accept was received at NOON, days ago: no reason to refuse it.
    writer = SpoolWriter(tmp_path / "spool" / "front", SpoolLimits(max_age_seconds=10**9))

    def _accept(*items, event_id=None, body=None, at=NOON, **receipt):
        if body is None:
            header = {"event_id": event_id} if event_id else {}
            lines = [json.dumps(header)]
            for kind, payload in items:
                data = payload if isinstance(payload, bytes) else json.dumps(payload)
                lines += [json.dumps({"type": kind, "length": len(data)}), data]
            body = b"\n".join(lines)
        values = {"organization_id": project.organization_id, "project_id": project.pk, "key_id": 1, **receipt}
        return writer.append_now(Receipt(received_at=at.timestamp(), **values), body)

    yield _accept
    writer.close()


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "spool")
    yield park
    park.close()


@pytest.fixture
def stream(tmp_path, events, accept, park):
    """Makes a digest of the stream, as a process that has just started would."""
    made = []

    def _stream(store=events, preparer=None):
        preparer = preparer or Preparer(config.configs, msgspec.msgpack.encode)
        one = Stream(
            "node/front",
            tmp_path / "spool" / "front",
            store,
            FileStore(tmp_path / "files"),
            park,
            preparer,
            Recalls(store),
        )
        made.append(one)
        return one

    yield _stream
    for one in made:
        one.close()
