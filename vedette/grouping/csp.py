"""What counts of a security report.

Source: the grouping specification, 7.6.
"""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from vedette.grouping.components import Component, leaf, node

_VIOLATIONS = ("'unsafe-inline'", "'unsafe-eval'")
SELF = "'self'"


def csp_component(csp: dict[str, Any]) -> Component:
    """Directive, and either the kind of the local violation or the origin that was blocked."""
    directive = _text(csp, "effective_directive")
    blocked = _text(csp, "blocked_uri")
    salt = leaf("salt", directive)
    if directive == "script-src" and blocked in ("", "self", SELF):
        for word in _VIOLATIONS:
            if word in _text(csp, "violated_directive"):
                return node("csp", (salt, leaf("violation", word)))
    return node("csp", (salt, leaf("uri", blocked_origin(blocked) if directive else None)))


def report_component(kind: str, raw: bytes) -> Component:
    """HPKP, Expect-CT and Expect-Staple: the kind and the host name. `raw` is the report as JSON."""
    try:
        report = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        report = None
    host = report.get("hostname") if isinstance(report, dict) else None
    return node(kind, (leaf("salt", kind), leaf("hostname", host if isinstance(host, str) else None)))


def blocked_origin(uri: str) -> str:
    """`'self'`, a host name for http(s), `scheme://host` for other schemes; a bare word is a scheme."""
    if uri in ("", "self", SELF):
        return SELF
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme in ("http", "https"):
        return host
    if not parts.scheme and not host:
        return f"{uri}://"
    return f"{parts.scheme}://{host}"


def _text(csp: dict[str, Any], name: str) -> str:
    value = csp.get(name)
    return value if isinstance(value, str) else ""
