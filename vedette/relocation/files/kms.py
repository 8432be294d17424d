"""Keys that lie in Google Cloud KMS: the private one never leaves it.

Sealing fetches the public key and works here; opening sends the encrypted data key there. Whatever comes back is
checked by its CRC32C. Source: the relocation specification, 1.5, and the manual of the service
(`cryptoKeyVersions.getPublicKey`, `cryptoKeyVersions.asymmetricDecrypt`).
"""

import binascii
import os
import re
from base64 import b64decode, b64encode
from typing import Any

import orjson

from vedette.relocation.files.findings import BadFile, FindingKind, refuse
from vedette.relocation.files.google import Google, GoogleRefused
from vedette.relocation.files.keys import LocalPublicKey

KMS_URL = "https://cloudkms.googleapis.com"
MEMBERS = ("project_id", "location", "key_ring", "key", "version")

_NAME = re.compile(r"[A-Za-z0-9._:\-]{1,200}")
_POLYNOMIAL = 0x82F63B78  # Castagnoli's, its bits reversed


class GcpKms:
    """An asymmetric key of Google Cloud KMS, as the JSON text `config` names it: seals and opens.

    `base_url` is another address of the service. Whatever is wrong with `config`, or with what the service answers, is
    a `BadFile`: `EncryptionError` when sealing, `DecryptionError` when opening.
    """

    def __init__(self, config: bytes, *, base_url: str = KMS_URL, google: Google | None = None) -> None:
        self._config = config
        self._google = google or Google(os.environ)
        self._base_url = base_url.rstrip("/")
        self._public: LocalPublicKey | None = None

    def pem(self) -> bytes:
        """The public key as it goes into the archive."""
        return self._public_key().pem()

    def wrap(self, data_key: bytes) -> bytes:
        """`data_key`, encrypted here."""
        return self._public_key().wrap(data_key)

    def unwrap(self, wrapped: bytes, public_pem: bytes) -> bytes:
        """The data key, decrypted there. The public key of the archive is not compared in this mode."""
        problem = FindingKind.DECRYPTION_ERROR
        wanted = {"ciphertext": b64encode(wrapped).decode(), "ciphertextCrc32c": str(crc32c(wrapped))}
        told = self._ask("POST", ":asymmetricDecrypt", problem, wanted)
        try:
            plain = b64decode(_text(told, "plaintext"), validate=True)
        except binascii.Error as error:
            raise refuse(problem, "Google Cloud KMS answers with something that is no base64") from error
        if told.get("verifiedCiphertextCrc32c") is not True:
            raise refuse(problem, "the data key did not reach Google Cloud KMS as it was sent (CRC32C)")
        return _checked(plain, told.get("plaintextCrc32c"), problem)

    def _public_key(self) -> LocalPublicKey:
        if self._public is None:
            problem = FindingKind.ENCRYPTION_ERROR
            told = self._ask("GET", "/publicKey", problem)
            self._public = LocalPublicKey(_checked(_text(told, "pem").encode(), told.get("pemCrc32c"), problem))
        return self._public

    def _ask(self, method: str, what: str, problem: FindingKind, body: dict[str, Any] | None = None) -> dict[str, Any]:
        url = f"{self._base_url}/v1/{_resource(self._config, problem)}{what}"
        try:
            return self._google.ask(method, url, body)
        except GoogleRefused as error:
            raise refuse(problem, f"Google Cloud KMS: {error}") from error


def crc32c(data: bytes) -> int:
    """The CRC-32C (RFC 3720) of a few hundred bytes; a table would not pay."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _resource(config: bytes, problem: FindingKind) -> str:
    """The name of the key version, from exactly the five members."""
    try:
        found = orjson.loads(config)
    except orjson.JSONDecodeError as error:
        raise refuse(problem, "the description of the key is no JSON") from error
    if not isinstance(found, dict) or sorted(found) != sorted(MEMBERS):
        raise refuse(problem, f"the description of the key has exactly the members {', '.join(MEMBERS)}")
    for name in MEMBERS:
        if not isinstance(found[name], str) or not _NAME.fullmatch(found[name]):
            raise refuse(problem, f"the {name} of the key is no name")
    project, location, ring, key, version = (found[name] for name in MEMBERS)
    return f"projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}/cryptoKeyVersions/{version}"


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""


def _checked(data: bytes, told: object, problem: FindingKind) -> bytes:
    if not data or str(told) != str(crc32c(data)):
        raise _altered(problem)
    return data


def _altered(problem: FindingKind) -> BadFile:
    return refuse(problem, "the answer of Google Cloud KMS does not match its checksum (CRC32C)")
