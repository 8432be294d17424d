"""Files to be imported that were uploaded in pieces, as bundles of artifacts are: of any size that the server allows.

No request is larger than a few pieces, which a credential has sent, and no file is held in memory as a whole.
"""

import hashlib
from collections.abc import Iterator, Sequence

from vedette.core.errors import RuleBroken
from vedette.core.files import FileStore
from vedette.orgs.models import Organization
from vedette.releases.models import FileChunk

_AT_ONCE = 2**20
_GONE = "A piece of the file is gone: send it again."
_CHANGED = "The checksum of the file is not the one that was announced."


def content_of(files: FileStore, chunks: Sequence[str], checksum: str) -> Iterator[bytes]:
    """The bytes of the pieces, in order. Raises `RuleBroken` where one is gone, and at the end where the SHA-1 of the
    whole is another one: what was made of them does not count then."""
    seen = hashlib.sha1(usedforsecurity=False)
    for name in chunks:
        try:
            with files.path(name).open("rb") as stream:
                while block := stream.read(_AT_ONCE):
                    seen.update(block)
                    yield block
        except FileNotFoundError:
            raise RuleBroken({"chunks": [_GONE]}) from None
    if seen.hexdigest() != checksum:
        raise RuleBroken({"checksum": [_CHANGED]})


def forget(organization: Organization, chunks: Sequence[str]) -> None:
    """Let the pieces go with the next sweep instead of after a day: what was exported is nobody else's business."""
    FileChunk.objects.filter(organization=organization, sha1__in=set(chunks)).delete()
