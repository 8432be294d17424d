"""Encrypted exports: sealed for whoever has a private key, and opened again, piece by piece.

A sealed export is a tar of the content (a Fernet token), the data key of the token (encrypted with RSA), and the public
key. Nothing of the content is given out before all of it was verified; nothing of it is ever on a disk in the clear.
Source: the relocation specification, 1.4.
"""

import fcntl
import gzip
import io
import lzma
import os
import shutil
import zlib
from bz2 import BZ2Decompressor
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from lzma import LZMADecompressor
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from vedette.relocation.files import fernet, tarball
from vedette.relocation.files.fernet import DataKey, TokenReader, TokenWriter
from vedette.relocation.files.findings import FindingKind, refuse
from vedette.relocation.files.keys import LocalPrivateKey, LocalPublicKey, OpeningKey, SealingKey
from vedette.relocation.files.kms import GcpKms
from vedette.relocation.files.tarball import BLOCK, DATA_KEY, EXPORT, PUBLIC_KEY

__all__ = ["GcpKms", "LocalPrivateKey", "LocalPublicKey", "OpeningKey", "SealingKey", "is_sealed", "seal", "unseal"]

_STEP = 2**20
_LARGEST_DATA_KEY, _LARGEST_PUBLIC_KEY = 2**12, 2**16
_LEAST_UNPACKED = 2**20
_MOST_UNPACKING = 128 * 2**20  # memory
_MOST_TIMES = 4  # base64 of what is random packs to three quarters, and to no less


def is_sealed(stream: BinaryIO) -> bool:
    """Whether `stream` (seekable) is an encrypted export and no plain one, packed or not. Its position stays."""
    at = stream.tell()
    head = stream.read(BLOCK)
    stream.seek(at)
    return tarball.is_tar(head) or _packing(head) is not None


@contextmanager
def seal(destination: BinaryIO, key: SealingKey, *, work_dir: Path | None = None) -> Iterator[BinaryIO]:
    """A stream whose content goes into `destination`, encrypted for the holder of the private key.

    The archive is complete when the block ends well; after an exception `destination` holds no archive. Where it cannot
    seek (a pipe, a file that is appended to), the encrypted content waits in a temporary file, in `work_dir`.
    Raises `BadFile` for a key that cannot be used, before anything is written.
    """
    data_key = fernet.new_key()
    wrapped, public = key.wrap(data_key), key.pem()
    with ExitStack() as opened:
        in_place = _can_rewrite(destination)
        out = destination if in_place else opened.enter_context(TemporaryFile(dir=work_dir))
        begin = out.tell()
        if in_place:
            out.write(bytes(BLOCK))  # a header comes here when the size is known
        token = TokenWriter(out, DataKey.read(data_key))
        with _buffered(token) as stream:
            yield stream
        size = token.size
        if in_place:
            out.seek(begin)
            out.write(tarball.header(EXPORT, size))
            out.seek(begin + BLOCK + size)
        else:
            out.seek(begin)
            destination.write(tarball.header(EXPORT, size))
            shutil.copyfileobj(out, destination, _STEP)
    tail = tarball.padding(size)
    for name, content in ((DATA_KEY, wrapped), (PUBLIC_KEY, public)):
        tail += tarball.header(name, len(content)) + content + tarball.padding(len(content))
    destination.write(tail)
    destination.write(tarball.end(BLOCK + size + len(tail)))
    destination.flush()


