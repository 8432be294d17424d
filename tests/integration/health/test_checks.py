from datetime import timedelta

import pytest
from django.db import OperationalError

from vedette.core import clock, runtime
from vedette.core.addresses import EventsAddress
from vedette.core.clock import now
from vedette.digest.models import OutcomeCount
from vedette.events.rows import StoreFacts, TableFacts
from vedette.health import checks
from vedette.health.findings import Verdict
from vedette.spool.park import Park
from vedette.spool.records import Receipt
from vedette.tasks.models import ScheduledJob

pytestmark = pytest.mark.django_db


def examine(pending=list):
    found = {}
    for finding in checks.examine(pending):
        found.setdefault(finding.check, []).append(finding)
    return found


def verdict(check, **arguments):
    return examine(**arguments)[check][0].verdict


def test_a_fresh_node_has_nothing_to_complain_of(node):
    assert {finding.verdict for findings in examine().values() for finding in findings} <= {Verdict.OK, Verdict.NOTE}


def test_a_database_that_is_away_fails(node):
    def away():
        raise OperationalError("connection refused\nIs the server running?")

    finding = examine(pending=away)["database"][0]

    assert finding.verdict == Verdict.FAIL
    assert finding.detail == "not reachable: connection refused"


def test_migrations_that_did_not_run_are_a_warning(node):
    assert verdict("database", pending=lambda: ["orgs.0002_more"]) == Verdict.WARN


def test_a_server_whose_engine_is_away_fails(node):
    lock = runtime.lock(node().runtime_file.parent)
    try:
        assert verdict("server") == Verdict.FAIL
        assert verdict("events") == Verdict.FAIL
    finally:
        runtime.unlock(lock)


@pytest.mark.parametrize(("seconds", "expected"), [(20, Verdict.WARN), (400, Verdict.FAIL)])
def test_a_store_that_the_digest_waits_for_is_named_and_fails_in_the_end(node, monkeypatch, seconds, expected):
    trouble = "StoreShortOfMemory: the event store is short of memory (ClickHouse code 241)"
    digest = {"trouble": trouble, "trouble_seconds": float(seconds), "failures": 9}
    monkeypatch.setattr(checks, "engine_status", lambda: {"ready": True, "digest": digest})

    finding = checks._server(True)

    assert finding.verdict == expected
    assert finding.detail == f"runs; the digest waits for a store, for {seconds} s: {trouble}"


@pytest.mark.parametrize(
    ("free", "expected"),
    [(10**8, Verdict.FAIL), (10**9, Verdict.WARN), (3 * 10**9, Verdict.WARN), (10**11, Verdict.OK)],
)
def test_a_disk_without_room_is_told(node, monkeypatch, free, expected):
    monkeypatch.setattr(checks, "free_bytes", lambda directory: (free, 10**12 if free < 10**11 else 2 * 10**11))

    assert verdict("disk") == expected


def test_each_disk_that_holds_data_is_looked_at_once(node, monkeypatch, tmp_path):
    elsewhere = EventsAddress(embedded=True, path=tmp_path / "other-disk")
    own = node(events=elsewhere)
    monkeypatch.setattr(checks, "device_of", lambda directory: 2 if directory == elsewhere.path else 1)
    monkeypatch.setattr(checks, "free_bytes", lambda directory: (0 if directory == elsewhere.path else 10**11, 10**11))

    found = examine()["disk"]

    assert [(one.verdict, one.detail.rpartition(" ")[2]) for one in found] == [
        (Verdict.OK, str(own.data_dir)),
        (Verdict.FAIL, str(elsewhere.path)),
    ]


