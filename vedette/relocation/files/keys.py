"""Keys that seal and open exports: RSA, in PEM files.

The data key of an export is encrypted with RSA-OAEP (SHA-256 in both places, no label). Source: the relocation
specification, 1.4.
"""

from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from vedette.relocation.files.findings import BadFile, FindingKind, refuse

_OAEP = OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None)


class SealingKey(Protocol):
    """Whoever can encrypt a data key. Both raise `BadFile` (`EncryptionError`)."""

    def pem(self) -> bytes:
        """The public key as it goes into the archive."""

    def wrap(self, data_key: bytes) -> bytes:
        """`data_key`, encrypted."""


class OpeningKey(Protocol):
    """Whoever can decrypt a data key."""

    def unwrap(self, wrapped: bytes, public_pem: bytes) -> bytes:
        """The data key; `public_pem` is the public key of the archive. Raises `BadFile` (`DecryptionError`)."""


class LocalPublicKey:
    """A public key from a PEM file.

    It goes into archives in the one form in which readers compare it, whatever the line ends and the header of the
    file were. Raises `BadFile` for anything but an RSA public key.
    """

    def __init__(self, pem: bytes) -> None:
        if b"PRIVATE KEY" in pem:
            raise _unusable("this is a private key; encrypt with the public one")
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise _unusable("this is no public key in PEM form") from error
        if not isinstance(key, RSAPublicKey):
            raise _unusable("this is no RSA key")
        self._key = key

    def pem(self) -> bytes:
        """SubjectPublicKeyInfo."""
        return spki(self._key)

    def wrap(self, data_key: bytes) -> bytes:
        """As the class of keys says."""
        try:
            return self._key.encrypt(data_key, _OAEP)
        except ValueError as error:
            raise _unusable(f"an RSA key of {self._key.key_size} bits is too small") from error


class LocalPrivateKey:
    """A private key from a PEM file, PKCS#8 or PKCS#1, without a passphrase. Raises `BadFile` for anything else."""

    def __init__(self, pem: bytes) -> None:
        if b"PUBLIC KEY" in pem and b"PRIVATE KEY" not in pem:
            raise _closed("this is a public key; decrypt with the private one")
        try:
            key = load_pem_private_key(pem, None)
        except TypeError as error:
            raise _closed("the private key has a passphrase; give one without") from error
        except (ValueError, UnsupportedAlgorithm) as error:
            raise _closed("this is no private key in PEM form") from error
        if not isinstance(key, RSAPrivateKey):
            raise _closed("this is no RSA key")
        self._key = key

    def unwrap(self, wrapped: bytes, public_pem: bytes) -> bytes:
        """As the class of keys says. The public keys are compared byte for byte, as the reference does."""
        own = spki(self._key.public_key())
        if public_pem != own:
            if _is_same(public_pem, own):
                raise _closed("key.pub is the public key of this private key in another form: line ends, or its header")
            raise _closed("the file was encrypted for another key: key.pub does not belong to this private key")
        try:
            return self._key.decrypt(wrapped, _OAEP)
        except ValueError as error:
            raise _closed("data.key cannot be decrypted with this private key") from error


def spki(key: RSAPublicKey) -> bytes:
    """The PEM form that goes into archives."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _is_same(pem: bytes, own: bytes) -> bool:
    try:
        return LocalPublicKey(pem).pem() == own
    except BadFile:
        return False


def _unusable(reason: str) -> BadFile:
    return refuse(FindingKind.ENCRYPTION_ERROR, reason)


def _closed(reason: str) -> BadFile:
    return refuse(FindingKind.DECRYPTION_ERROR, reason)
