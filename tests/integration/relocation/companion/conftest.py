"""What tests of companion archives share."""

import pytest

from tests.support.companion import Carrier


@pytest.fixture
def carrier(tmp_path, db):
    """Archives without events."""
    return Carrier(tmp_path, None)


@pytest.fixture
def event_carrier(tmp_path, db, events):
    """Archives with events, in an empty event store."""
    return Carrier(tmp_path, events)
