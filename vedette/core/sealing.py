"""Secrets that have to be told to somebody later: sealed in the database, opened only where they are used.

Sealed with AES-256-GCM under a key made of `VEDETTE_SECRET_KEY` and the purpose, so that a copy of the database gives
nothing away, and a text that was sealed for one purpose opens for no other. Under another secret key nothing opens:
that counts as having no secret, and somebody has to give it again.
"""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_FORM = "1:"  # in front of every sealed text, so that another form can come later
_NONCE_BYTES = 12


def seal(secret: str, purpose: str) -> str:
    """`secret` as a text to keep; the empty one stays empty. Another text each time."""
    if not secret:
        return ""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(_key(purpose)).encrypt(nonce, secret.encode(), purpose.encode())
    return _FORM + base64.b64encode(sealed).decode()


def unseal(sealed: str, purpose: str) -> str | None:
    """What was sealed for this purpose; None for what does not open, and for nothing."""
    if not sealed.startswith(_FORM):
        return None
    try:
        raw = base64.b64decode(sealed[len(_FORM) :], validate=True)
        return AESGCM(_key(purpose)).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode()).decode()
    except (binascii.Error, InvalidTag, ValueError):
        return None


def _key(purpose: str) -> bytes:
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"vedette sealing: {purpose}".encode())
    return derive.derive(settings.SECRET_KEY.encode())