def test_a_clock_behind_what_was_seen_is_a_warning(node):
    hour = (now() + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    OutcomeCount.objects.create(organization_id=1, project_id=1, outcome=0, category=1, hour=hour, quantity=1)

    assert verdict("clock") == Verdict.WARN


def test_an_event_store_of_another_version_fails(node):
    facts = StoreFacts("26.9", 999, 0, (TableFacts("errors", 1, 1, 1, 1, clock.now(), clock.now()),))

    assert checks._events(True, facts).verdict == Verdict.FAIL


@pytest.mark.parametrize(("age_seconds", "expected"), [(1, Verdict.OK), (600, Verdict.WARN), (90_000, Verdict.FAIL)])
def test_a_spool_that_grows_old_is_told(node, spooled, age_seconds, expected):
    spooled(now().timestamp() - age_seconds, now().timestamp())

    finding = examine()["spool"][0]

    assert finding.verdict == expected
    assert finding.detail.startswith("2 requests wait")


def test_a_spool_that_grows_big_is_told(node, spooled):
    spooled(now().timestamp())
    node(spool_max_bytes=1)

    assert verdict("spool") == Verdict.FAIL


def test_damaged_spool_files_are_told(node, spooled):
    spooled(now().timestamp())
    (node().spool_dir / "front-0" / "0000000001.sqlite.damaged").write_bytes(b"x")

    assert verdict("spool files") == Verdict.WARN


def test_parked_requests_are_told_with_their_reasons(node):
    park = Park(node().spool_dir)
    park.put("front-0", 7, Receipt(1, 2, 3, 0.0), b"{}", "ValueError: strange")
    park.close()

    finding = examine()["parked"][0]

    assert finding.verdict == Verdict.WARN
    assert "1 requests could not be digested" in finding.detail
    assert "ValueError: strange" in finding.detail


def test_a_park_that_is_nearly_full_fails(node, monkeypatch):
    monkeypatch.setattr("vedette.health.checks.MAX_BYTES", 100_000)
    park = Park(node().spool_dir)
    park.put("front-0", 7, Receipt(1, 2, 3, 0.0), bytes(100_000), "ValueError: strange")
    park.close()

    finding = examine()["parked"][0]

    assert finding.verdict == Verdict.FAIL
    assert "(0.1 MB)" in finding.detail


@pytest.mark.parametrize("name", [".", "secret-key", "run/engine.json"])
def test_what_others_can_read_fails(node, name):
    path = node().data_dir / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        path.write_text("x")
    path.chmod(0o750 if path.is_dir() else 0o640)

    finding = examine()["permissions"][0]

    assert finding.verdict == Verdict.FAIL
    assert str(path) in finding.detail


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"bind_host": "0.0.0.0", "url": "http://errors.example.com"}, "without TLS"),
        ({"bind_host": "0.0.0.0", "trust_proxy": True}, "forge"),
        ({"bench": True}, "VEDETTE_BENCH"),
    ],
    ids=["http", "proxy", "bench"],
)
def test_unsafe_settings_are_told(node, changed, words):
    node(**changed)

    found = examine()["settings"]

    assert any(words in finding.detail for finding in found)
    assert all(finding.verdict == Verdict.WARN for finding in found)


def test_a_server_that_believes_any_host_or_has_a_short_key_is_told(node, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.SECRET_KEY = "short"

    verdicts = {finding.verdict for finding in examine()["settings"]}

    assert verdicts == {Verdict.WARN, Verdict.FAIL}


def test_settings_of_one_machine_are_safe(node):
    assert verdict("settings") == Verdict.OK


def test_a_job_that_fails_is_named_with_its_error(node):
    ScheduledJob.objects.create(name="retention", every_seconds=3600, failures=2, error="OSError: no room")

    finding = examine()["jobs"][0]

    assert finding.verdict == Verdict.WARN
    assert finding.detail == "retention failed 2 times: OSError: no room"


def test_a_job_that_nobody_runs_is_named_while_a_server_runs(node):
    ScheduledJob.objects.create(name="retention", every_seconds=3600, due_at=now() - timedelta(hours=5))

    assert verdict("jobs") == Verdict.OK
    lock = runtime.lock(node().runtime_file.parent)
    try:
        assert examine()["jobs"][0].detail == "retention was due 5 h ago"
    finally:
        runtime.unlock(lock)
