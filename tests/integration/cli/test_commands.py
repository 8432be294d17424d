import json

import pytest

from tests.support.gitrepository import GitRepository
from tests.support.standin import Reply, StandIn
from vedette import __version__

pytestmark = pytest.mark.slow


def test_version_comes_as_text_and_as_json(vedette):
    assert vedette.run("version").stdout.strip() == __version__
    assert vedette.json("version")["vedette"] == __version__


def test_status_of_a_stopped_server_says_so(vedette):
    found = vedette.json("status")

    assert (found["ready"], found["running"]) == (False, False)
    assert [found[name] for name in ("spooled", "digested", "parked", "lag_seconds")] == [0, 0, 0, 0]
    assert "stopped" in vedette.run("status").stdout


def test_a_user_is_made_once_and_joins_an_organization(migrated):
    migrated.json("bootstrap", "--org", "acme", "--project", "web", "--email", "ann@example.com")

    made = migrated.json(
        "createuser", "--email", "bob@example.com", "--password", "correct horse battery", "--org", "acme"
    )
    second = migrated.run("createuser", "--email", "Bob@example.com", "--no-password")

    assert made["email"] == "bob@example.com"
    assert second.returncode == 2
    assert "already exists" in second.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--email", "bob@example.com"), "nobody is here to be asked"),
        (("--email", "bob", "--no-password"), "valid email"),
        (("--email", "bob@example.com", "--password", "short"), "too short"),
        (("--email", "bob@example.com", "--no-password", "--org", "nowhere"), "no organization"),
    ],
    ids=["no password", "no address", "weak password", "no organization"],
)
def test_a_user_that_cannot_be_made_is_told_in_a_line(migrated, arguments, complaint):
    done = migrated.run("createuser", *arguments)

    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_migrate_brings_both_stores_up_to_date_and_then_finds_nothing_to_do(vedette):
    first = vedette.json("migrate")
    second = vedette.run("migrate")

    assert "orgs.0001_initial" in first["relational"]
    assert "0001_errors" in first["events"]
    assert second.stdout.strip() == "nothing to migrate"


def test_a_database_of_a_newer_version_is_left_alone(migrated):
    if "VEDETTE_DATABASE_URL" in migrated.environment:
        pytest.skip("reaches into the SQLite file")
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(migrated.data_dir / "vedette.sqlite3")) as connection:
        connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('orgs', '9999_later', 0)")
        connection.commit()

    done = migrated.run("migrate", "--relational")

    assert done.returncode == 2
    assert "newer version of Vedette (orgs.9999_later)" in done.stderr


def test_a_database_that_is_away_is_told_in_a_line(vedette):
    done = vedette.run(
        "createuser",
        "--email",
        "a@example.com",
        "--no-password",
        VEDETTE_DATABASE_URL="postgresql://u:hidden@127.0.0.1:1/x",
    )

    assert done.returncode == 1
    assert done.stderr.startswith("vedette: the relational database is not reachable")
    assert "hidden" not in done.stderr


def test_cleanup_works_on_a_stopped_server(migrated):
    dry = migrated.json("cleanup", "--dry-run")
    wet = migrated.run("cleanup")

    assert dry == {
        "dry_run": True,
        "retention_days": 90,
        "weeks": [],
        "organizations": [],
        "bundles": 0,
        "files": 0,
        "sign_ins": 0,
        "given_up": {"issues": 0, "projects": 0, "organizations": 0, "repositories": 0},
    }
    assert wet.stdout.startswith("deleted 0 weeks of events")


def test_cleanup_says_what_it_does_for_each_organization(migrated):
    migrated.json("bootstrap", "--org", "acme", "--project", "web", "--email", "ann@example.com")

    told = migrated.run("cleanup", "--dry-run").stdout

    assert told.startswith("acme keeps events for 90 days, attachments for 30; would delete 0 rows")


def test_the_doctor_finds_nothing_wrong_with_a_fresh_directory(migrated):
    found = migrated.json("doctor")

    assert found["ok"]
    verdicts = {finding["check"]: finding["verdict"] for finding in found["findings"]}
    assert verdicts["database"] == verdicts["spool"] == verdicts["parked"] == verdicts["permissions"] == "ok"
    assert verdicts["server"] == "note"


def test_the_doctor_fails_when_somebody_else_can_read_a_secret(migrated):
    (migrated.data_dir / "secret-key").chmod(0o644)

    found = migrated.json("doctor", status=1)

    assert [finding["check"] for finding in found["findings"] if finding["verdict"] == "fail"] == ["permissions"]
    table = migrated.run("doctor")
    assert table.returncode == 1
    assert str(migrated.data_dir / "secret-key") in table.stdout


def test_the_doctor_prints_json_whatever_is_broken(vedette):
    done = vedette.run("doctor", "--json", VEDETTE_DATABASE_URL="postgresql://u:p@127.0.0.1:1/x")

    assert done.returncode == 1
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert findings["database"]["verdict"] == "fail"


def test_a_repository_below_an_allowed_directory_is_set_up(migrated, tmp_path):
    GitRepository(tmp_path / "git" / "web")
    migrated.json("bootstrap", "--org", "acme", "--project", "web", "--email", "ann@example.com")
    path = str(tmp_path / "git" / "web")

    refused = migrated.run("repository", "add", "acme/web", path, "--org", "acme")
    nowhere = migrated.run("repository", "add", "acme/web", path, "--org", "nowhere")
    allowed = {"VEDETTE_GIT_ROOTS": str(tmp_path / "git")}
    made = migrated.json("repository", "add", "acme/web", path, "--org", "acme", **allowed)

    assert (refused.returncode, nowhere.returncode) == (2, 2)
    assert "VEDETTE_GIT_ROOTS" in refused.stderr
    assert "no organization" in nowhere.stderr
    assert (made["name"], made["path"], made["new"]) == ("acme/web", path, True)


def test_a_repository_at_a_host_is_set_up_and_asked_for(migrated, tmp_path):
    (tmp_path / "token").write_text("not-a-secret\n")
    migrated.json("bootstrap", "--org", "acme", "--project", "web", "--email", "ann@example.com")
    add = ("repository", "add", "acme/web", "--org", "acme")

    with StandIn(lambda asked: Reply(200 if asked.headers.get("private-token") == "not-a-secret" else 401)) as host:
        host_url = ("--provider", "gitlab", "--host-url", host.url)
        refused = migrated.run(*add, *host_url)
        allowed = {"VEDETTE_OUTGOING_ALLOW": "127.0.0.1"}
        made = migrated.json(*add, *host_url, "--token-file", str(tmp_path / "token"), **allowed)
        host.answer = lambda asked: Reply(200, {"id": 7, "seen": asked.headers["private-token"]})
        looked = migrated.json("repository", "check", "acme/web", "--org", "acme", **allowed)
        host.answer = lambda asked: Reply(404, {"message": "404 Project Not Found"})
        gone = migrated.run("repository", "check", "acme/web", "--org", "acme", **allowed)

    assert (refused.returncode, "VEDETTE_OUTGOING_ALLOW" in refused.stderr) == (2, True)
    assert (made["provider"], made["url"], made["new"]) == ("integrations:gitlab", f"{host.url}/acme/web", True)
    assert looked["ok"]
    assert host.asked[0].headers["private-token"] == "not-a-secret"
    assert (gone.returncode, gone.stdout.strip()) == (1, "GitLab: 404 404 Project Not Found")
    assert migrated.run(*add).returncode == migrated.run(*add, str(tmp_path), "--provider", "github").returncode == 2
    assert migrated.run("repository", "check", "acme/api", "--org", "acme").returncode == 2
