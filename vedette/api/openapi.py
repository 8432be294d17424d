"""The OpenAPI document of the API. `python -m vedette.api.openapi` prints it as docs/reference keeps it.

What it is made of: `schema`. Source: the API specification, section 19.
"""

import os
import sys
from functools import cache
from typing import Any

import orjson

from vedette.core import json


@cache
def document() -> dict[str, Any]:
    """The whole document, without the server's address. Raises ValueError when something is declared badly."""
    from django.urls import include, path
    from drf_spectacular.drainage import GENERATOR_STATS
    from drf_spectacular.generators import SchemaGenerator

    make: Any = SchemaGenerator  # it is not typed
    generator = make(patterns=[path("api/0/", include("vedette.api.urls"))])
    with GENERATOR_STATS.silence():
        made: dict[str, Any] = generator.get_schema(request=None, public=True)
    if GENERATOR_STATS:
        raise ValueError(f"the OpenAPI document has warnings: {[*GENERATOR_STATS._warn_cache]}")
    made["components"]["securitySchemes"] = {
        "auth_token": {"type": "http", "scheme": "bearer", "description": "A user's or an organization's token."},
        "dsn": {"type": "http", "scheme": "DSN", "description": "The DSN of a project."},
    }
    return made


def as_json(url: str) -> bytes:
    """The document of the server at `url`."""
    return json.dumps({**document(), "servers": [{"url": url}]})


def as_file() -> bytes:
    """The document as it is committed: readable, in a settled order."""
    return orjson.dumps(document(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def main() -> None:
    """Print the document. It depends on no setting, so a key is made up rather than kept on disk."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vedette.settings")
    os.environ.setdefault("VEDETTE_SECRET_KEY", "nothing is signed here")
    import django

    django.setup()
    sys.stdout.buffer.write(as_file())


if __name__ == "__main__":
    main()
