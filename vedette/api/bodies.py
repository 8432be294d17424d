"""JSON in: bodies of requests, plain or compressed, and what they have to look like."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from vedette.core import json
from vedette.orgs.options import Option
from vedette.wire.encoding import decode_body
from vedette.wire.refusals import TooLarge

MAX_BODY_BYTES = 20 * 2**20


class JsonBody(BaseParser):
    """Reads any body as JSON, whatever its content type says: some clients say nothing."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """The decoded value. Raises `ParseError` (400), `UndecodableBody` (400) or `TooLarge` (413)."""
        raw = stream.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            raise TooLarge(f"request body is larger than {MAX_BODY_BYTES} bytes")
        request = (parser_context or {}).get("request")
        header = request.META.get("HTTP_CONTENT_ENCODING") if request else None
        body = decode_body(raw, header, MAX_BODY_BYTES)
        try:
            return json.loads(body) if body.strip() else {}
        except json.JSONDecodeError as error:
            raise ParseError(f"JSON parse error - {error}") from None


class Wish(serializers.Serializer[Any]):
    """What a caller asks to make or to change. Unknown keys are ignored; null means absent where it means nothing."""

    def to_internal_value(self, data: Any) -> Any:
        """`data` without the nulls of fields that know none."""
        if isinstance(data, Mapping):
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
