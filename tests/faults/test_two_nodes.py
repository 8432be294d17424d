"""Two nodes with the same stores meet the same new issues at once: one issue each, and exact counts."""

from tests.faults.conftest import events_url, on_shared_stores
from tests.faults.sender import Acknowledged, Senders
from tests.faults.truth import Crowd, check_everything, check_green

EVENTS = 600  # of each node


@on_shared_stores
def test_two_nodes_that_digest_the_same_new_issues_count_them_exactly(start_server, event_server):
    payloads = Crowd(issues=15)
    shared = {
        "VEDETTE_EVENTS_URL": events_url(event_server.port, event_server.secret),
        "VEDETTE_SECRET_KEY": "the same on both nodes, and long enough for the doctor",
    }
    one = start_server(environment=shared)
    database = one.environment["VEDETTE_DATABASE_URL"]
    other = start_server(environment={**shared, "VEDETTE_DATABASE_URL": database})
    shop = one.bootstrap()
    dsn_of_other = shop["dsn"].replace(f":{one.port}/", f":{other.port}/")

    with Senders(shop["dsn"], payloads, EVENTS, threads=3) as here, Senders(dsn_of_other, payloads, EVENTS, 3) as there:
        here.wait_for(EVENTS, 60)
        there.wait_for(EVENTS, 60)
    one.flush()
    other.flush()

    sent = _together(here.acknowledged, there.acknowledged)
    assert len(sent.issue_of) == 2 * EVENTS
    check_everything(one, shop, payloads, sent)
    check_green(other)
    other.close()
    one.close()


def _together(one: Acknowledged, other: Acknowledged) -> Acknowledged:
    return Acknowledged(
        one.issue_of | other.issue_of,
        one.number_of | other.number_of,
        one.attempts + other.attempts,
        one.refused + other.refused,
        one.answers + other.answers,
    )
