"""A project, and ways to relate events to it, without a store for events and with one."""

import pytest

from tests.support.factories import a_project
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.digest.batch import sort_out
from vedette.digest.models import DigestBatch
from vedette.digest.relate import relate
from vedette.digest.store import store
from vedette.digest.waking import wake


@pytest.fixture
def project(db):
    return a_project()


@pytest.fixture
def take(tmp_path):
    """Relate events as one batch."""

    def _take(*events):
        mark = DigestBatch.objects.create(stream=clock.now().isoformat(), first_position=1, last_position=1)
        return relate(mark, sort_out(events), (), {}, FileStore(tmp_path))

    return _take


@pytest.fixture
def digest(events, tmp_path):
    """Relate and store events as one batch, and let them wake what is archived."""

    def _digest(*values):
        mark = DigestBatch.objects.create(stream=clock.now().isoformat(), first_position=1, last_position=1)
        batch = sort_out(values)
        groups = relate(mark, batch, (), {}, FileStore(tmp_path))
        store(events, mark, batch, groups, (), pytest.fail)
        wake(events, batch, groups)
        return groups

    return _digest
