"""What must hold after every drill: nothing lost, everything stored once, every count exact, and a doctor without
complaints."""

import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.payloads import Payloads, Template
from tests.faults.sender import Acknowledged
from tests.support.server import LiveServer
from vedette.core.addresses import read_events_url
from vedette.events.client import EngineAddress, EventStore, connect

USERS = 29  # so few that each issue sees each of them more than once


class Crowd(Payloads):
    """Payloads whose users come again, so that a user count is worth checking."""

    def envelope(self, number: int, at: float | None = None) -> tuple[str, Template, bytes]:
        """The event with this number, of user `number % USERS`."""
        event_id, chosen, _ = Payloads.envelope(self, number)
        return event_id, chosen, chosen.render(event_id, at or time.time(), number % USERS)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `vedette doctor`."""

    check: str
    verdict: str
    detail: str


def check_everything(
    server: LiveServer, shop: dict[str, Any], payloads: Payloads, sent: Acknowledged, store: EventStore | None = None
) -> None:
    """All promises of docs/reliability.md, after everything was digested. `store` is the event store where the server
    has none of its own."""
    assert not sent.refused
    check_store(store or own_store(server), sent)
    check_issues(server, shop, payloads, sent)
    check_outcomes(server, shop, sent)
    status = json.loads(server.command("status", "--json").stdout)
    assert (status["parked"], status["spooled"]) == (0, 0), status
    check_green(server)


def own_store(server: LiveServer) -> EventStore:
    """The event store of a server, wherever its settings say that it is."""
    if url := server.environment.get("VEDETTE_EVENTS_URL", ""):
        where = read_events_url(url, server.data_dir)
        if not where.embedded:
            return connect(lambda: EngineAddress(where.host, where.port, where.password))
    told = server.runtime()
    return connect(lambda: EngineAddress("127.0.0.1", told.port, told.secret))


def check_store(store: EventStore, sent: Acknowledged) -> None:
    """The event store has each event once, and in one issue per issue."""
    try:
        rows = [
            (str(event_id).replace("-", ""), int(group))
            for event_id, group in store.rows("SELECT event_id, group_id FROM errors")
        ]
    finally:
        store.close()
    counted = Counter(event_id for event_id, _ in rows)

    assert not [event_id for event_id, times in counted.items() if times > 1], "stored twice"
    assert not set(sent.issue_of) - set(counted), "acknowledged and lost"
    assert not set(counted) - set(sent.issue_of), "never sent"
    groups = {(sent.issue_of[event_id], group) for event_id, group in rows}
    assert len(groups) == len(set(sent.issue_of.values())), "an issue has two groups"


def check_issues(server: LiveServer, shop: dict[str, Any], payloads: Payloads, sent: Acknowledged) -> None:
    """Each issue's counters are the numbers of its different events and of their different users."""
    api = server.api(shop["auth_token"])
    users = defaultdict[str, set[int]](set)
    events = Counter[str]()
    for event_id, issue in sent.issue_of.items():
        title = payloads.pick(issue).title
        events[title] += 1
        users[title].add(sent.number_of[event_id] % USERS)
    told, told_users = Counter[str](), Counter[str]()
    for issue in api.get(f"/api/0/organizations/{shop['organization']}/issues/?query=&limit=100").json():
        detail = api.get(f"/api/0/organizations/{shop['organization']}/issues/{issue['id']}/").json()
        told[detail["title"]] += int(detail["count"])
        told_users[detail["title"]] += detail["userCount"]

    assert told == events
    if len(events) == len(set(sent.issue_of.values())):  # two issues of one title may share users
        expected = {title: len(found) for title, found in users.items()}
        assert told_users == expected, (told_users, expected)


def check_outcomes(server: LiveServer, shop: dict[str, Any], sent: Acknowledged) -> None:
    """As many accepted outcomes as events; whatever came again is a duplicate; nothing else but 503s."""
    counted = outcomes(server, shop)
    repeated = counted.pop("invalid/duplicate", 0)
    sent_away = counted.pop("rate_limited/spool_unavailable", 0)

    assert counted == {"accepted/": len(sent.issue_of)}
    assert repeated <= sent.attempts - len(sent.issue_of)
    assert sent_away <= sent.answers[503]


def outcomes(server: LiveServer, shop: dict[str, Any]) -> Counter[str]:
    """Errors by "outcome/reason", as the statistics tell them."""
    now = datetime.now(UTC)
    start, end = (f"{moment:%Y-%m-%dT%H:00:00}" for moment in (now - timedelta(days=2), now + timedelta(days=2)))
    answer = server.api(shop["auth_token"]).get(
        f"/api/0/organizations/{shop['organization']}/stats_v2/?field=sum(quantity)&groupBy=outcome&groupBy=reason"
        f"&category=error&interval=1d&start={start}&end={end}"
    )
    assert answer.status == 200, answer.text
    return Counter(
        {
            f"{group['by']['outcome']}/{group['by']['reason'] or ''}": group["totals"]["sum(quantity)"]
            for group in answer.json()["groups"]
        }
    )


def doctor(server: LiveServer) -> list[Finding]:
    """What `vedette doctor` finds now."""
    printed = server.command("doctor", "--json")
    assert printed.returncode in (0, 1), f"{printed.stdout}\n{printed.stderr}"
    findings = json.loads(printed.stdout)["findings"]
    return [Finding(found["check"], found["verdict"], found["detail"]) for found in findings]


def wait_for_complaint(server: LiveServer, check: str, words: str, timeout_seconds: float = 15.0) -> Finding:
    """Until the doctor warns, under this check, with these words."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        findings = doctor(server)
        for found in findings:
            if found.check == check and found.verdict in ("warn", "fail") and words in found.detail:
                return found
        assert time.monotonic() < deadline, f"no {check!r} with {words!r} in {findings}\n{server.log_tail()}"


def check_green(server: LiveServer, timeout_seconds: float = 15.0) -> None:
    """The doctor has nothing to complain of, or soon has not."""
    deadline = time.monotonic() + timeout_seconds
    while bad := [found for found in doctor(server) if found.verdict in ("warn", "fail")]:
        assert time.monotonic() < deadline, f"{bad}\n{server.log_tail()}"
