"""Whatever an import is given: a finding that says where, an exit status that is not zero, and the database as it was.

Through the command, as an operator would meet it. Source: the relocation specification, 4.4, 7.5 and 9.
"""

import base64
import gzip
import io
import json
import pickle
import tarfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings
from django.db import connections

from tests.support.exports import member, organization, project, row, rule, team, user
from tests.support.factories import a_member, a_project, an_organization
from vedette.cli import import_, migrate
from vedette.relocation.files.sealing import LocalPublicKey, seal

pytestmark = pytest.mark.django_db

GOOD = [
    row("option", 1, key="system.url-prefix", value='"https://example.com"'),
    organization(1),
    team(1),
    user(1),
    project(1),
    member(1, 1, 1),
    rule(1, 1),
]


class Outcome(NamedTuple):
    """How a command ended: its exit status, the errors among the findings, and what it printed."""

    status: int
    errors: list[dict[str, Any]]
    printed: str


Import = Callable[..., Outcome]


def the_database() -> dict[str, list[str]]:
    """Every row of every table."""
    found = {}
    for alias in connections:
        with connections[alias].cursor() as cursor:
            for table in connections[alias].introspection.table_names(cursor):
                cursor.execute(f'SELECT * FROM "{table}"')
                found[f"{alias}.{table}"] = sorted(map(repr, cursor.fetchall()))
    return found


def left_behind() -> list[str]:
    """What lies in the commands' scratch directories."""
    directory = settings.VEDETTE.data_dir / "relocation"
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


