"""Forms in parts, and archives of artifacts, as clients of uploads send them."""

import hashlib
import io
import json
import zipfile
from typing import Any

from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

BUNDLE = "67e9247c-814e-392b-a027-dbde6748fcbf"


def sha1(content: bytes) -> str:
    """What a chunk is called."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


class Part(io.BytesIO):
    """A file of a form."""

    def __init__(self, name: str, content: bytes, content_type: str) -> None:
        super().__init__(content)
        self.name, self.content_type = name, content_type


def a_part(name: str, content: bytes, kind: str = "application/octet-stream") -> Part:
    """A file of a form."""
    return Part(name, content, kind)


def send(api: Any, path: str, **fields: Any) -> tuple[int, Any]:
    """POST a form in parts; (status, body)."""
    response = api.client.generic(
        "POST", f"/api/0{path}", encode_multipart(BOUNDARY, fields), content_type=MULTIPART_CONTENT, headers=api.headers
    )
    return response.status_code, json.loads(response.content) if response.content else None


def an_archive(manifest: Any = None, *, kind: int = zipfile.ZIP_DEFLATED, **files: bytes) -> bytes:
    """An archive of artifacts with this manifest, by default a good one of two files."""
    own = {"debug_id": BUNDLE, "dist": "7", "files": {"a": {"url": "~/a.js"}, "b": {"url": "~/b.js"}}}
    content = manifest if isinstance(manifest, bytes) else json.dumps(own if manifest is None else manifest).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", kind) as archive:
        archive.writestr("manifest.json", content)
        for name, value in files.items():
            archive.writestr(name, value)
    return packed.getvalue()
