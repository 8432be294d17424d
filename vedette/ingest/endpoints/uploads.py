"""Crash dumps and files of events, as forms: made into envelopes of an event's files.

What costs time (finding the parts, unpacking the dump) is done beside the event loop. Nothing is copied before there is
room for it: parts are views into the body, a packed dump is unpacked into room that was taken before, and the door
makes room for the envelope. Source: the ingest specification, 1.3, and row 9 of its table.
"""

import uuid
from collections.abc import Iterator
from functools import partial

import msgspec

from vedette.core.ids import as_event_id, new_event_id
from vedette.ingest import answers
from vedette.ingest.answers import Answer
from vedette.ingest.door import Door, IngestRequest
from vedette.wire.dumps import is_packed, unpack_dump
from vedette.wire.envelope import Envelope, Item, event_id_in
from vedette.wire.items import RULES
from vedette.wire.messagepack import event_id_in as event_id_in_messagepack
from vedette.wire.multipart import Part, boundary_in, boundary_of, parse_multipart
from vedette.wire.refusals import Malformed, TooLarge

DUMP = "upload_file_minidump"
MAX_FIELD_BYTES = RULES["form_data"].item_bytes  # of a form, all names and values; as JSON they are no shorter
_RAW_TYPES = frozenset({"application/octet-stream", "application/x-dmp"})
_TYPES = {
    DUMP: "event.minidump",
    "__sentry-event": "event.payload",
    "__sentry-breadcrumb1": "event.breadcrumbs",
    "__sentry-breadcrumb2": "event.breadcrumbs",
    "view-hierarchy.json": "event.view_hierarchy",
}
_Fields = list[tuple[str, str]]


async def minidump(door: Door, request: IngestRequest) -> Answer:
    """Row 7: the answer is the event's id, as plain text."""
    credentials = await door.identify(request)
    boundary = boundary_of(request.header("content-type"))
    if boundary is None and request.media_type not in _RAW_TYPES:
        raise _missing("the content type is neither a form's nor a dump's")
    limit = door.settings.envelope_limit_bytes
    body = await door.read_plain(request, limit)
    parts, dump, content = await door.beside(_open, body, boundary)
    if is_packed(content):
        plain = await door.unpack(request, partial(unpack_dump, content), len(content), limit)
    else:
        plain = unpack_dump(content, limit)
    envelope = await door.beside(_crash, parts, dump, plain)
    limited = await door.keep(request, credentials, envelope)
    if limited:
        return answers.rate_limited(limited)
    return answers.text(str(uuid.UUID(envelope.event_id)))


async def attachments(door: Door, request: IngestRequest) -> Answer:
    """Row 9: each part is a file of the event."""
    credentials = await door.identify(request)
    event_id = as_event_id(request.route.rest[0])
    if event_id is None:
        raise Malformed("invalid event id", reason="invalid_event_id")
    boundary = boundary_of(request.header("content-type"))
    if boundary is None:
        raise Malformed("invalid multipart body", causes=("the content type is not a form's",))
    body = await door.read_plain(request, door.settings.envelope_limit_bytes)
    parts = await door.beside(parse_multipart, body, boundary)
    items = tuple(_file(part, "event.attachment", part.content) for part in parts)
    limited = await door.keep(request, credentials, Envelope({"event_id": event_id}, items)) if items else ()
    return answers.rate_limited(limited) if limited else answers.empty(201)


def _open(body: bytes, boundary: bytes | None) -> tuple[tuple[Part, ...], Part, memoryview]:
    """The parts of the form, the one that brings the dump, and the dump, packed or not."""
    if boundary is None:
        whole = Part(DUMP, "minidump.dmp", "", memoryview(body))
        return (whole,), whole, whole.content
    parts = parse_multipart(body, boundary)
    dump = _dump_in(parts, "no part is called " + DUMP)
    within = boundary_in(dump.content)
    if within is None:
        return parts, dump, dump.content
    # Some versions of Electron send a form of their own in the place of the dump.
    return parts, dump, _dump_in(parse_multipart(body, within, dump), "the form within has none").content


def _dump_in(parts: tuple[Part, ...], complaint: str) -> Part:
    dump = next((part for part in parts if part.name == DUMP), None)
    if dump is None:
        raise _missing(complaint)
    return dump


def _crash(parts: tuple[Part, ...], dump: Part, plain: bytes | memoryview) -> Envelope:
    """The envelope of a crash: the dump first, then files, then what the form's fields say."""
    items = [_file(dump, _TYPES[DUMP], plain)]
    items += [
        _file(part, _TYPES.get(part.name, "event.attachment"), part.content)
        for part in parts
        if part.filename is not None and part.name != DUMP
    ]
    fields = _fields(parts)
    if fields:
        items.append(Item({"type": "form_data"}, msgspec.json.encode(fields), "form_data"))
    return Envelope({"event_id": _event_id(parts, fields)}, tuple(items))


def _fields(parts: tuple[Part, ...]) -> _Fields:
    """The fields that are no files, as text. Raises `TooLarge` (413) before as much as one is decoded."""
    fields = [part for part in parts if part.filename is None and part.name != DUMP]
    if sum(len(part.name) + len(part.content) for part in fields) > MAX_FIELD_BYTES:
        raise TooLarge(f"the fields of the form are larger than {MAX_FIELD_BYTES} bytes")
    return [(part.name, str(part.content, "utf-8", "replace")) for part in fields]


def _file(part: Part, attachment_type: str, content: bytes | memoryview) -> Item:
    header = {
        "type": "attachment",
        "attachment_type": attachment_type,
        "filename": (part.filename or part.name)[:255],
        "content_type": part.content_type[:255],
    }
    return Item({name: value for name, value in header.items() if value}, content, "attachment")


def _event_id(parts: tuple[Part, ...], fields: _Fields) -> str:
    """The id that the crashed program gave its event, or a fresh one."""
    return next((found for text in _own_ids(parts, fields) if (found := as_event_id(text))), None) or new_event_id()


def _own_ids(parts: tuple[Part, ...], fields: _Fields) -> Iterator[object]:
    for part in parts:
        if part.name == "__sentry-event":
            yield event_id_in_messagepack(part.content)
    for name, value in fields:
        if name == "sentry":
            yield event_id_in(value.encode())
        elif name == "sentry[event_id]":
            yield value


def _missing(cause: str) -> Malformed:
    return Malformed("missing minidump", causes=(cause,), reason="missing_minidump")