@contextmanager
def unseal(source: Path | BinaryIO, key: OpeningKey, *, work_dir: Path | None = None) -> Iterator[BinaryIO]:
    """The content of an encrypted export as a stream, once it was verified as a whole.

    Where `source` cannot seek, or is packed (gzip, bzip2, xz), the archive is copied into a temporary file first, in
    `work_dir`. Raises `BadFile` for what is no encrypted export, and for one that this key does not open.
    """
    with ExitStack() as opened:
        stream = opened.enter_context(source.open("rb")) if isinstance(source, Path) else source
        if not stream.seekable():
            stream = _copied(stream, opened.enter_context(TemporaryFile(dir=work_dir)))
        begin = stream.tell()
        head = stream.read(BLOCK)
        stream.seek(begin)
        unpack = _packing(head)
        if unpack is not None:
            stream = _unpacked(stream, unpack, opened.enter_context(TemporaryFile(dir=work_dir)))
        found = tarball.members(stream)
        public = tarball.read_small(stream, found[PUBLIC_KEY], _LARGEST_PUBLIC_KEY)
        wrapped = tarball.read_small(stream, found[DATA_KEY], _LARGEST_DATA_KEY)
        data_key = DataKey.read(key.unwrap(wrapped, public))
        token = TokenReader(stream, found[EXPORT].offset, found[EXPORT].size, data_key)
        yield opened.enter_context(io.BufferedReader(token, _STEP))


@contextmanager
def _buffered(token: TokenWriter) -> Iterator[BinaryIO]:
    stream = io.BufferedWriter(token, 2**18)
    try:
        yield stream
        stream.flush()
        token.finish()
    except BaseException:
        token.abandon()  # so that what the buffer still holds goes nowhere
        raise
    finally:
        stream.close()


def _can_rewrite(stream: BinaryIO) -> bool:
    """Whether what was written can be written over: not in a pipe, nor in a file that is appended to."""
    if not stream.seekable():
        return False
    try:
        return not fcntl.fcntl(stream.fileno(), fcntl.F_GETFL) & os.O_APPEND
    except (OSError, AttributeError):  # it is no file: in memory
        return True


def _packing(head: bytes) -> Callable[[BinaryIO], Iterator[bytes]] | None:
    """What unpacks a file that begins with these bytes."""
    for magic, unpack in _PACKINGS:
        if head.startswith(magic):
            return unpack
    return None


def _from_gzip(packed: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=packed) as plain:
        while piece := plain.read(_STEP):
            yield piece


def _from_parts(packed: BinaryIO, start: Callable[[], BZ2Decompressor | LZMADecompressor]) -> Iterator[bytes]:
    """Unpack what may come in several parts, one behind the other."""
    part = None
    while True:
        data = b""
        if part is None or part.eof:
            data = (part.unused_data if part else b"").lstrip(b"\0") or packed.read(_STEP)
            if not data:
                return
            part = start()
        elif part.needs_input:
            data = packed.read(_STEP)
            if not data:
                raise EOFError
        yield part.decompress(data, _STEP)


_PACKINGS: tuple[tuple[bytes, Callable[[BinaryIO], Iterator[bytes]]], ...] = (
    (b"\x1f\x8b", _from_gzip),
    (b"BZh", partial(_from_parts, start=BZ2Decompressor)),
    (b"\xfd7zXZ\0", partial(_from_parts, start=partial(LZMADecompressor, memlimit=_MOST_UNPACKING))),
)


def _unpacked(packed: BinaryIO, unpack: Callable[[BinaryIO], Iterator[bytes]], out: BinaryIO) -> BinaryIO:
    begin, given = packed.tell(), 0
    pieces = unpack(packed)
    while piece := _next(pieces):
        given += len(piece)
        if given > max((packed.tell() - begin) * _MOST_TIMES, _LEAST_UNPACKED):
            raise refuse(FindingKind.TOO_LARGE, "the packed file unpacks to far more than an encrypted export")
        out.write(piece)
    out.seek(0)
    return out


def _next(pieces: Iterator[bytes]) -> bytes:
    """The next piece that is not empty, or an empty one at the end."""
    try:
        return next(filter(None, pieces), b"")
    except (zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise  # reading failed; what is packed is not to blame
        raise refuse(FindingKind.MALFORMED_ARCHIVE, "the packed file is damaged or cut off") from error


def _copied(stream: BinaryIO, out: BinaryIO) -> BinaryIO:
    shutil.copyfileobj(stream, out, _STEP)
    out.seek(0)
    return out
