import json

import pytest

from vedette import __version__


def test_version_comes_as_text_and_as_json(vedette):
    assert vedette.run("version").stdout.strip() == __version__
    assert vedette.json("version")["vedette"] == __version__


def test_status_of_a_stopped_server_says_so(vedette):
    found = vedette.json("status")

    assert (found["ready"], found["running"]) == (False, False)
    assert [found[name] for name in ("spooled", "digested", "parked", "lag_seconds")] == [0, 0, 0, 0]
    assert "stopped" in vedette.run("status").stdout


def test_a_user_is_made_once_and_joins_an_organization(vedette):
    vedette.json("bootstrap", "--org", "acme", "--project", "web", "--email", "ann@example.com")

    made = vedette.json(
        "createuser", "--email", "bob@example.com", "--password", "correct horse battery", "--org", "acme"
    )
    second = vedette.run("createuser", "--email", "Bob@example.com", "--no-password")

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
def test_a_user_that_cannot_be_made_is_told_in_a_line(vedette, arguments, complaint):
    done = vedette.run("createuser", *arguments)

    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_migrate_brings_both_stores_up_to_date_and_then_finds_nothing_to_do(vedette):
    first = vedette.json("migrate")
    second = vedette.run("migrate")

    assert "orgs.0001_initial" in first["relational"]
    assert "0001_errors" in first["events"]
    assert second.stdout.strip() == "nothing to migrate"


def test_a_database_of_a_newer_version_is_left_alone(vedette):
    if "VEDETTE_DATABASE_URL" in vedette.environment:
        pytest.skip("reaches into the SQLite file")
    import sqlite3
    from contextlib import closing

    vedette.json("migrate", "--relational")
    with closing(sqlite3.connect(vedette.data_dir / "vedette.sqlite3")) as connection:
        connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('orgs', '9999_later', 0)")
        connection.commit()

    done = vedette.run("migrate", "--relational")

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


def test_cleanup_works_on_a_stopped_server(vedette):
    vedette.json("migrate", "--relational")

    dry = vedette.json("cleanup", "--dry-run")
    wet = vedette.run("cleanup")

    assert dry == {
        "dry_run": True,
        "retention_days": 90,
        "weeks": [],
        "attachments": 0,
        "files": 0,
        "reports": 0,
        "outcomes": 0,
        "sessions": 0,
        "projects": 0,
        "organizations": 0,
    }
    assert wet.stdout.startswith("deleted 0 weeks of events")


def test_the_doctor_finds_nothing_wrong_with_a_fresh_directory(vedette):
    vedette.json("migrate", "--relational")

    found = vedette.json("doctor")

    assert found["ok"]
    verdicts = {finding["check"]: finding["verdict"] for finding in found["findings"]}
    assert verdicts["database"] == verdicts["spool"] == verdicts["parked"] == verdicts["permissions"] == "ok"
    assert verdicts["server"] == "note"


def test_the_doctor_fails_when_somebody_else_can_read_a_secret(vedette):
    vedette.json("migrate", "--relational")
    (vedette.data_dir / "secret-key").chmod(0o644)

    found = vedette.json("doctor", status=1)

    assert [finding["check"] for finding in found["findings"] if finding["verdict"] == "fail"] == ["permissions"]
    table = vedette.run("doctor")
    assert table.returncode == 1
    assert str(vedette.data_dir / "secret-key") in table.stdout


def test_the_doctor_prints_json_whatever_is_broken(vedette):
    done = vedette.run("doctor", "--json", VEDETTE_DATABASE_URL="postgresql://u:p@127.0.0.1:1/x")

    assert done.returncode == 1
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert findings["database"]["verdict"] == "fail"
