"""What may be long, deep or plenty, cut to size. Runs after scrubbing, so that a cut never hides half a secret.

Source: the ingest specification, 7.1 (limits), 7.2 and 9.12.
"""

from typing import Any

import msgspec
from msgspec import Raw

from vedette.digest import trim
from vedette.digest.draft import Draft
from vedette.digest.nesting import estimate
from vedette.digest.normalise.stacktraces import stacktraces_with_paths
from vedette.digest.normalise.users import TEXTS
from vedette.digest.notes import Notes
from vedette.digest.trim import KIB
from vedette.wire.event import NOTHING, Breadcrumb, Event, Mechanism

_REQUEST = (
    ("data", 8 * KIB, 7),
    ("query_string", KIB, 3),
    ("cookies", 2 * KIB, 3),
    ("headers", 8 * KIB, 3),
    ("env", 8 * KIB, 3),
)
_EXTRA_TOTAL = 256 * KIB
_SPANS_TOTAL = 800 * KIB
_encode = msgspec.json.encode


def cut_to_size(draft: Draft) -> Draft:
    """Apply the limits of every free-form part of the event."""
    event, notes = draft.event, draft.notes
    for path, stacktrace in stacktraces_with_paths(event):
        for index, frame in enumerate(stacktrace.frames or ()):
            if frame.vars is not NOTHING and not trim.fits_object(frame.vars, 2 * KIB, 5):
                frame.vars = trim.obj(frame.vars, 2 * KIB, 5, (*path, "frames", str(index), "vars"), notes)
    if event.exception is not None:
        for index, exception in enumerate(event.exception.values):
            if exception.mechanism is not None:
                _mechanism(exception.mechanism, index, notes)
    if event.breadcrumbs is not None:
        for index, crumb in enumerate(event.breadcrumbs.values):
            _breadcrumb(crumb, index, notes)
    if isinstance(event.request, dict):
        _request(event.request, notes)
    if event.user:
        _user(event.user, notes)
    if event.contexts:
        for key, raw in event.contexts.items():
            size = (128 if key == "flags" else 8) * KIB
            if not trim.fits(raw, size, 7):
                event.contexts[key] = trim.tree(raw, size, 7, ("contexts", key), notes)
    if event.extra:
        event.extra = _extra(event.extra, notes)
    if event.modules is not NOTHING:
        event.modules = _modules(event.modules, notes)
    if event.logentry is not None:
        _logentry(event, notes)
    if event.spans:
        _spans(event, notes)
    if event.type == "transaction" or event.type == "csp":
        _others(event, notes)
    else:
        event.measurements = event.breakdowns = NOTHING
        event.hpkp = event.expectct = event.expectstaple = event.nel = NOTHING
    if event.applecrashreport is not NOTHING:
        event.applecrashreport = trim.obj(event.applecrashreport, 16 * KIB, 7, ("applecrashreport",), notes)
    return draft


def _others(event: Event, notes: Notes) -> None:
    for name in ("measurements", "breakdowns", "hpkp", "expectct", "expectstaple", "nel"):
        raw = getattr(event, name)
        if raw is not NOTHING:
            setattr(event, name, trim.obj(raw, 16 * KIB, 7, (name,), notes))


def _mechanism(mechanism: Mechanism, index: int, notes: Notes) -> None:
    path = ("exception", "values", str(index), "mechanism")
    if mechanism.data is not NOTHING:
        mechanism.data = trim.obj(mechanism.data, 2 * KIB, 5, (*path, "data"), notes)
    if mechanism.description:
        mechanism.description = trim.text(mechanism.description, 8192, 200, (*path, "description"), notes)


def _breadcrumb(crumb: Breadcrumb, index: int, notes: Notes) -> None:
    if crumb.data is not NOTHING and not trim.fits_object(crumb.data, 2 * KIB, 5):
        crumb.data = trim.obj(crumb.data, 2 * KIB, 5, ("breadcrumbs", "values", str(index), "data"), notes)
    if crumb.message is not None and len(crumb.message) > 8192:
        crumb.message = trim.text(crumb.message, 8192, 200, ("breadcrumbs", "values", str(index), "message"), notes)


def _user(user: dict[str, Any], notes: Notes) -> None:
    for name, limit in TEXTS.items():
        value = user.get(name)
        if value is not None and len(value) > limit:
            user[name] = trim.text(value, limit, 0, ("user", name), notes)
    if user.get("data"):
        user["data"] = trim.value(user["data"], 8 * KIB, 7, ("user", "data"), notes)


def _request(request: dict[str, Any], notes: Notes) -> None:
    url = request.get("url")
    if url is not None and len(url) > 256:
        request["url"] = trim.text(url, 256, 40, ("request", "url"), notes)
    whole = _encode(request)
    flat = b"[[[" not in whole and whole.count(b"{") <= 2 and not isinstance(request.get("data"), (dict, list))
    if len(whole) <= KIB and (flat or estimate(whole) <= 4):
        return
    if request.get("fragment"):
        request["fragment"] = trim.text(request["fragment"], 1024, 100, ("request", "fragment"), notes)
    for name, size, depth in _REQUEST:
        value = request.get(name)
        if not value:
            continue
        as_json = _encode(value)
        brackets = as_json.count(b"[") + as_json.count(b"{")
        if len(as_json) > size or (brackets > depth and estimate(as_json) > depth):
            value = trim.value(value, size, depth, ("request", name), notes)
            if name in ("query_string", "cookies", "headers"):
                value = [pair for pair in value if isinstance(pair, list) and len(pair) == 2]
            request[name] = value


def _extra(extra: dict[str, Raw], notes: Notes) -> dict[str, Raw]:
    kept: dict[str, Raw] = {}
    left = _EXTRA_TOTAL
    for key in sorted(extra):
        if left <= 0:
            notes.remark(("extra",), length=len(extra))
            break
        raw = trim.tree(extra[key], min(16 * KIB, left), 7, ("extra", key), notes)
        left -= len(raw) + len(key) + 4
        kept[key] = raw
    return kept


def _modules(modules: Raw, notes: Notes) -> Raw:
    modules = trim.obj(modules, 8 * KIB, 7, ("modules",), notes)
    text = bytes(modules)
    if b"null" in text:
        members = msgspec.json.decode(text)
        modules = Raw(_encode({name: version for name, version in members.items() if version is not None}))
    return modules


def _logentry(event: Event, notes: Notes) -> None:
    entry = event.logentry
    if entry is None:
        return
    if entry.formatted is not None:
        entry.formatted = trim.text(entry.formatted, 8192, 200, ("logentry", "formatted"), notes)
    if entry.message is not None:
        entry.message = trim.text(entry.message, 8192, 200, ("logentry", "message"), notes)
    if entry.params is not NOTHING:
        entry.params = trim.tree(entry.params, 2 * KIB, 5, ("logentry", "params"), notes)


def _spans(event: Event, notes: Notes) -> None:
    spans = event.spans or []
    left = _SPANS_TOTAL
    for index, span in enumerate(spans):
        for name in ("data", "tags", "measurements"):
            raw = getattr(span, name)
            if raw is not NOTHING:
                setattr(span, name, trim.obj(raw, 8 * KIB, 5, ("spans", str(index), name), notes))
        left -= len(_encode(span))
        if left < 0:
            notes.remark(("spans",), length=len(spans))
            event.spans = spans[:index]
            return
