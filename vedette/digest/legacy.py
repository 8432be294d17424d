"""Old spellings of events, brought to the modern one: keys, list forms, mechanisms.

Only payloads that do not decode as they are come here. Everything works on the decoded JSON, in place.

Source: the ingest specification, 7.1 and 7.6.
"""

from typing import Any

import msgspec

from vedette.digest.notes import Notes

_KEYS = {
    "sentry.interfaces.Message": "logentry",
    "sentry.interfaces.Exception": "exception",
    "sentry.interfaces.Stacktrace": "stacktrace",
    "sentry.interfaces.User": "user",
    "sentry.interfaces.Http": "request",
    "sentry.interfaces.Contexts": "contexts",
    "sentry.interfaces.Breadcrumbs": "breadcrumbs",
    "sentry.interfaces.Template": "template",
    "sentry.interfaces.Threads": "threads",
    "sentry.interfaces.AppleCrashReport": "applecrashreport",
    "sentry.interfaces.DebugMeta": "debug_meta",
    "sentry.interfaces.Csp": "csp",
}
_MECHANISM_META = {"posix_signal": "signal", "mach_exception": "mach_exception", "ns_error": "ns_error"}


def modernise(event: dict[str, Any], notes: Notes) -> None:
    """Rename legacy members of `event` and bring lists of values into their object form."""
    for old, new in _KEYS.items():
        if old in event:
            value = event.pop(old)
            if event.get(new) is None:
                event[new] = value
    for name in ("exception", "threads", "breadcrumbs"):
        if name in event:
            event[name] = _as_values(event[name])
    for position, exception in enumerate(_values(event, "exception")):
        if isinstance(exception, dict):
            _exception(exception, ("exception", "values", str(position)), notes)
    if isinstance(event.get("logentry"), str):
        event["logentry"] = {"formatted": event["logentry"]}


def _as_values(section: Any) -> Any:
    """{"values": [...]} from a list, one object, or the form itself; null entries are dropped."""
    if isinstance(section, dict) and "values" in section:
        values = section["values"]
        if values is None:
            return None
        section = values if isinstance(values, list) else [values]
    elif isinstance(section, dict):
        section = [section] if section else []
    if isinstance(section, list):
        return {"values": [value for value in section if value is not None]}
    return section


def _values(event: dict[str, Any], name: str) -> list[Any]:
    section = event.get(name)
    return section["values"] if isinstance(section, dict) else []


def _exception(exception: dict[str, Any], path: tuple[str, ...], notes: Notes) -> None:
    value = exception.get("value")
    if value is not None and not isinstance(value, str):
        exception["value"] = msgspec.json.encode(value).decode()
    mechanism = exception.get("mechanism")
    if isinstance(mechanism, str):
        exception["mechanism"] = {"type": mechanism}
    elif isinstance(mechanism, dict) and not isinstance(mechanism.get("type"), str):
        if mechanism.get("type") is not None:
            notes.error("invalid_data", (*path, "mechanism", "type"), reason="expected a string")
        exception["mechanism"] = _legacy_mechanism(mechanism) if mechanism else None


def _legacy_mechanism(mechanism: dict[str, Any]) -> dict[str, Any]:
    """A mechanism without a type: its members are data, except those that have a place of their own."""
    data: dict[str, Any] = {}
    meta: dict[str, Any] = {}
    for key, value in mechanism.items():
        if key in _MECHANISM_META:
            meta[_MECHANISM_META[key]] = _renamed(value)
        elif key != "type":
            data[key] = value
    modern: dict[str, Any] = {"type": "generic"}
    if data:
        modern["data"] = data
    if meta:
        modern["meta"] = meta
    return modern


def _renamed(part: Any) -> Any:
    """`signal` and `exception_name` are the old words for the number and the name."""
    if not isinstance(part, dict):
        return part
    words = {"signal": "number", "exception_name": "name"}
    return {words.get(key, key): value for key, value in part.items()}
