"""Bodies of requests, JSON or here and there a form, plain or compressed, and what they have to look like."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.core.files.uploadhandler import FileUploadHandler
from django.http import QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, DataAndFiles

from vedette.core import json
from vedette.core.nul import SENTENCE, holds_nul, query_holds_nul
from vedette.orgs.options import Option
from vedette.wire.encoding import decode_body
from vedette.wire.refusals import TooLarge

MAX_BODY_BYTES = 20 * 2**20
MAX_DEPTH = 100  # nothing that is meant is as deep, and what handles or keeps values may call itself for each level
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data"


class JsonBody(BaseParser):
    """Reads any body as JSON, whatever its content type says: some clients say nothing."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """The decoded value. Raises `ParseError` (400), `UndecodableBody` (400) or `TooLarge` (413)."""
        return self.value_of(_bytes_of(stream, parser_context), media_type or "")

    def value_of(self, body: bytes, media_type: str) -> Any:
        """The value of the bytes of a body. Raises `ParseError`."""
        try:
            value = json.loads(body) if body.strip() else {}
        except json.JSONDecodeError as error:
            raise ParseError(f"JSON parse error - {error}") from None
        if b"\\u0000" in body and holds_nul(value):  # JSON has no other way to say it
            raise ParseError(SENTENCE)
        if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
            raise ParseError(f"The body is nested more than {MAX_DEPTH} levels deep.")
        return value


class FormOrJsonBody(JsonBody):
    """The same, and the fields of a form for clients that send one; a list is a field that comes several times.

    JSON under the type of forms is JSON: that is how `curl --data` calls whatever it sends.
    """

    def value_of(self, body: bytes, media_type: str) -> Any:
        """The value, of a form with all values of each field. Raises `ParseError`."""
        if media_type.startswith(PARTS):
            return _fields_of_parts(body, media_type)
        if not media_type.startswith(FORM) or body.lstrip()[:1] in (b"{", b"["):
            return super().value_of(body, media_type)
        if query_holds_nul(body.decode("latin-1")):
            raise ParseError(SENTENCE)
        return QueryDict(body)


class PartsOrJsonBody(FormOrJsonBody):
    """The same, and the files of a form in parts: large ones lie on the disk while the request lasts."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """The value, or fields and files. Raises `ParseError` (400), `UndecodableBody` (400) or `TooLarge` (413)."""
        request = (parser_context or {}).get("request")
        if request is None or not (media_type or "").startswith(PARTS):
            return super().parse(stream, media_type, parser_context)
        try:
            fields, files = MultiPartParser(request.META, stream, request.upload_handlers).parse()
        except MultiPartParserError as error:
            raise ParseError(f"Multipart form parse error - {error}") from None
        if holds_nul(dict(fields.lists())):
            raise ParseError(SENTENCE)
        return DataAndFiles(fields, files)


def _fields_of_parts(body: bytes, media_type: str) -> QueryDict:
    """The fields of a form in parts, as `curl --form` sends it; files in it are nobody's."""
    meta = {"CONTENT_TYPE": media_type, "CONTENT_LENGTH": len(body)}
    try:
        fields, _ = MultiPartParser(meta, BytesIO(body), [_NoFiles()]).parse()
    except MultiPartParserError as error:
        raise ParseError(f"Multipart form parse error - {error}") from None
    if holds_nul(dict(fields.lists())):
        raise ParseError(SENTENCE)
    return fields


class _NoFiles(FileUploadHandler):
    """Keeps nothing of a file."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """A piece of it."""

    def file_complete(self, file_size: int) -> None:
        """The end of it."""


def _is_deeper(value: Any, most: int) -> bool:
    """Whether lists and objects in `value` hold each other more than `most` levels deep."""
    level = [value]
    for _ in range(most + 1):
        holders = [one for one in level if isinstance(one, dict | list)]
        if not holders:
            return False
        level = [each for one in holders for each in (one.values() if isinstance(one, dict) else one)]
    return True


def _bytes_of(stream: Any, parser_context: Mapping[str, Any] | None) -> bytes:
    raw = stream.read(MAX_BODY_BYTES + 1)
    if len(raw) > MAX_BODY_BYTES:
        raise TooLarge(f"request body is larger than {MAX_BODY_BYTES} bytes")
    request = (parser_context or {}).get("request")
    header = request.META.get("HTTP_CONTENT_ENCODING") if request else None
    return decode_body(raw, header, MAX_BODY_BYTES)


class Wish(serializers.Serializer[Any]):
    """What a caller asks to make or to change. Unknown keys are ignored; null means absent where it means nothing."""

    def to_internal_value(self, data: Any) -> Any:
        """`data` without the nulls of fields that know none; a form says no nulls, and lists in its own way."""
        if isinstance(data, Mapping) and not isinstance(data, QueryDict):
            fields = self.fields
            data = {k: v for k, v in data.items() if v is not None or (k in fields and fields[k].allow_null)}
        return super().to_internal_value(data)


def field_of(option: Option[Any]) -> serializers.Field[Any, Any, Any, Any]:
    """The field of a body that sets `option`; what its value means, the option says."""
    if isinstance(option.default, bool):
        return serializers.BooleanField(required=False)
    if isinstance(option.default, int):
        return serializers.IntegerField(required=False)
    if isinstance(option.default, str):
        return serializers.CharField(required=False, allow_blank=True, allow_null=True, trim_whitespace=False)
    return serializers.JSONField(required=False, allow_null=True)


def read(wish: type[Wish], data: Any) -> dict[str, Any]:
    """The checked values of the keys that are present. Raises `ValidationError`, field by field."""
    reader = wish(data=data)
    reader.is_valid(raise_exception=True)
    values: dict[str, Any] = reader.validated_data
    return values
