import pytest
from django.db import connection
from django.test import Client

from vedette.core import clock, runtime
from vedette.core.runtime import EngineRuntime
from vedette.digest.models import OutcomeCount
from vedette.health import metrics
from vedette.ingest.stats import IngestStats
from vedette.wire.outcomes import Category, Outcome

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine(node, monkeypatch):
    """An engine that says what a test wants it to say."""
    runtime.write(node().runtime_file, EngineRuntime(port=1, secret="x", pid=1))
    told = {
        "ready": True,
        "memory_bytes": 1000,
        "cpu_seconds": 1.5,
        "digest": {
            "spooled": 3,
            "spooled_bytes": 300,
            "lag_seconds": 0.2,
            "digested": 40,
            "events": 38,
            "batches": 4,
            "parked": 1,
            "prepare_seconds": 0.5,
            "trouble": "",
        },
    }
    monkeypatch.setattr("vedette.health.ready.ask_engine", lambda *_, **__: told)
    return told


@pytest.mark.parametrize("path", ["/health/live", "/health/live/"])
def test_a_process_that_answers_is_alive_whatever_else_is_not(node, client, path):
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("host", ["10.0.3.7:9000", "no.such.name"])
def test_probes_are_answered_under_any_host(node, host):
    client = Client(headers={"host": host})

    assert client.get("/health/live").status_code == 200
    assert client.get("/auth/login/").status_code == 400


def test_a_node_whose_parts_all_answer_is_ready(engine, client):
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert {name: check["ok"] for name, check in answer.json()["checks"].items()} == {
        "database": True,
        "engine": True,
        "spool": True,
        "digest": True,
    }


def test_a_node_without_its_engine_is_not_ready(node, client):
    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["checks"]["engine"] == {"ok": False, "detail": "the engine process does not answer"}
    assert answer.json()["checks"]["database"]["ok"]


def test_probes_of_a_node_that_is_not_ready_do_not_fill_its_log(node, client, caplog):
    with caplog.at_level("DEBUG", "django.request"):
        client.get("/health/ready")
        client.get("/nothing-here")

    assert [record.request.path for record in caplog.records if record.name == "django.request"] == ["/nothing-here"]


def test_a_node_that_starts_is_not_ready(engine, client):
    engine.update(ready=False, digest=None)

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["checks"]["engine"]["detail"] == "the engine process is starting"


@pytest.mark.parametrize("late", [{"lag_seconds": 100_000.0}, {"spooled_bytes": 2**40}], ids=["age", "bytes"])
def test_a_node_that_refuses_senders_is_not_ready(engine, client, late):
    engine["digest"].update(late)

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert "senders are refused" in answer.json()["checks"]["digest"]["detail"]


def test_a_node_that_cannot_spool_is_not_ready(engine, node, client):
    node().spool_dir.rmdir()

    assert client.get("/health/ready").json()["checks"]["spool"] == {
        "ok": False,
        "detail": "the spool cannot be written",
    }


def test_a_node_whose_database_is_away_says_so(engine, client, monkeypatch):
    from django.db import OperationalError

    def away(*_: object) -> None:
        raise OperationalError("could not connect to host db.internal, user vedette")

    monkeypatch.setattr(connection, "cursor", away)

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert "internal" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_probes_change_nothing(node, client, path):
    assert client.post(path).status_code == 405


def test_metrics_count_what_ingest_and_digest_did(engine, client):
    stats = IngestStats()
    stats.accepted(100, 0.003)
    stats.accepted(50, 99.0)
    stats.refused(429)

    page = client.get("/metrics", HTTP_HOST="127.0.0.1:9000", **{"vedette.ingest_stats": stats}).content.decode()

    lines = set(page.splitlines())
    assert {
        "vedette_ingest_accepted_requests_total 2.0",
        "vedette_ingest_accepted_bytes_total 150.0",
        'vedette_ingest_refused_requests_total{status="429"} 1.0',
        'vedette_ingest_commit_seconds_bucket{le="0.005"} 1.0',
        'vedette_ingest_commit_seconds_bucket{le="+Inf"} 2.0',
        "vedette_ingest_commit_seconds_count 2.0",
        "vedette_engine_up 1.0",
        "vedette_spool_items 3.0",
        "vedette_spool_bytes 300.0",
        "vedette_digest_lag_seconds 0.2",
        "vedette_digest_requests_total 40.0",
        "vedette_digest_parked 1.0",
        'vedette_digest_step_seconds_total{step="prepare"} 0.5',
        'vedette_process_memory_bytes{process="engine"} 1000.0',
    } <= lines


def test_metrics_are_there_while_everything_else_is_away(node, client, spooled):
    spooled(clock.now().timestamp() - 60)

    page = client.get("/metrics", HTTP_HOST="localhost").content.decode()

    assert "vedette_engine_up 0.0" in page
    assert "vedette_spool_items 1.0" in page


def test_outcomes_are_summed_over_everybody_and_named_by_nobody(node, client):
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    for project, reason in ((1, "spool_full"), (2, "spool_full"), (3, 'mail of "Acme Inc"'), (4, "an@example.com")):
        OutcomeCount.objects.create(
            organization_id=9,
            project_id=project,
            outcome=Outcome.RATE_LIMITED,
            category=Category.ERROR,
            reason=reason,
            hour=hour,
            quantity=5,
        )

    page = client.get("/metrics", HTTP_HOST="localhost").content.decode()

    assert 'vedette_outcomes{category="error",outcome="rate_limited",reason="spool_full"} 10.0' in page
    assert 'vedette_outcomes{category="error",outcome="rate_limited",reason="other"} 10.0' in page
    assert "Acme" not in page
    assert "example" not in page


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "127.8.8.8"}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "::ffff:127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "203.0.113.9"}, 403),
        ({"REMOTE_ADDR": "10.0.0.1"}, 403),
        ({"REMOTE_ADDR": ""}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=127.0.0.1"}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "LocalHost:9000"}, 200),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "rebound.example.com"}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost.example.com:80"}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": ""}, 403),
    ],
    ids=str,
)
def test_metrics_are_for_this_machine_only(node, client, environ, status):
    assert client.get("/metrics", **{"HTTP_HOST": "[::1]:9000", **environ}).status_code == status


def test_ingest_s_own_counters_are_what_the_page_reads():
    assert set(metrics.IngestNumbers.__annotations__) <= set(IngestStats.__annotations__)
