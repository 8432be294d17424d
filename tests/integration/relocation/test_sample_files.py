"""Real exports: each imports in every scope, plain and encrypted, and what is exported afterwards is the same."""

from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.support.moving import Mover, rows_of, wipe
from tests.support.relocation import as_file
from vedette.core.relocation import RelocationScope
from vedette.relocation.exporting.options import ALLOWED
from vedette.relocation.files.findings import Severity
from vedette.relocation.files.sealing import LocalPrivateKey, LocalPublicKey, seal, unseal

pytestmark = pytest.mark.django_db

SAMPLES = sorted((Path(__file__).parents[2] / "data/relocation").glob("*.json"))


@pytest.fixture(scope="module")
def keys():
    """What an export is sealed with, and what opens it."""
    private = rsa.generate_private_key(65537, 2048)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return LocalPublicKey(public), LocalPrivateKey(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


@pytest.mark.parametrize("scope", [*ALLOWED])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_comes_through_sealed_and_plain(sample, scope, keys, tmp_path):
    mover, (public, private) = Mover(tmp_path), keys
    sealed = BytesIO()
    with seal(sealed, public, work_dir=tmp_path) as stream:
        stream.write(sample.read_bytes())
    sealed.seek(0)
    with unseal(sealed, private, work_dir=tmp_path) as stream:
        mover.imports(stream.read(), scope, strict=True)
    first = mover.exports(scope)
    wipe()
    mover.imports(first, scope, strict=True)
    second = mover.exports(scope)

    assert errors(mover.differences(first, second)) == []
    assert [row["model"] for row in rows_of(first)] == [row["model"] for row in rows_of(second)]


@pytest.mark.parametrize(
    "sample", [path for path in SAMPLES if "duplicate" not in path.stem], ids=lambda path: path.stem
)
def test_a_full_import_of_a_sample_changes_nothing_in_it(sample, tmp_path):
    mover = Mover(tmp_path)

    mover.imports(sample.read_bytes(), RelocationScope.GLOBAL, strict=True)

    left, right = sample.read_bytes(), mover.exports(RelocationScope.GLOBAL)
    assert errors(mover.differences(left, without_newer_fields(left, right))) == []


def without_newer_fields(left, right):
    """The right file without the fields that are newer than the left one."""
    known = {(row["model"], name) for row in rows_of(left) for name in row["fields"]}
    rows = rows_of(right)
    for row in rows:
        row["fields"] = {name: value for name, value in row["fields"].items() if (row["model"], name) in known}
    return as_file(rows)


def errors(findings):
    return [finding.pretty() for finding in findings if finding.severity is Severity.ERROR]
