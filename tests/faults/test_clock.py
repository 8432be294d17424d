"""The wall clock jumps an hour ahead, and back again, and an hour behind: nothing is lost, refused or counted twice."""

from pathlib import Path

import pytest

from tests.faults.conftest import on_own_stores, seam
from tests.faults.sender import Senders
from tests.faults.truth import Crowd, check_everything, wait_for_complaint

HOUR = 3600


@on_own_stores
@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["ahead-and-back", "back-and-ahead"])
def test_a_clock_that_jumps_an_hour_costs_nothing(start_server, tmp_path: Path, jump):
    offset = tmp_path / "offset"
    offset.write_text("0")
    payloads = Crowd(issues=10)
    server = start_server(environment=seam("clock", clock=str(offset)))
    shop = server.bootstrap()

    with Senders(shop["dsn"], payloads, 450, threads=3) as senders:
        senders.wait_for(150, 20)
        offset.write_text(str(jump))
        if jump < 0:
            told = wait_for_complaint(server, "clock", "is stored")
            assert told.verdict == "warn"
        senders.wait_for(300, 20)
        server.flush()
        offset.write_text("0")
        if jump > 0:
            wait_for_complaint(server, "clock", "is stored")
        senders.wait_for(450, 20)
        sent = senders.acknowledged
    server.flush()

    assert not sent.answers
    if jump < 0:
        check_everything(server, shop, payloads, sent)
    else:  # the doctor goes on to name what was stored under the wrong hour, for as long as it lies ahead
        offset.write_text(str(HOUR))
        check_everything(server, shop, payloads, sent)
