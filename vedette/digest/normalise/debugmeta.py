"""The binaries and source maps of the process that an event comes from.

Source: the ingest specification, 7.1 (debug_meta).
"""

from typing import Any

from vedette.digest.draft import Draft
from vedette.digest.notes import Notes

IMAGE_TYPES = frozenset("apple macho elf pe pe_dotnet symbolic wasm proguard jvm sourcemap other".split())


def settle_debug_meta(draft: Draft) -> Draft:
    """Images of a type that is not known become null; their places stay, because addresses name them by number."""
    meta = draft.event.debug_meta
    if meta is not None and meta.images:
        meta.images = [_image(image, index, draft.notes) for index, image in enumerate(meta.images)]
    return draft


def _image(image: Any, index: int, notes: Notes) -> dict[str, Any] | None:
    if image is None:
        return None
    if not isinstance(image, dict):
        notes.error("invalid_data", ("debug_meta", "images", str(index)), reason="expected an object")
        return None
    kind = image.get("type")
    if not isinstance(kind, str) or kind not in IMAGE_TYPES:
        notes.error("invalid_data", ("debug_meta", "images", str(index), "type"), reason="unknown type of image")
        return None
    return image
