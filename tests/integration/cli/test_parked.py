import contextlib
import json
import math
import os
import subprocess
import sys

import pytest

from vedette.health.node import waiting
from vedette.spool.files import streams
from vedette.spool.park import Park
from vedette.spool.reader import SpoolReader
from vedette.spool.records import Receipt
from vedette.spool.writer import SpoolLimits, claim_stream

RECEIPT = Receipt(organization_id=1, project_id=7, key_id=1, received_at=1_700_000_000.0)


@pytest.fixture
def vedette(tmp_path):
    """Runs `vedette parked …` on a data directory of its own; gives exit status, output and complaints."""

    def _vedette(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "vedette", "parked", *arguments],
            env={**os.environ, "VEDETTE_DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    return _vedette


@pytest.fixture
def parked(tmp_path):
    park = Park(tmp_path / "spool")
    for position in (5, 6):
        park.put("node/front", position, RECEIPT, b"{}\n%d" % position, "ValueError: a defect", "Traceback …")
    park.put("node/front", 7, b"\xffbroken", b"", "damaged: row")
    park.close()


def test_parked_requests_are_listed_with_their_reason(vedette, parked):
    status, output, _ = vedette("list")
    _, listed, _ = vedette("list", "--json")

    assert status == 0
    assert "1  project 7  4 bytes  ValueError: a defect" in output
    assert [entry["position"] for entry in json.loads(listed)] == [5, 6, 7]


def test_nothing_parked_is_said(vedette):
    assert vedette("list")[:2] == (0, "nothing is parked\n")


def test_a_replayed_request_is_in_the_spool_again_as_it_came(vedette, parked, tmp_path):
    status, output, complaints = vedette("replay", "--all")

    assert (status, output) == (0, "1 is in the spool again\n2 is in the spool again\n")
    assert "3 cannot be replayed" in complaints
    [stream] = streams(tmp_path / "spool")
    assert [(one.receipt, one.body) for one in SpoolReader(stream).read()] == [(RECEIPT, b"{}\n5"), (RECEIPT, b"{}\n6")]
    assert [entry["id"] for entry in json.loads(vedette("list", "--json")[1])] == [3]


def test_a_replay_goes_on_behind_what_is_older_than_the_spool_takes(vedette, parked, tmp_path):
    with contextlib.closing(
        claim_stream(tmp_path / "spool", SpoolLimits(max_age_seconds=math.inf), "replay")
    ) as writer:
        writer.append_now(RECEIPT, b"{}")

    status, output, _ = vedette("replay", "1", "2")

    assert (status, output) == (0, "1 is in the spool again\n2 is in the spool again\n")
    left = waiting(tmp_path / "spool")
    assert (left.items, left.lag_seconds) == (3, 0.0)


def test_dropping_says_what_it_would_do_first(vedette, parked):
    assert vedette("drop", "3", "--dry-run")[1] == "3 would be dropped: damaged: row\n"
    assert vedette("drop", "3")[1] == "3 is dropped: damaged: row\n"
    assert len(json.loads(vedette("list", "--json")[1])) == 2


@pytest.mark.parametrize("arguments", [("replay",), ("drop",), ("drop", "99"), ("replay", "1", "--all")])
def test_what_is_not_there_or_not_said_is_refused(vedette, parked, arguments):
    status, _, complaints = vedette(*arguments)

    assert status != 0
    assert "parked" in complaints
    assert len(json.loads(vedette("list", "--json")[1])) == 3
