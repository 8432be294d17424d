"""Fernet tokens of any size, written and read piece by piece.

A token is text: URL-safe base64 of a version, a time, an initialization vector, AES-128-CBC of the content, and an
HMAC-SHA256 of all of that. `cryptography.fernet` reads and writes the same, in memory.
Source: the Fernet specification (github.com/fernet/spec), and the relocation specification, 1.4.
"""

import binascii
import hashlib
import hmac
import io
import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC

from vedette.relocation.files.findings import BadFile, FindingKind, refuse

KEY_BYTES = 32

_VERSION = b"\x80"
_HEAD_BYTES = 25  # version, time, initialization vector
_HMAC_BYTES = 32
_BLOCK = 16
_STEP = 3 * 2**18  # of content; a multiple of 3, so that its base64 is not padded
_TO_PLAIN = bytes.maketrans(b"-_+/", b"+/!!")  # the alphabet of URLs to the usual one, and that to what is in neither


@dataclass(frozen=True, slots=True)
class DataKey:
    """The two halves of a Fernet key."""

    signing: bytes
    encrypting: bytes

    @classmethod
    def read(cls, text: bytes) -> "DataKey":
        """From its base64 form. Raises `BadFile`."""
        try:
            raw = urlsafe_b64decode(text)
        except ValueError as error:
            raise _undecryptable("the data key is not a key") from error
        if len(raw) != KEY_BYTES:
            raise _undecryptable("the data key is not a key")
        return cls(raw[:16], raw[16:])


def new_key() -> bytes:
    """A fresh key in its base64 form."""
    return urlsafe_b64encode(os.urandom(KEY_BYTES))


class TokenWriter(io.RawIOBase):
    """Encrypts what is written into `out`. Nothing is a token before `finish`; after `abandon` nothing more is
    written, whoever still tries to. `size` is the number of bytes that `out` was given."""

    def __init__(self, out: BinaryIO, key: DataKey) -> None:
        iv = os.urandom(_BLOCK)
        self.out = out
        self.size = 0
        self._content_bytes = 0
        self._pending = b""  # not in base64 yet
        self._abandoned = False
        self._hmac = hmac.new(key.signing, digestmod=hashlib.sha256)
        self._encrypt = Cipher(AES128(key.encrypting), CBC(iv)).encryptor()
        self._add(_VERSION + int(time.time()).to_bytes(8, "big") + iv)

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        """Take all of it."""
        length = len(content)
        if not self._abandoned:
            self._content_bytes += length
            self._add(self._encrypt.update(content))
        return length

    def finish(self) -> None:
        """The end of the token."""
        padding = _BLOCK - self._content_bytes % _BLOCK
        self._add(self._encrypt.update(bytes([padding]) * padding) + self._encrypt.finalize())
        self._put(self._pending + self._hmac.digest())

    def abandon(self) -> None:
        """What was written is no token."""
        self._abandoned = True

    def _add(self, raw: bytes) -> None:
        self._hmac.update(raw)
        whole = self._pending + raw
        cut = len(whole) - len(whole) % 3
        self._put(whole[:cut])
        self._pending = whole[cut:]

    def _put(self, raw: bytes) -> None:
        text = urlsafe_b64encode(raw)
        self.out.write(text)
        self.size += len(text)


class TokenReader(io.RawIOBase):
    """The content of the token of `length` bytes at `offset` of `source`. Before a byte of it is given out the whole
    token was read and its HMAC verified; reading it again, the HMAC is verified again.

    Raises `BadFile` for a token that is cut off, altered, or made with another key.
    """

    def __init__(self, source: BinaryIO, offset: int, length: int, key: DataKey) -> None:
        self._pieces = _Pieces(source, offset, length)
        self._key = key
        self._plain: Iterator[bytes] | None = None
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any, /) -> int:
        """As much as is at hand."""
        if self._plain is None:
            for _ in self._verified(len):
                pass
            self._plain = filter(None, self._decrypted())
        while not self._left:
            self._left = memoryview(next(self._plain, b""))
            if not self._left:
                return 0
        length = min(len(target), len(self._left))
        target[:length] = self._left[:length]
        self._left = self._left[length:]
        return length

    def _verified(self, use: Callable[[bytes], Any]) -> Iterator[Any]:
        """What `use` makes of each piece of the encrypted content; its HMAC is verified at the end."""
        mac = hmac.new(self._key.signing, digestmod=hashlib.sha256)
        pieces = iter(self._pieces)
        held = next(pieces, b"")
        if held[:1] != _VERSION:
            raise _undecryptable("export.json is not a Fernet token")
        skip = _HEAD_BYTES
        for piece in pieces:
            body, held = held[:-_HMAC_BYTES], held[-_HMAC_BYTES:] + piece
            mac.update(body)
            yield use(body[skip:])
            skip = max(skip - len(body), 0)
        body, told = held[:-_HMAC_BYTES], held[-_HMAC_BYTES:]
        mac.update(body)
        if not hmac.compare_digest(mac.digest(), told):
            raise _undecryptable("the token was altered or cut off, or made with another data key")
        yield use(body[skip:])

    def _decrypted(self) -> Iterator[bytes]:
        head = next(iter(self._pieces))
        decrypt = Cipher(AES128(self._key.encrypting), CBC(head[9:_HEAD_BYTES])).decryptor()
        last = b""
        for piece in self._verified(decrypt.update):
            if piece:
                whole = last + piece
                last = whole[-_BLOCK:]
                yield whole[:-_BLOCK]
        decrypt.finalize()
        padding = last[-1]
        if not 1 <= padding <= _BLOCK or last[-padding:] != bytes([padding]) * padding:
            raise _undecryptable("the content of the token ends wrongly")
        yield last[:-padding]


class _Pieces:
    """The bytes that a text of base64 stands for, piece by piece, as often as they are asked for. The first one holds
    at least the head, unless the token is too short to be one: then there is none."""

    def __init__(self, source: BinaryIO, offset: int, length: int) -> None:
        self.source = source
        self.offset = offset
        self.length = length

    def __iter__(self) -> Iterator[bytes]:
        at, end = self.offset, self._end()
        content_bytes = (end - at) * 3 // 4 - _HEAD_BYTES - _HMAC_BYTES
        if content_bytes < _BLOCK:
            return
        if (end - at) % 4:
            raise _broken()
        while at < end:
            self.source.seek(at)
            text = self.source.read(min(_STEP // 3 * 4, end - at))
            if not text or len(text) % 4:
                raise _undecryptable("the file ends inside of export.json")
            at += len(text)
            yield self._decoded(text, is_last=at == end)

    def _end(self) -> int:
        """Where the text ends: a newline behind it, which an editor may have left, is passed over."""
        end = self.offset + self.length
        begin = max(self.offset, end - 16)
        self.source.seek(begin)
        return begin + len(self.source.read(end - begin).rstrip(b"\r\n"))

    @staticmethod
    def _decoded(text: bytes, *, is_last: bool) -> bytes:
        if not is_last and b"=" in text:
            raise _broken()
        try:
            return binascii.a2b_base64(text.translate(_TO_PLAIN), strict_mode=True)
        except binascii.Error as error:
            raise _broken() from error


def _broken() -> BadFile:
    return _undecryptable("export.json is not base64")


def _undecryptable(reason: str) -> BadFile:
    return refuse(FindingKind.DECRYPTION_ERROR, reason)
