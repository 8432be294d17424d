"""What an import has written, as a digest: `python -m tests.faults.moved_report UUID`, with a server's settings."""

import hashlib
import json
import os
import sys
from typing import Any


def main(import_uuid: str, only: str = "") -> None:
    """Print {digest, rows, strangers, unreplicated, chunks}, or the chunks only, which is quick. Equal digests mean
    equal rows, whatever their ids are."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vedette.settings")
    import django

    django.setup()
    from tests.support.moved import moved, strangers, unreplicated
    from vedette.relocation.models import ControlImportChunk, RegionImportChunk

    report: dict[str, Any] = {"chunks": RegionImportChunk.objects.count() + ControlImportChunk.objects.count()}
    if only != "chunks":
        digest = hashlib.sha256()
        rows = moved(import_uuid)
        for key in sorted(rows):
            digest.update(json.dumps([key, rows[key]], sort_keys=True, default=str).encode())
        report |= {"digest": digest.hexdigest(), "rows": len(rows)}
        report |= {"strangers": strangers(import_uuid), "unreplicated": unreplicated()}
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
