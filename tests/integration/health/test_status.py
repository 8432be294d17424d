import time

from vedette.health.node import waiting
from vedette.health.status import node_status
from vedette.spool.files import file_numbers, note_consumed, position_of


def test_what_waits_is_read_from_the_files_while_nothing_runs(node, spooled):
    spooled(time.time() - 30, time.time())

    found = node_status(node())

    assert (found["ready"], found["running"], found["spooled"], found["parked"]) == (False, False, 2, 0)
    assert 30 <= found["lag_seconds"] < 60
    assert found["spooled_bytes"] > 0


def test_what_is_digested_does_not_wait(node, spooled):
    spooled(time.time() - 30, time.time())
    directory = node().spool_dir / "front-0"
    note_consumed(directory, position_of(file_numbers(directory)[0], 1))

    assert waiting(node().spool_dir).items == 1


def test_an_empty_node_has_nothing_waiting(node):
    assert waiting(node().data_dir / "nowhere").items == 0