@pytest.fixture
def bad_import(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Import:
    """Import `content` with the command, into an installation that is in use; nothing of it may be left."""
    monkeypatch.setattr(migrate, "ensure_migrated", lambda **_: [])
    acme = an_organization("busy")
    a_member(acme, "ann@example.com", "owner")
    a_project(acme, "web")

    def run(content: bytes, *options: str, scope: str = "organizations") -> Outcome:
        source, findings = tmp_path / "export.json", tmp_path / "findings.json"
        source.write_bytes(content)
        before, scratch = the_database(), left_behind()
        arguments = [scope, str(source), "--no-prompt", "--findings-file", str(findings), *options]
        done = CliRunner().invoke(import_.command, arguments)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert the_database() == before
        assert left_behind() == scratch
        told = json.loads(findings.read_text())
        return Outcome(done.exit_code, [one for one in told if one["severity"] == "error"], done.output)

    return run


def export(*rows: dict[str, Any]) -> bytes:
    return json.dumps([*GOOD, *rows], indent=2).encode()


def line_of(pk: int, model: str, content: bytes) -> int:
    """The line on which the last row of that model and pk begins."""
    text = content.decode(errors="replace")
    place = text.rindex(f'"model": "sentry.{model}",\n    "pk": {pk},')
    return text.count("\n", 0, place)


def pickled(value: object, *, packed: bool = False) -> str:
    raw = pickle.dumps(value, 2)
    return base64.b64encode(zlib.compress(raw) if packed else raw).decode()


class Runs:
    """Would end this process when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exit, (1,))


WRONG_ROWS = {
    "text for a moment": (user(2, "bob", date_joined="yesterday"), "BadValue", "date_joined"),
    "text for a boolean": (user(2, "bob", is_active="perhaps"), "BadValue", "is_active"),
    "text for a number": (team(2, status="active"), "BadValue", "status"),
    "a list for text": (team(2, name=["x"]), "BadValue", "name"),
    "text for a key": (row("team", 2, organization="acme", slug="core"), "BadValue", "organization"),
    "a broken bit field": (organization(2, flags="1x"), "BadValue", "flags"),
    "a broken option": (row("option", 2, key="k", value="{oops"), "BadValue", "value"),
    "a hostile option": (row("option", 2, key="k", value=pickled(Runs())), "HostileValue", "value"),
    "a hostile rule": (rule(2, 1, data=pickled(Runs(), packed=True)), "HostileValue", "data"),
    "a bomb in a rule": (rule(2, 1, data=pickled("x" * 9 * 2**20, packed=True)), "TooLarge", "data"),
    "a pk that is there twice": (user(1, "bob"), "DuplicatePrimaryKey", None),
    "too long a name": (team(2, name="n" * 100), "ValidationError", "name"),
    "a preserved row of another type": (row("snubaquery", 3, resolution="x"), "BadValue", "resolution"),
}


@pytest.mark.parametrize(("wrong", "kind", "field"), WRONG_ROWS.values(), ids=WRONG_ROWS)
def test_a_wrong_row_is_told_with_model_pk_field_and_line(
    bad_import: Import, wrong: dict[str, Any], kind: str, field: str | None
) -> None:
    content = export(wrong)

    outcome = bad_import(content, scope="config" if wrong["model"] == "sentry.option" else "organizations")

    assert outcome.status == 1
    [error] = outcome.errors
    assert (error["kind"], error["on"]["model"], error["left_pk"]) == (kind, wrong["model"], wrong["pk"])
    assert error.get("field") == field
    assert error["line"] == line_of(wrong["pk"], wrong["model"].removeprefix("sentry."), content)
    assert error["row"] == len(GOOD) + 1
    assert wrong["model"] in outcome.printed


PLAIN = export()
MIDDLE = len(PLAIN) // 2
BROKEN_FILES = {
    "empty": (b"", "TruncatedFile", 1),
    "cut off in the middle": (PLAIN[:MIDDLE], "TruncatedFile", PLAIN.count(b"\n", 0, MIDDLE) + 1),
    "cut off before its end": (PLAIN[:-2], "TruncatedFile", PLAIN.count(b"\n")),
    "two in one": (PLAIN + PLAIN, "MalformedFile", PLAIN.count(b"\n") + 1),
    "not UTF-8": (PLAIN[:MIDDLE] + b"\xff" + PLAIN[MIDDLE:], "MalformedFile", PLAIN.count(b"\n", 0, MIDDLE) + 1),
    "UTF-16": (PLAIN.decode().encode("utf-16"), "MalformedFile", 1),
    "an object": (b'{"rows": []}', "MalformedFile", 1),
    "text": (b"hello", "MalformedFile", 1),
    "NaN": (export(row("option", 2, key="k", value=float("nan"))), "MalformedFile", None),
    "a huge integer": (export(row("option", 2, key="k", value=2**64)), "MalformedRow", None),
    "a huge string": (export(row("option", 2, key="k", value="x" * 9 * 2**20)), "TooLarge", None),
    "a deep value": (b'[{"model":"a.b","pk":1,"fields":{"x":' + b"[" * 5000, "TooLarge", 1),
    "a row without a pk": (b'[\n{"model": "sentry.team", "fields": {}}]', "MalformedRow", 2),
    "a model without a dot": (b'[{"model": "team", "pk": 1, "fields": {}}]', "MalformedRow", 1),
    "packed": (gzip.compress(PLAIN), "DecryptionError", None),
}


@pytest.mark.parametrize(("content", "kind", "line"), BROKEN_FILES.values(), ids=BROKEN_FILES)
def test_a_broken_file_is_told_with_its_line(bad_import: Import, content: bytes, kind: str, line: int | None) -> None:
    outcome = bad_import(content)

    assert outcome.status == 1
    [error] = outcome.errors
    assert error["kind"] == kind
    assert line is None or error["line"] == line


@cache
def a_key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def private_key(tmp_path: Path) -> str:
    path = tmp_path / "private.pem"
    path.write_bytes(a_key(0).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(path)


def sealed(content: bytes, number: int = 0) -> bytes:
    pem = a_key(number).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    out = io.BytesIO()
    with seal(out, LocalPublicKey(pem)) as stream:
        stream.write(content)
    return out.getvalue()


def with_member(archive: bytes, name: str) -> bytes:
    out = io.BytesIO(archive.rstrip(b"\0") + bytes(-len(archive.rstrip(b"\0")) % 512))
    out.seek(0, 2)
    out.write(tarfile.TarInfo(name).tobuf() + bytes(1024))
    return out.getvalue()


BROKEN_ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "for another key": (lambda: sealed(PLAIN, 1), "DecryptionError"),
    "altered in its middle": (lambda: sealed(PLAIN)[:2000] + b"AAAA" + sealed(PLAIN)[2004:], "DecryptionError"),
    "altered at its end": (lambda: sealed(PLAIN).replace(b"==\0", b"=A\0", 1), "DecryptionError"),
    "cut off": (lambda: sealed(PLAIN)[:2000], "TruncatedFile"),
    "with another member": (lambda: with_member(sealed(PLAIN), "readme.txt"), "MalformedArchive"),
    "a packed bomb": (lambda: gzip.compress(bytes(5 * 2**20)), "TooLarge"),
    "packed and damaged": (lambda: gzip.compress(sealed(PLAIN))[:-100], "MalformedArchive"),
    "not encrypted": (lambda: PLAIN, "DecryptionError"),
    "holding a broken file": (lambda: sealed(PLAIN[:-50]), "TruncatedFile"),
}


@pytest.mark.parametrize(("archive", "kind"), BROKEN_ARCHIVES.values(), ids=BROKEN_ARCHIVES)
def test_a_broken_archive_is_told(
    bad_import: Import, private_key: str, archive: Callable[[], bytes], kind: str
) -> None:
    outcome = bad_import(archive(), "--decrypt-with", private_key)

    assert outcome.status == 1
    assert [error["kind"] for error in outcome.errors] == [kind]


def test_an_encrypted_file_without_a_key_is_told(bad_import: Import) -> None:
    outcome = bad_import(sealed(PLAIN), scope="users")

    assert (outcome.status, [error["kind"] for error in outcome.errors]) == (1, ["DecryptionError"])
    assert "which key" in outcome.printed


@pytest.mark.parametrize("scope", ["users", "organizations", "config"])
def test_a_row_that_leads_nowhere_ends_a_strict_import(bad_import: Import, scope: str) -> None:
    wrong = {"users": row("useroption", 1, user=99, key="k", value=1), "config": row("userpermission", 1, user=99)}

    outcome = bad_import(export(wrong.get(scope, team(2, organization=99))), "--strict", scope=scope)

    assert outcome.status == 1
    assert outcome.errors
