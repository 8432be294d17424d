"""JSON out: always, whatever the request says it accepts."""

from collections.abc import Mapping
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from vedette.core import json


class OrjsonRenderer(BaseRenderer):
    """Renders plain values. No value is no body: `None` where an answer has none."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """`data` as compact UTF-8 JSON."""
        return b"" if data is None else json.dumps(data)


class AlwaysJson(BaseContentNegotiation):
    """Clients compare the content type with exactly `application/json`, and some of them accept nothing in words."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The one parser there is."""
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """The one renderer there is."""
        return renderers[0], renderers[0].media_type
