"""Which parts of an event are looked at, and which are left alone.

Source: the ingest specification, 10.2 and 10.5.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw

from vedette.scrub import rules
from vedette.scrub.scrubber import Path, Remark, Scrubber, Sweep
from vedette.wire.event import NOTHING, Breadcrumb, Event, ExceptionValue, LogEntry, Mechanism, Stacktrace

KNOWN_CONTEXTS: dict[str, frozenset[str]] = {
    kind: frozenset(["type", *members.split()])
    for kind, members in {
        "device": "name family model model_id arch battery_level battery_status orientation manufacturer brand "
        "screen_resolution screen_height_pixels screen_width_pixels screen_density screen_dpi online charging "
        "low_memory simulator memory_size free_memory usable_memory storage_size free_storage external_storage_size "
        "external_free_storage boot_time timezone locale processor_count cpu_description processor_frequency "
        "device_type battery_temperature device_unique_identifier supports_vibration class id",
        "os": "name version build kernel_version rooted raw_description distribution_name distribution_version "
        "distribution_pretty_name os theme",
        "runtime": "name version build raw_description runtime",
        "browser": "name version browser raw_description",
        "app": "app_identifier app_name app_version app_build build_type app_start_time app_memory free_memory "
        "device_app_hash start_type in_foreground view_names permissions",
        "gpu": "name version id vendor_id vendor_name memory_size api_type multi_threaded_rendering npot_support "
        "max_texture_size graphics_shader_level supports_draw_call_instancing supports_ray_tracing "
        "supports_compute_shaders supports_geometry_shaders",
        "trace": "trace_id span_id parent_span_id op status description origin sampled client_sample_rate "
        "exclusive_time links",
        "culture": "calendar display_name locale is_24_hour_format timezone",
        "cloud_resource": "cloud.account.id cloud.provider cloud.platform cloud.region cloud.availability_zone "
        "host.id host.type",
        "monitor": "id slug config",
        "replay": "replay_id error_sample_rate session_sample_rate",
        "profile": "profile_id profiler_id",
        "feedback": "contact_email name source associated_event_id replay_id",
        "response": "status_code body_size inferred_content_type",
    }.items()
}
"""Members of known contexts that the rules leave alone."""

_encode = msgspec.json.encode
_UNTOUCHED_HEADERS = frozenset({"user-agent"})
_FORGOTTEN = "@ip:remove"


def scrub_event(event: Event, free: bytes, scrubber: Scrubber) -> list[Remark]:
    """Take the secrets out of `event` in place; what was replaced, in the order of the sections.

    `free` is the JSON text of the event's free-form members, one after another: what is nowhere in it, nor in the
    members that are decoded or plain text, is not searched for in each of them.
    """
    if scrubber.idle:
        return []
    sweep = Sweep(scrubber, scrubber.suspect(_searched_text(event, free)))
    if scrubber.addresses:
        _forget_addresses(event, sweep.remarks)
    if event.request is not None:
        _request(event.request, sweep)
    if event.contexts and "response" in event.contexts:
        _response(event.contexts, sweep)
    if sweep.suspicion:
        _sections(event, sweep)
    if event.logentry is not None:
        _message(event.logentry, sweep)
    return sweep.remarks


def scrub_json(text: bytes, scrubber: Scrubber) -> bytes:
    """JSON text without secrets; the same bytes if there are none. Raises what decoding raises."""
    sweep = Sweep(scrubber, scrubber.suspect(text))
    if not sweep.suspicion:
        return text
    clean = sweep.value(msgspec.json.decode(text), ())
    return _encode(clean) if sweep.remarks else text


def _searched_text(event: Event, free: bytes) -> bytes:
    """All text that the rules may concern. Of `extra` and `contexts` the keys: `free` has the values only."""
    messages: list[str | None] = []
    if event.breadcrumbs is not None:
        messages = [crumb.message for crumb in event.breadcrumbs.values if crumb.message]
    if event.exception is not None:
        messages += [one.mechanism.description for one in event.exception.values if one.mechanism is not None]
    rest = (list(event.extra or ()), list(event.contexts or ()), event.request, event.user, messages)
    params = bytes(event.logentry.params) if event.logentry is not None else b""
    return b"\n".join((free, params, _encode(rest)))


def _message(entry: LogEntry, sweep: Sweep) -> None:
    if sweep.suspicion and entry.params is not NOTHING:
        entry.params = sweep.raw(entry.params, ("logentry", "params"))
    gentle = sweep.scrubber.gentle
    if entry.formatted:
        entry.formatted = sweep.parts(entry.formatted, ("logentry", "formatted"), gentle)
    if entry.message:
        entry.message = sweep.parts(entry.message, ("logentry", "message"), gentle)


def _sections(event: Event, sweep: Sweep) -> None:
    if isinstance(event.user, dict):
        event.user = sweep.member("user", event.user, ("user",))
    if event.extra:
        _free(event.extra, sweep, ("extra",))
    if event.contexts:
        _contexts(event.contexts, sweep)
    if event.breadcrumbs is not None:
        for index, crumb in enumerate(event.breadcrumbs.values):
            _breadcrumb(crumb, sweep, ("breadcrumbs", "values", str(index)))
    if event.exception is not None:
        for index, exception in enumerate(event.exception.values):
            _exception(exception, sweep, ("exception", "values", str(index)))
    for path, stacktrace in _other_stacktraces(event):
        _stacktrace(stacktrace, sweep, path)
    for index, span in enumerate(event.spans or ()):
        span.data = sweep.raw(span.data, ("spans", str(index), "data"))


def _other_stacktraces(event: Event) -> Iterator[tuple[Path, Stacktrace]]:
    if event.stacktrace is not None:
        yield ("stacktrace",), event.stacktrace
    if event.threads is None:
        return
    for index, thread in enumerate(event.threads.values):
        path = ("threads", "values", str(index))
        if thread.stacktrace is not None:
            yield (*path, "stacktrace"), thread.stacktrace
        if thread.raw_stacktrace is not None:
            yield (*path, "raw_stacktrace"), thread.raw_stacktrace


def _exception(exception: ExceptionValue, sweep: Sweep, path: Path) -> None:
    if exception.mechanism is not None:
        _mechanism(exception.mechanism, sweep, (*path, "mechanism"))
    if exception.stacktrace is not None:
        _stacktrace(exception.stacktrace, sweep, (*path, "stacktrace"))
    if exception.raw_stacktrace is not None:
        _stacktrace(exception.raw_stacktrace, sweep, (*path, "raw_stacktrace"))


def _mechanism(mechanism: Mechanism, sweep: Sweep, path: Path) -> None:
    if mechanism.description:
        mechanism.description = sweep.text(mechanism.description, (*path, "description"))
    if mechanism.data is not NOTHING:
        mechanism.data = sweep.raw(mechanism.data, (*path, "data"))


def _stacktrace(stacktrace: Stacktrace, sweep: Sweep, path: Path) -> None:
    suspicious = sweep.suspicion.of
    for index, frame in enumerate(stacktrace.frames or ()):
        if frame.vars is not NOTHING and suspicious(bytes(frame.vars)):
            frame.vars = sweep.raw(frame.vars, (*path, "frames", str(index), "vars"))


def _breadcrumb(crumb: Breadcrumb, sweep: Sweep, path: Path) -> None:
    if crumb.message:
        crumb.message = sweep.text(crumb.message, (*path, "message"))
    if crumb.data is not NOTHING:
        crumb.data = sweep.raw(crumb.data, (*path, "data"))


def _free(members: dict[str, Raw], sweep: Sweep, path: Path) -> None:
    for key, raw in members.items():
        if sweep.scrubber.hides_key(key):
            value = sweep.hidden(msgspec.json.decode(raw), (*path, key))
            members[key] = Raw(_encode(value))
        elif not sweep.scrubber.is_safe(key):
            members[key] = sweep.raw(raw, (*path, key))


def _contexts(contexts: dict[str, Raw], sweep: Sweep) -> None:
    for key, raw in contexts.items():
        text = bytes(raw)
        path = ("contexts", key)
        if key not in KNOWN_CONTEXTS and sweep.scrubber.hides_key(key):
            contexts[key] = Raw(_encode(sweep.hidden(msgspec.json.decode(text), path)))
        elif sweep.suspicion.of(text) and not sweep.scrubber.is_safe(key):
            value, before = msgspec.json.decode(text), len(sweep.remarks)
            if isinstance(value, dict):
                value = _context(key, value, sweep, path)
            if len(sweep.remarks) > before:
                contexts[key] = Raw(_encode(value))


def _context(key: str, context: dict[str, Any], sweep: Sweep, path: Path) -> dict[str, Any]:
    kind = context.get("type", key)
    known = KNOWN_CONTEXTS.get(kind if isinstance(kind, str) else key, frozenset())
    for name, member in context.items():
        if name not in known:
            context[name] = sweep.member(name, member, (*path, name))
        elif isinstance(member, (dict, list)):
            context[name] = sweep.value(member, (*path, name))
    return context


def _response(contexts: dict[str, Raw], sweep: Sweep) -> None:
    """The cookies of a response, an object or pairs."""
    context = msgspec.json.decode(contexts["response"])
    cookies = context.get("cookies") if isinstance(context, dict) else None
    path, before = ("contexts", "response", "cookies"), len(sweep.remarks)
    if isinstance(cookies, list):
        sweep.cookies(cookies, path)
    elif isinstance(cookies, dict):
        for name, value in cookies.items():
            cookies[name] = sweep.cookie(name, value, (*path, name))
    if len(sweep.remarks) > before:
        contexts["response"] = Raw(_encode(context))


def _request(request: dict[str, Any], sweep: Sweep) -> None:
    """`request` is normalised: headers, cookies and query are lists of pairs."""
    path = ("request",)
    cookies = request.get("cookies")
    if isinstance(cookies, list):
        sweep.cookies(cookies, (*path, "cookies"))
    for index, pair in enumerate(request.get("headers") or ()):
        if pair[0] == "Set-Cookie":
            pair[1] = sweep.cookie(pair[1].partition("=")[0].strip(), pair[1], (*path, "headers", str(index), "1"))
    if not sweep.suspicion:
        return
    for name, member in request.items():
        if not member or name in ("method", "cookies", "inferred_content_type"):
            continue
        where = (*path, name)
        if name == "url" and isinstance(member, str):
            request[name] = sweep.parts(member, where, rules.URL_ONLY) if sweep.scrubber.defaults else member
        elif name == "headers" and isinstance(member, list):
            sweep.pairs(member, where, _UNTOUCHED_HEADERS)
        elif name == "query_string" and isinstance(member, list):
            sweep.pairs(member, where)
        else:
            request[name] = sweep.member(name, member, where)


def _forget_addresses(event: Event, remarks: list[Remark]) -> None:
    if isinstance(event.user, dict) and event.user.pop("ip_address", None):
        remarks.append(Remark(("user", "ip_address"), _FORGOTTEN, "x"))
    env = event.request.get("env") if isinstance(event.request, dict) else None
    if isinstance(env, dict) and env.pop("REMOTE_ADDR", None):
        remarks.append(Remark(("request", "env", "REMOTE_ADDR"), _FORGOTTEN, "x"))
    if event.sdk is not None and event.sdk.client_ip:
        event.sdk.client_ip = None
        remarks.append(Remark(("sdk", "client_ip"), _FORGOTTEN, "x"))
