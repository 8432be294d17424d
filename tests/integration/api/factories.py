"""What the API shows: events with everything in them, and rows around them."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from tests.support.factories import an_event
from vedette.core import json
from vedette.digest.values import EventUser, PreparedEvent
from vedette.projects.models import Project

FRAMES = [
    {"filename": "site/lib.py", "abs_path": "/site/lib.py", "function": "call", "lineno": 7, "in_app": False},
    {
        "filename": "app/views.py",
        "abs_path": "/srv/app/views.py",
        "module": "app.views",
        "function": "checkout",
        "lineno": 12,
        "in_app": True,
        "pre_context": ["def checkout(cart):", "    # pay"],
        "context_line": "    raise ValueError(cart)",
        "post_context": [None],
        "vars": {"cart": "<Cart 7>"},
    },
]


def a_payload(event_id: str, timestamp: datetime, title: str) -> dict[str, Any]:
    """A normalised event with every interface that pages and clients look at."""
    return {
        "event_id": event_id,
        "type": "error",
        "timestamp": timestamp.timestamp(),
        "platform": "python",
        "title": title,
        "metadata": {"type": "ValueError", "value": "bad"},
        "logentry": {"formatted": "it broke: 7", "message": "it broke: %s", "params": [7]},
        "exception": {
            "values": [
                {
                    "type": "ValueError",
                    "value": "bad",
                    "mechanism": {"type": "django", "handled": False},
                    "stacktrace": {"frames": FRAMES},
                }
            ]
        },
        "breadcrumbs": {"values": [{"timestamp": 1764000000.5, "category": "query", "message": "SELECT 1"}, None]},
        "request": {
            "method": "GET",
            "url": "https://shop.example.com/cart",
            "query_string": [["q", "1"]],
            "headers": [["Host", "shop.example.com"]],
            "cookies": {"theme": "dark"},
        },
        "user": {"id": 7, "email": "kim@example.com", "ip_address": "203.0.113.7"},
        "contexts": {"runtime": {"type": "runtime", "name": "CPython"}},
        "extra": {"attempt": 1},
        "modules": {"django": "5.2"},
        "sdk": {"name": "sentry.python", "version": "2.0"},
        "errors": [{"type": "invalid_data", "name": "level", "value": "loud"}],
        "grouping": {"config": "vedette:1", "variants": {"app": {"hash": "a" * 32}, "default": {"hash": "b" * 32}}},
        "_meta": {"request": {"url": {"": {"len": 900}}}},
    }


def a_real_event(project: Project, title: str = "ValueError: bad", **fields: Any) -> PreparedEvent:
    """An event of Kim's in production, in release web@1.0, whose payload has everything."""
    event_id = fields.pop("event_id", uuid4().hex)
    timestamp = fields.pop("timestamp")
    values: dict[str, Any] = {
        "event_id": event_id,
        "timestamp": timestamp,
        "environment": "production",
        "release": "web@1.0",
        "user": EventUser(identity="id:7", id="7", email="kim@example.com", ip="203.0.113.7"),
        "tags": (("browser", "Firefox"), ("level", "error"), ("user", "id:7")),
        "handled": False,
        "metadata": {"type": "ValueError", "value": "bad"},
        "payload": json.dumps(a_payload(event_id, timestamp, title)),
    }
    return an_event(project, title, **{**values, **fields})
