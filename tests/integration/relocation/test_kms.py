"""Keys in Google Cloud KMS, against a stand-in of it. Source: the relocation specification, 1.5."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.support.standin import Asked, Reply, StandIn
from vedette.cli.backup import command
from vedette.relocation.files.findings import BadFile, FindingKind
from vedette.relocation.files.google import Google
from vedette.relocation.files.kms import GcpKms, crc32c
from vedette.relocation.files.sealing import LocalPrivateKey, LocalPublicKey, seal, unseal

CONTENT = b'[{"model":"sentry.option","pk":1,"fields":{}}]'
CONFIG = {"project_id": "p", "location": "global", "key_ring": "r", "key": "k", "version": "1"}
RESOURCE = "/v1/projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"


@cache
def a_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def public_pem() -> bytes:
    return a_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private_pem() -> bytes:
    return a_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Cloud:
    """Answers as the token endpoint, the metadata server and the key service do; `change` alters an answer."""

    def __init__(self) -> None:
        self.tokens = 0
        self.change: Callable[[dict[str, Any]], Any] = lambda told: told
        self.server = StandIn(self.answer)

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/token" or asked.path.startswith("/computeMetadata/"):
            return self.give_token(asked)
        if asked.headers.get("authorization") != f"Bearer token-{self.tokens}":
            return Reply(401, {"error": {"message": "who are you?"}})
        if asked.target == f"{RESOURCE}/publicKey":
            pem = public_pem().decode()
            return Reply(body=self.change({"pem": pem, "pemCrc32c": str(crc32c(pem.encode()))}))
        if asked.target == f"{RESOURCE}:asymmetricDecrypt":
            return self.decrypt(json.loads(asked.body))
        return Reply(404, {"error": {"message": "no such key"}})

    def give_token(self, asked: Asked) -> Reply:
        if asked.path == "/token":
            form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
            if "assertion" in form:
                self.check_assertion(form["assertion"])
            elif form != {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r"}:
                return Reply(400, {"error": "invalid_grant", "error_description": "Bad Request"})
        elif asked.headers.get("metadata-flavor") != "Google":
            return Reply(403)
        self.tokens += 1
        return Reply(body=self.change({"access_token": f"token-{self.tokens}", "expires_in": 3599}))

    def check_assertion(self, assertion: str) -> None:
        signed, _, signature = assertion.rpartition(".")
        a_key().public_key().verify(from_base64(signature), signed.encode(), PKCS1v15(), hashes.SHA256())
        head, claims = (json.loads(from_base64(part)) for part in signed.split("."))
        assert head == {"alg": "RS256", "typ": "JWT", "kid": "key-id"}
        assert claims["iss"] == "mover@p.iam.gserviceaccount.com"
        assert claims["aud"] == f"{self.server.url}/token"
        assert claims["exp"] - claims["iat"] == 3600

    def decrypt(self, told: dict[str, Any]) -> Reply:
        wrapped = base64.b64decode(told["ciphertext"])
        if told["ciphertextCrc32c"] != str(crc32c(wrapped)):
            return Reply(400, {"error": {"message": "checksum"}})
        try:
            plain = a_key().decrypt(wrapped, OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None))
        except ValueError:
            return Reply(400, {"error": {"message": "Decryption failed: the ciphertext is invalid."}})
        answer = {
            "plaintext": base64.b64encode(plain).decode(),
            "plaintextCrc32c": str(crc32c(plain)),
            "verifiedCiphertextCrc32c": True,
        }
        return Reply(body=self.change(answer))

    def kms(self, environ: dict[str, str], config: object = CONFIG) -> GcpKms:
        raw = config if isinstance(config, bytes) else json.dumps(config).encode()
        return GcpKms(raw, base_url=self.server.url, google=Google(environ))

    def at_google(self) -> dict[str, str]:
        """The environment of a machine of Google."""
        return {"GCE_METADATA_HOST": self.server.url.removeprefix("http://")}


def from_base64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    cloud = Cloud()
    with cloud.server:
        yield cloud


def sealed(key: GcpKms | LocalPublicKey) -> bytes:
    out = io.BytesIO()
    with seal(out, key) as stream:
        stream.write(CONTENT)
    return out.getvalue()


def opened(archive: bytes, key: GcpKms | LocalPrivateKey) -> bytes:
    with unseal(io.BytesIO(archive), key) as stream:
        return stream.read()


def a_service_account(cloud: Cloud, **changed: Any) -> dict[str, Any]:
    who = {
        "type": "service_account",
        "private_key_id": "key-id",
        "private_key": private_pem().decode(),
        "client_email": "mover@p.iam.gserviceaccount.com",
        "token_uri": f"{cloud.server.url}/token",
    }
    return who | changed


def test_what_is_sealed_with_the_service_is_opened_with_it_and_with_the_key(cloud: Cloud) -> None:
    archive = sealed(cloud.kms(cloud.at_google()))

    assert opened(archive, cloud.kms(cloud.at_google())) == CONTENT
    assert opened(archive, LocalPrivateKey(private_pem())) == CONTENT


def test_sealing_sends_nothing_but_a_question_for_the_public_key(cloud: Cloud) -> None:
    kms = cloud.kms(cloud.at_google())

    sealed(kms)
    sealed(kms)

    asked = [asked for asked in cloud.server.asked if asked.path.startswith("/v1/")]
    assert [(one.method, one.body) for one in asked] == [("GET", b"")]
    assert cloud.tokens == 1


def test_the_public_key_of_the_archive_is_not_compared(cloud: Cloud) -> None:
    archive = sealed(LocalPublicKey(public_pem())).replace(b"PUBLIC KEY", b"public key")

    assert opened(archive, cloud.kms(cloud.at_google())) == CONTENT


def test_a_service_account_signs_for_its_token(cloud: Cloud, tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    path.write_text(json.dumps(a_service_account(cloud)))

    archive = sealed(cloud.kms({"GOOGLE_APPLICATION_CREDENTIALS": str(path)}))

    assert opened(archive, LocalPrivateKey(private_pem())) == CONTENT


def test_a_person_who_signed_in_with_gcloud_is_found_in_the_home_directory(cloud: Cloud, tmp_path: Path) -> None:
    path = tmp_path / ".config/gcloud/application_default_credentials.json"
    path.parent.mkdir(parents=True)
    who = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    path.write_text(json.dumps({**who, "token_uri": f"{cloud.server.url}/token"}))

    assert opened(sealed(cloud.kms({"HOME": str(tmp_path)})), LocalPrivateKey(private_pem())) == CONTENT


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"private_key": "x"}, "its private_key is no key"),
        ({"client_email": None}, "has no client_email"),
        ({"type": "external_account"}, "'external_account' are not supported"),
        ({"type": "authorized_user", "client_id": "c", "client_secret": "x", "refresh_token": "y"}, "400: Bad Request"),
    ],
    ids=["key", "address", "type", "refused"],
)
def test_credentials_that_do_not_work_are_told(
    changed: dict[str, Any], reason: str, cloud: Cloud, tmp_path: Path
) -> None:
    path = tmp_path / "account.json"
    path.write_text(json.dumps(a_service_account(cloud, **changed)))

    with pytest.raises(BadFile, match=reason) as refused:
        sealed(cloud.kms({"GOOGLE_APPLICATION_CREDENTIALS": str(path)}))

    assert refused.value.finding.kind == FindingKind.ENCRYPTION_ERROR
    assert "PRIVATE KEY" not in str(refused.value)


def test_credentials_that_are_not_there_are_told(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="No such file"):
        sealed(cloud.kms({"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "none")}))


@pytest.mark.parametrize(
    "config",
    [
        b"{",
        [],
        {**CONFIG, "purpose": "x"},
        {name: value for name, value in CONFIG.items() if name != "version"},
        {**CONFIG, "version": 1},
        {**CONFIG, "key": "../../other"},
        {**CONFIG, "key": ""},
    ],
    ids=["no JSON", "no object", "extra", "missing", "number", "path", "empty"],
)
def test_a_description_that_is_not_exactly_the_five_names_is_refused(config: object, cloud: Cloud) -> None:
    kms = cloud.kms(cloud.at_google(), config)

    with pytest.raises(BadFile, match="of the key") as sealing:
        sealed(kms)
    with pytest.raises(BadFile, match="of the key") as opening:
        opened(sealed(LocalPublicKey(public_pem())), kms)

    assert sealing.value.finding.kind == FindingKind.ENCRYPTION_ERROR
    assert opening.value.finding.kind == FindingKind.DECRYPTION_ERROR
    assert cloud.server.asked == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"plaintextCrc32c": "1"}, "does not match its checksum"),
        ({"plaintextCrc32c": None}, "does not match its checksum"),
        ({"plaintext": "AAAA"}, "does not match its checksum"),
        ({"plaintext": "!"}, "no base64"),
        ({"plaintext": None}, "does not match its checksum"),
        ({"verifiedCiphertextCrc32c": False}, "as it was sent"),
        ({"access_token": ""}, "gave no access token"),
    ],
    ids=str,
)
def test_an_answer_that_was_altered_on_the_way_is_refused(changed: dict[str, Any], reason: str, cloud: Cloud) -> None:
    archive = sealed(LocalPublicKey(public_pem()))
    cloud.change = lambda told: told | {name: value for name, value in changed.items() if name in told}

    with pytest.raises(BadFile, match=reason) as refused:
        opened(archive, cloud.kms(cloud.at_google()))

    assert refused.value.finding.kind == FindingKind.DECRYPTION_ERROR


@pytest.mark.parametrize(("told", "reason"), [({"pem": "x", "pemCrc32c": "5"}, "checksum"), ([], "checksum")], ids=str)
def test_a_public_key_that_was_altered_on_the_way_is_refused(told: Any, reason: str, cloud: Cloud) -> None:
    kms = cloud.kms(cloud.at_google())
    cloud.change = lambda answer: told if "pem" in answer else answer

    with pytest.raises(BadFile, match=reason) as refused:
        sealed(kms)

    assert refused.value.finding.kind == FindingKind.ENCRYPTION_ERROR


def test_the_service_says_no_in_its_own_words(cloud: Cloud) -> None:
    with pytest.raises(BadFile, match="Google answers 404: no such key"):
        sealed(cloud.kms(cloud.at_google(), {**CONFIG, "key": "another"}))


def test_a_data_key_of_another_key_is_refused(cloud: Cloud) -> None:
    other = rsa.generate_private_key(65537, 2048).public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    with pytest.raises(BadFile, match="Decryption failed"):
        opened(sealed(LocalPublicKey(pem)), cloud.kms(cloud.at_google()))


def test_nobody_at_the_address_is_told() -> None:
    kms = GcpKms(json.dumps(CONFIG).encode(), google=Google({"GCE_METADATA_HOST": "127.0.0.1:9"}))

    with pytest.raises(BadFile, match=r"Google cannot be asked: 127\.0\.0\.1: connection refused"):
        sealed(kms)


def test_the_command_line_seals_and_opens_where_the_settings_say(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.VEDETTE = replace(settings.VEDETTE, gcp_kms_url=cloud.server.url)
    for name, value in cloud.at_google().items():
        monkeypatch.setenv(name, value)
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "HOME"):
        monkeypatch.delenv(name, raising=False)
    plain, config, sealed_path, back = (str(tmp_path / name) for name in ("plain", "config", "sealed", "back"))
    Path(plain).write_bytes(CONTENT)
    Path(config).write_text(json.dumps(CONFIG))

    sealing = CliRunner().invoke(command, ["encrypt", sealed_path, "--src", plain, "--encrypt-with-gcp-kms", config])
    opening = CliRunner().invoke(command, ["decrypt", back, "--src", sealed_path, "--decrypt-with-gcp-kms", config])

    assert (sealing.exit_code, opening.exit_code) == (0, 0), sealing.output + opening.output
    assert Path(back).read_bytes() == CONTENT
    assert [asked.method for asked in cloud.server.asked if asked.path.startswith("/v1/")] == ["GET", "POST"]


@pytest.mark.parametrize(
    ("data", "checksum"),
    [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)],
    ids=["nothing", "digits", "zeros", "ones"],
)
def test_checksums_are_those_of_the_standard(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum
