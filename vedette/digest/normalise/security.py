"""Content Security Policy reports: the browser's report, and the event that it becomes.

Source: the ingest specification, 1.2 and 9.11.
"""

from typing import Any
from urllib.parse import urlsplit

from vedette.digest.draft import Draft
from vedette.digest.normalise.users import is_address
from vedette.wire.event import LogEntry

_NOUNS = {
    "child-src": "child",
    "connect-src": "connect",
    "font-src": "font",
    "img-src": "image",
    "manifest-src": "manifest",
    "media-src": "media",
    "object-src": "object",
    "script-src": "script",
    "script-src-elem": "script",
    "style-src": "style",
    "style-src-elem": "style",
    "style-src-attr": "style",
}
_REPORTING_API = {
    "documentURL": "document_uri",
    "blockedURL": "blocked_uri",
    "effectiveDirective": "effective_directive",
    "originalPolicy": "original_policy",
    "sourceFile": "source_file",
    "lineNumber": "line_number",
    "columnNumber": "column_number",
    "statusCode": "status_code",
    "sample": "script_sample",
    "disposition": "disposition",
    "referrer": "referrer",
}
_REMOTE = {
    "form-action": "Blocked 'form' action to '{}'",
    "script-src-attr": "Blocked inline script attribute from '{}'",
    "style-src-attr": "Blocked style attribute from '{}'",
}
_LOCAL = {
    "script-src-attr": "Blocked unsafe 'script' element",
    "script-src-elem": "Blocked inline script attribute",
    "style-src-elem": "Blocked 'style' or 'link' element",
    "style-src-attr": "Blocked style attribute",
}
_TEXT_LIMIT = 8192


def event_of_report(report: Any) -> dict[str, Any] | None:
    """The event (`csp` only) of a browser's report in either of its shapes; None if it is neither."""
    if isinstance(report, list):
        report = report[0] if report else None
    if not isinstance(report, dict):
        return None
    if isinstance(report.get("csp-report"), dict):
        csp = {key.replace("-", "_"): value for key, value in report["csp-report"].items()}
    elif report.get("type") == "csp-violation" and isinstance(report.get("body"), dict):
        body = report["body"]
        csp = {modern: body[name] for name, modern in _REPORTING_API.items() if name in body}
        csp.setdefault("document_uri", report.get("url"))
    else:
        return None
    return (
        {"csp": csp, "platform": "other"} if csp.get("effective_directive") or csp.get("violated_directive") else None
    )


def settle_security(draft: Draft) -> Draft:
    """Message, culprit, tags and request of an event that carries a CSP report."""
    event = draft.event
    if not event.csp or event.type != "csp":
        return draft
    csp: dict[str, Any] = {
        key: value[:_TEXT_LIMIT] if isinstance(value, str) else value
        for key, value in event.csp.items()
        if isinstance(value, (str, int, float))
    }
    directive = directive_of(csp)
    if directive:
        csp["effective_directive"] = directive
    event.csp = csp
    event.logger = "csp"
    event.level = "error"
    event.logentry = LogEntry(formatted=message_of(csp))
    event.culprit = _culprit(csp)[:200] or None
    _add_tags(draft, csp)
    _add_request(draft, csp)
    return draft


def directive_of(csp: dict[str, Any]) -> str:
    """The directive that was violated, in lower case."""
    effective = csp.get("effective_directive")
    if isinstance(effective, str) and effective.strip():
        return effective.strip().lower()
    violated = csp.get("violated_directive")
    return violated.split()[0].lower() if isinstance(violated, str) and violated.split() else ""


def is_local(blocked: str) -> bool:
    """Whether the blocked URI is the document itself (inline code, eval)."""
    return blocked in ("", "self", "'self'")


def message_of(csp: dict[str, Any]) -> str:
    """The sentence that names what was blocked."""
    directive, violated = directive_of(csp), text_of(csp, "violated_directive")
    blocked = text_of(csp, "blocked_uri")
    noun = _NOUNS.get(directive, directive)
    if not is_local(blocked):
        return _REMOTE.get(directive, f"Blocked '{noun}' from '{{}}'").replace("{}", _origin(blocked))
    if directive == "script-src":
        if "'unsafe-inline'" in violated:
            return "Blocked unsafe inline 'script'"
        if "'unsafe-eval'" in violated:
            return "Blocked unsafe eval() 'script'"
        return "Blocked unsafe (eval() or inline) 'script'"
    return _LOCAL.get(directive, f"Blocked inline '{noun}'")


def text_of(csp: dict[str, Any], name: str) -> str:
    """A member of a report that has to be a text; browsers (and others) send what they like."""
    value = csp.get(name)
    return value if isinstance(value, str) else ""


def _split(uri: str) -> tuple[str, str]:
    """Scheme and host; a bare word is a scheme."""
    try:
        parts = urlsplit(uri)
        return (parts.scheme or ("" if parts.netloc else uri), parts.netloc.rpartition("@")[2])
    except ValueError:
        return uri, ""


def _origin(uri: str) -> str:
    scheme, host = _split(uri)
    return host if scheme in ("http", "https") and host else scheme


def _culprit(csp: dict[str, Any]) -> str:
    violated = text_of(csp, "violated_directive") or directive_of(csp)
    host = _split(text_of(csp, "document_uri"))[1]
    if not host:
        return violated
    own = {host, f"http://{host}", f"https://{host}"}
    return " ".join("'self'" if word in own else word for word in violated.split())


def _add_tags(draft: Draft, csp: dict[str, Any]) -> None:
    blocked = text_of(csp, "blocked_uri")
    scheme, host = _split(blocked)
    if scheme in ("http", "https"):
        blocked = blocked.partition("?")[0].partition("#")[0]
        blocked = f"{scheme}://{host}"
    pairs = [["effective-directive", directive_of(csp)], ["blocked-uri", blocked]]
    if scheme in ("http", "https") and host:
        pairs.append(["blocked-host", host])
    own = {key for key, value in pairs if value}
    given = draft.event.tags if isinstance(draft.event.tags, list) else []
    draft.event.tags = [pair for pair in given if pair[0] not in own] + [
        [key, value[:200]] for key, value in pairs if value
    ]


def _add_request(draft: Draft, csp: dict[str, Any]) -> None:
    event, receipt = draft.event, draft.receipt
    request: dict[str, Any] = event.request if isinstance(event.request, dict) else {}
    headers = {pair[0]: pair[1] for pair in request.get("headers") or ()}
    if text_of(csp, "document_uri"):
        request.setdefault("url", text_of(csp, "document_uri"))
    if text_of(csp, "referrer"):
        headers.setdefault("Referer", text_of(csp, "referrer"))
    if receipt.user_agent:
        headers.setdefault("User-Agent", receipt.user_agent[:1024])
    if headers:
        request["headers"] = [[name, headers[name]] for name in sorted(headers)]
    event.request = request or None
    if event.user is None and is_address(receipt.remote_addr) and not draft.config.scrub_ip_addresses:
        event.user = {"ip_address": receipt.remote_addr}
