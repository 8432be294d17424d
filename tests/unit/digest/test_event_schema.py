"""The event schema and its limits, row by row: what is sent, what is stored, and what is reported.

A row of the ingest specification's tables (7.1 and 7.4 to 7.8) is a name here; `…` in a name says which of its rules.
"""

from typing import Any

import pytest

from tests.unit.digest.making import CONFIG, EVENT_ID, NOW, Json, an_event, errors_of, stored
from vedette.digest.normalise.contexts import _remembered
from vedette.digest.values import ProjectConfig

GONE = object()
LONG = "x" * 9000


def at(kept: Any, path: str) -> Any:
    """The value at a dotted path of what is stored; `GONE` if there is none."""
    for step in path.split("."):
        if isinstance(kept, list) and step.isdigit() and int(step) < len(kept):
            kept = kept[int(step)]
        elif isinstance(kept, dict) and step in kept:
            kept = kept[step]
        else:
            return GONE
    return kept


def cut(length: int, letter: str = "x") -> str:
    return letter * (length - 3) + "..."


def row(name: str, payload: Json, expected: Json, *errors: tuple[str, str]) -> Any:
    return pytest.param(payload, expected, list(errors), id=name)


def exception(**members: Any) -> Json:
    return {"exception": {"values": [{"type": "E", **members}]}}


def frames(*given: Any) -> Json:
    return {"stacktrace": {"frames": list(given)}}


FIELDS = [
    row("event_id", {"event_id": EVENT_ID.upper()}, {"event_id": EVENT_ID}),
    row("event_id…nonsense", {"event_id": "nonsense"}, {"event_id": EVENT_ID}, ("invalid_data", "event_id")),
    row("type", {"type": "error", "message": "x"}, {"type": "default"}),
    row("timestamp", {}, {"timestamp": NOW}),
    row("start_timestamp", {"start_timestamp": NOW - 1}, {"start_timestamp": NOW - 1}),
    row("received", {"received": 17}, {"received": NOW}),
    row("platform", {"platform": "cocoa"}, {"platform": "cocoa"}),
    row("platform…unknown", {"platform": "dart"}, {"platform": "other"}),
    row("level", {"level": "critical"}, {"level": "fatal"}),
    row("level…unknown", {"level": "warn"}, {"level": "error"}, ("invalid_data", "level")),
    *(row(f"level…{number}", {"level": number}, {"level": word}) for number, word in zip(
        (10, 20, 30, 40, 50), ("debug", "info", "warning", "error", "fatal"), strict=True)),
    row("logger", {"logger": "x" * 65}, {"logger": cut(64)}),
    row("logger…lines", {"logger": "a\rb"}, {"logger": ""}, ("invalid_data", "logger")),
    row("transaction", {"transaction": f" {LONG} "}, {"transaction": cut(200)}),
    row("culprit", {"culprit": LONG}, {"culprit": cut(200)}),
    row("server_name", {"server_name": LONG}, {"server_name": GONE, "tags": [["server_name", cut(200)]]}),
    row("site", {"site": "eu", "tags": {"site": "us"}}, {"site": GONE, "tags": [["site", "eu"]]}),
    row("release", {"release": " a@1 "}, {"release": "a@1"}),
    row("release…number", {"release": 17}, {"release": "17"}),
    row("release…long", {"release": "x" * 251}, {"release": GONE}, ("invalid_data", "release")),
    row("dist", {"dist": " 4_2.a-b "}, {"dist": "4_2.a-b"}),
    row("dist…long", {"dist": "x" * 65}, {"dist": GONE}, ("value_too_long", "dist")),
    row("dist…number", {"dist": 42}, {"dist": GONE}, ("invalid_data", "dist")),
    row("environment", {"environment": " live "}, {"environment": "live"}),
    row("message", {"message": "m", "logentry": {"formatted": "l"}}, {"message": GONE, "logentry.formatted": "l"}),
    row("logentry", {"logentry": {"message": LONG, "formatted": LONG + "y"}}, {
        "logentry.message": cut(8192), "logentry.formatted": cut(8192)}),
    row("logentry…allowance", {"logentry": "x" * 8392}, {"logentry.formatted": "x" * 8392}),
    row("logentry…params", {"logentry": {"message": "m %s", "params": [[[[[["deep"]]]]]]}}, {
        "logentry.params": [[[[['["deep"]']]]]]}),
    row("exception…list", {"exception": [{"type": "E"}, None]}, {"exception.values": [{"type": "E"}]}),
    row("exception…object", {"exception": {"type": "E"}}, {"exception.values": [{"type": "E"}]}),
    row("stacktrace", frames({"function": "f"}) | {}, {"stacktrace.frames.0.function": "f"}),
    row("threads", {"threads": [{"id": 7, "name": LONG, "crashed": True, "state": "run", "held_locks": {"a": {}}}]}, {
        "threads.values.0.id": 7, "threads.values.0.name": cut(1024), "threads.values.0.held_locks": {"a": {}}}),
    row("threads…flags and stacks", {"threads": {"values": [{"id": "main", "current": True, "main": True,
        "stacktrace": {"frames": [{"function": "g"}]}, "raw_stacktrace": {"frames": [{"function": "f"}]}}]}}, {
        "threads.values.0.id": "main", "threads.values.0.current": True, "threads.values.0.main": True,
        "threads.values.0.stacktrace.frames.0.function": "g",
        "threads.values.0.raw_stacktrace.frames.0.function": "f"}),
    row("template", {"template": {"filename": LONG, "abs_path": LONG, "lineno": 3, "context_line": "x"}}, {
        "template.filename": cut(128), "template.abs_path": cut(256), "template.lineno": 3}),
    row("breadcrumbs", {"breadcrumbs": [{"category": LONG, "type": LONG, "message": LONG}]}, {
        "breadcrumbs.values.0.category": cut(128), "breadcrumbs.values.0.type": cut(128),
        "breadcrumbs.values.0.message": cut(8192), "breadcrumbs.values.0.level": "info"}),
    row("breadcrumbs…defaults", {"breadcrumbs": {"values": [{}]}}, {
        "breadcrumbs.values": [{"type": "default", "level": "info"}]}),
    row("breadcrumbs…no object", {"breadcrumbs": [7, {"message": "a"}]}, {"breadcrumbs.values.0.message": "a"},
        ("invalid_data", "breadcrumbs.values.0")),
    row("breadcrumbs…plenty", {"breadcrumbs": [{"message": "a"}] * 500}, {"breadcrumbs.values.499.message": "a"}),
    row("breadcrumbs…ty", {"breadcrumbs": {"values": [{"ty": "http"}]}}, {"breadcrumbs.values.0.type": "http"}),
    row("breadcrumbs…event_id", {"breadcrumbs": [{"event_id": EVENT_ID}]}, {
        "breadcrumbs.values.0.event_id": EVENT_ID}),
    row("user…no object", {"user": "bob"}, {"user": GONE}, ("invalid_data", "user")),
    row("request…no object", {"request": 7}, {"request": GONE}, ("invalid_data", "request")),
    row("contexts…no object", {"contexts": {"os": "Linux"}}, {"contexts.os": GONE}, ("invalid_data", "contexts.os")),
    row("extra", {"extra": {"a": "y" * 20_000}}, {"extra.a": "y" * 16_379 + "..."}),
    row("extra…total", {"extra": {f"k{n:02}": "y" * 16_000 for n in range(20)}}, {"extra.k19": GONE}),
    row("modules", {"modules": {"a": "1", "b": None}}, {"modules": {"a": "1"}}),
    row("modules…8 KiB", {"modules": {f"m{number:04}": "1.0.0" for number in range(2000)}}, {
        "modules.m0400": "1.0.0", "modules.m0700": GONE, "_meta.modules..len": 2000}),
    row("fingerprint", {"fingerprint": ["a", True, 1.5, None]}, {"fingerprint": ["a", "True", "1"]}),
    row("fingerprint…object", {"fingerprint": [{}, "a"]}, {"fingerprint": ["a"]}, ("invalid_data", "fingerprint.0")),
    row("fingerprint…text", {"fingerprint": "a"}, {"fingerprint": GONE}, ("invalid_data", "fingerprint")),
    row("fingerprint…empty", {"fingerprint": []}, {"fingerprint": GONE}),
    row("checksum", {"checksum": LONG}, {"checksum": cut(128)}),
    row("sdk", {"sdk": {"name": LONG, "version": LONG, "integrations": ["a"], "packages": [{"name": "b"}]}}, {
        "sdk.name": cut(256), "sdk.version": cut(256), "sdk.integrations": ["a"]}),
    row("sdk.settings.infer_ip", {"sdk": {"name": "a", "settings": {"infer_ip": "never"}}}, {
        "sdk.settings": {"infer_ip": "never"}}),
    row("debug_meta", {"debug_meta": {"images": [{"type": "elf", "debug_id": "?"}, {"type": "tape"}, 7]}}, {
        "debug_meta.images": [{"type": "elf", "debug_id": "?"}, None, None]},
        ("invalid_data", "debug_meta.images.1.type"), ("invalid_data", "debug_meta.images.2")),
    row("spans and measurements", {"measurements": {"lcp": {"value": 1}}}, {"measurements": GONE}),
    row("breakdowns", {"breakdowns": {"span_ops": {"ops.db": {"value": 1}}}}, {"breakdowns": GONE}),
    row("transaction_info", {"transaction_info": {"source": "route"}}, {"transaction_info": {"source": "route"}}),
    row("csp…not csp", {"hpkp": {"a": 1}, "nel": {"a": 1}}, {"hpkp": GONE, "nel": GONE}),
    row("expectct", {"expectct": {"hostname": "a"}}, {"expectct": GONE, "type": "default"}),
    row("expectstaple", {"expectstaple": {"hostname": "a"}}, {"expectstaple": GONE, "type": "default"}),
    *(row(f"type…{name}", {"type": name, "message": "x"}, {"type": "default"})
      for name in ("hpkp", "generic", "nel", "expectct", "expectstaple", "csp")),
    row("errors", {"errors": [{"type": "client"}], "level": 7}, {"errors.0": {"type": "client"}},
        ("invalid_data", "level")),
    row("server-owned", {"project": 9, "key_id": "9", "version": "5", "_metrics": {}, "grouping_config": {}}, {
        "project": 7, "key_id": 5, "version": "7", "_metrics": GONE, "grouping_config": GONE, "_meta": GONE}),
    row("unknown", {"applause": 1}, {"applause": GONE}, ("invalid_attribute", "applause")),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "expected", "errors"), FIELDS)
def test_a_field_of_an_event(payload: Json, expected: Json, errors: list[tuple[str, str]]) -> None:
    kept = stored(payload)

    assert {path: at(kept, path) for path in expected} == expected
    assert [error for error in kept.get("errors", ()) if "name" not in error] == payload.get("errors", [])
    assert [(one["type"], one["name"]) for one in kept.get("errors", ()) if "name" in one] == errors


@pytest.mark.parametrize(
    ("old", "new", "value", "path", "kept"),
    [
        ("sentry.interfaces.Message", "logentry", {"message": "a"}, "logentry.formatted", "a"),
        ("sentry.interfaces.Exception", "exception", [{"type": "E"}], "exception.values.0.type", "E"),
        (
            "sentry.interfaces.Stacktrace",
            "stacktrace",
            {"frames": [{"module": "m"}]},
            "stacktrace.frames.0.module",
            "m",
        ),
        ("sentry.interfaces.User", "user", {"id": "1"}, "user.id", "1"),
        ("sentry.interfaces.Http", "request", {"url": "https://a/"}, "request.url", "https://a/"),
        ("sentry.interfaces.Contexts", "contexts", {"a": {"b": 1}}, "contexts.a.b", 1),
        ("sentry.interfaces.Breadcrumbs", "breadcrumbs", [{"message": "a"}], "breadcrumbs.values.0.message", "a"),
        ("sentry.interfaces.Template", "template", {"filename": "a"}, "template.filename", "a"),
        ("sentry.interfaces.Threads", "threads", [{"id": 1}], "threads.values.0.id", 1),
        ("sentry.interfaces.AppleCrashReport", "applecrashreport", {"a": {"b": 1}}, "applecrashreport.a.b", 1),
        ("sentry.interfaces.DebugMeta", "debug_meta", {"images": [{"type": "pe"}]}, "debug_meta.images.0.type", "pe"),
        ("sentry.interfaces.Csp", "csp", {"effective_directive": "img-src"}, "csp.effective_directive", "img-src"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("sentry.") else "",
)
def test_a_legacy_key(old: str, new: str, value: Any, path: str, kept: Any) -> None:
    assert at(stored({old: value}), path) == kept
    assert at(stored({old: value, new: value}), path) == kept
    assert errors_of(stored({old: value})) == []


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        pytest.param("0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcdef", id="hex digits"),
        pytest.param("01234567-89AB-cdef-0123-456789abcdef", "0123456789abcdef0123456789abcdef", id="hyphens"),
        pytest.param("{01234567-89ab-cdef-0123-456789abcdef}", "0123456789abcdef0123456789abcdef", id="braces"),
        pytest.param("0" * 32, "0" * 32, id="nil"),
        pytest.param("0123", None, id="short"),
        pytest.param("g" * 32, None, id="no hex"),
        pytest.param(17, None, id="number"),
    ],
)
def test_an_event_id(given: object, accepted: str | None) -> None:
    event = an_event({"event_id": given}, header={})

    assert (event.event_id == accepted) is (accepted is not None)
    assert len(event.event_id) == 32
    assert errors_of(stored({"event_id": given}, header={})) == ([] if accepted else [("invalid_data", "event_id")])


TAGS = [
    row("map sorted", {"tags": {"b": "2", "a": "1"}}, {"tags": [["a", "1"], ["b", "2"]]}),
    row("list kept", {"tags": [["b", "2"], ["a", "1"]]}, {"tags": [["b", "2"], ["a", "1"]]}),
    row("no pair", {"tags": [["a", "1"], ["b"], "c", {"key": "d"}]}, {"tags": [["a", "1"]]},
        ("invalid_data", "tags.1"), ("invalid_data", "tags.2"), ("invalid_data", "tags.3")),
    row("key with spaces", {"tags": {"a b": "1"}}, {"tags": [["a-b", "1"]]}),
    row("key…characters", {"tags": {"a=b": "1"}}, {"tags": [[None, "1"]]}, ("invalid_data", "tags.0.0")),
    row("key…empty", {"tags": {"": "1"}}, {"tags": [[None, "1"]]}, ("invalid_data", "tags.0.0")),
    row("key…long", {"tags": {"x" * 201: "1"}}, {"tags": [[cut(200), "1"]]}),
    row("value stripped", {"tags": {"a": " x "}}, {"tags": [["a", "x"]]}),
    row("value…long", {"tags": {"a": "x" * 201}}, {"tags": [["a", cut(200)]]}),
    row("value…lines", {"tags": {"a": "x\ny"}}, {"tags": [["a", None]]}, ("invalid_data", "tags.0.1")),
    row("value…number", {"tags": {"a": 7, "b": 1.5}}, {"tags": [["a", "7"], ["b", "1"]]}),
    row("value…boolean", {"tags": {"a": True, "b": False}}, {"tags": [["a", "True"], ["b", "False"]]}),
    row("value…null", {"tags": {"a": None}}, {"tags": [["a", None]]}, ("invalid_data", "tags.0.1")),
    row("value…empty", {"tags": {"a": ""}}, {"tags": [["a", None]]}, ("invalid_data", "tags.0.1")),
    row("value…list", {"tags": {"a": [1]}}, {"tags": [["a", None]]}, ("invalid_data", "tags.0.1")),
    row("duplicates", {"tags": [["a", "1"], ["a", "2"]]}, {"tags": [["a", "1"]]}),
    row("environment", {"tags": {"environment": "qa"}}, {"environment": "qa", "tags": GONE}),
    row("environment…set", {"environment": "live", "tags": {"environment": "qa"}}, {"environment": "live",
        "tags": GONE}),
    row("taken keys", {"tags": dict.fromkeys(["release", "dist", "user", "filename", "function"], "x")}, {
        "tags": GONE, "release": GONE}),
    row("server_name beats its tag", {"tags": [["server_name", "old"], ["a", "1"]], "server_name": "new"}, {
        "tags": [["a", "1"], ["server_name", "new"]]}),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "expected", "errors"), TAGS)
def test_a_tag(payload: Json, expected: Json, errors: list[tuple[str, str]]) -> None:
    kept = stored(payload)

    assert {path: at(kept, path) for path in expected} == expected
    assert errors_of(kept) == errors


USERS = [
    row("id…number", {"user": {"id": 7}}, {"user.id": "7"}),
    row("id…long", {"user": {"id": LONG}}, {"user.id": cut(128)}),
    row("id…object", {"user": {"id": {}}}, {"user": GONE}, ("invalid_data", "user.id")),
    row("email", {"user": {"email": "no address " + LONG}}, {"user.email": ("no address " + LONG)[:72] + "..."}),
    row("username", {"user": {"username": LONG}}, {"user.username": cut(128)}),
    row("name", {"user": {"name": LONG}}, {"user.name": cut(128)}),
    row("ip_address…v4", {"user": {"ip_address": "203.0.113.7"}}, {"user.ip_address": "203.0.113.7"}),
    row("ip_address…v6", {"user": {"ip_address": "2001:db8::7"}}, {"user.ip_address": "2001:db8::7"}),
    row("ip_address…nonsense", {"user": {"ip_address": "x"}}, {"user": GONE}, ("invalid_data", "user.ip_address")),
    row("geo", {"user": {"geo": {"city": "Wien", "country_code": "AT", "moon": 1}}}, {
        "user.geo": {"city": "Wien", "country_code": "AT"}}),
    row("geo…legacy", {"user": {"geo.city": "Wien"}}, {"user.geo.city": "Wien"}),
    row("segment", {"user": {"segment": "gold"}}, {"user.segment": "gold"}),
    row("data", {"user": {"data": {"a": 1}}}, {"user.data": {"a": 1}}),
    row("unknown keys", {"user": {"plan": "gold"}}, {"user.data": {"plan": "gold"}}),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "expected", "errors"), USERS)
def test_a_member_of_a_user(payload: Json, expected: Json, errors: list[tuple[str, str]]) -> None:
    kept = stored(payload)

    assert {path: at(kept, path) for path in expected} == expected
    assert errors_of(kept) == errors


def test_people_are_told_apart_by_what_is_cut_off_later() -> None:
    first, second = (an_event({"user": {"id": "x" * 150 + end}}) for end in "ab")

    assert first.user.id == second.user.id == cut(128)
    assert first.user.identity == "id:" + "x" * 150 + "a"
    assert first.user.identity != second.user.identity
    assert dict(first.tags)["user"] == first.user.identity


MECHANISM = "exception.values.0.mechanism"
FRAME = "stacktrace.frames.0"
STACKS = [
    row("type", exception(type=LONG), {"exception.values.0.type": cut(256)}),
    row("value", exception(value=LONG), {"exception.values.0.value": cut(8192)}),
    row("value…object", exception(value={"a": 1}), {"exception.values.0.value": '{"a":1}'}),
    row("module", exception(module=LONG), {"exception.values.0.module": cut(256)}),
    row("neither type nor value", {"exception": {"values": [{"module": "m"}]}}, {"exception": GONE},
        ("missing_attribute", "exception.values.0")),
    row("Word: rest", {"exception": {"values": [{"value": "Oops: no"}]}}, {
        "exception.values.0": {"type": "Oops", "value": "no"}}),
    row("two words: rest", {"exception": {"values": [{"value": "Oh no: no"}]}}, {
        "exception.values.0": {"value": "Oh no: no"}}),
    row("mechanism.type…empty", exception(mechanism={"type": ""}), {f"{MECHANISM}.type": "generic"},
        ("invalid_data", f"{MECHANISM}.type")),
    row("mechanism…texts", exception(mechanism={"type": LONG, "help_link": LONG, "source": LONG,
        "description": LONG}), {f"{MECHANISM}.type": cut(128), f"{MECHANISM}.help_link": cut(256),
        f"{MECHANISM}.source": cut(128), f"{MECHANISM}.description": cut(8192)}),
    row("mechanism…flags", exception(mechanism={"type": "t", "handled": False, "synthetic": True,
        "is_exception_group": True, "exception_id": 2, "parent_id": 1}), {MECHANISM: {"type": "t", "handled": False,
        "synthetic": True, "is_exception_group": True, "exception_id": 2, "parent_id": 1}}),
    row("mechanism.data", exception(mechanism={"type": "t", "data": {"a": [[[[[1]]]]]}}), {
        f"{MECHANISM}.data": {"a": [[[["[1]"]]]]}}),
    row("mechanism…legacy", exception(mechanism={"handled": False}), {
        MECHANISM: {"type": "generic", "data": {"handled": False}}}),
    row("mechanism…legacy keys", exception(mechanism={"posix_signal": {"signal": 11, "name": "SIGSEGV"},
        "relevant_address": "0x1", "mach_exception": {"exception": 1, "exception_name": "EXC_BAD_ACCESS"}}), {
        MECHANISM: {"type": "generic", "data": {"relevant_address": "0x1"}, "meta": {
            "signal": {"number": 11, "name": "SIGSEGV"},
            "mach_exception": {"exception": 1, "name": "EXC_BAD_ACCESS"}}}}),
    row("mechanism.meta.signal", exception(mechanism={"type": "s", "meta": {"signal": {"number": 7, "code": 2}}}) | {
        "contexts": {"os": {"name": "Linux"}}}, {f"{MECHANISM}.meta.signal": {"number": 7, "code": 2, "name": "SIGBUS",
        "code_name": "BUS_ADRERR"}}),
    row("mechanism.meta…by system", exception(mechanism={"type": "s", "meta": {"signal": {"number": 10}, "errno": {
        "number": 35}}}) | {"contexts": {"os": {"name": "iOS"}}}, {f"{MECHANISM}.meta.signal.name": "SIGBUS",
        f"{MECHANISM}.meta.errno.name": "EAGAIN"}),
    row("mechanism.meta…unknown system", exception(mechanism={"type": "s", "meta": {"signal": {"number": 10}, "errno": {
        "number": 2}}}), {f"{MECHANISM}.meta.signal": {"number": 10}, f"{MECHANISM}.meta.errno.name": "ENOENT"}),
    row("mechanism.meta…mach", exception(mechanism={"type": "s", "meta": {"mach_exception": {"exception": 6, "code": 1,
        "subcode": 8, "x": 1}, "ns_error": {"domain": "d", "code": 5}, "y": 1}}), {f"{MECHANISM}.meta": {
        "mach_exception": {"exception": 6, "code": 1, "subcode": 8, "name": "EXC_BREAKPOINT"},
        "ns_error": {"domain": "d", "code": 5}}}),
    row("frame.function", frames({"function": LONG, "raw_function": LONG, "symbol": LONG}), {
        f"{FRAME}.function": cut(512), f"{FRAME}.raw_function": cut(512), f"{FRAME}.symbol": cut(512)}),
    row("frame.function…?", frames({"function": "?", "module": "m"}), {f"{FRAME}.function": GONE}),
    row("frame…numbers", frames({"lineno": "12", "colno": -1}), {f"{FRAME}.lineno": GONE, f"{FRAME}.colno": GONE},
        ("invalid_data", f"{FRAME}.lineno"), ("invalid_data", f"{FRAME}.colno")),
    row("frame…null lines", frames({"pre_context": [None, "a"], "post_context": ["b"]}), {
        f"{FRAME}.pre_context": ["", "a"], f"{FRAME}.context_line": ""}),
    row("frame.vars", frames({"vars": {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}}), {
        f"{FRAME}.vars": {"a": {"b": {"c": {"d": {"e": '{"f":1}'}}}}}}),
    row("frame…addresses", frames({"instruction_addr": "0xAB", "image_addr": 16, "symbol_addr": "18"}), {
        f"{FRAME}.instruction_addr": "0xab", f"{FRAME}.image_addr": "0x10", f"{FRAME}.symbol_addr": "0x12"}),
    row("frame.filename…path", frames({"abs_path": "/a/b.py"}), {f"{FRAME}.filename": "/a/b.py"}),
    row("frame.filename…url", frames({"abs_path": "https://h/a.js?x"}), {f"{FRAME}.filename": "/a.js"}),
    row("frame.abs_path", frames({"filename": "b.py"}), {f"{FRAME}.abs_path": "b.py"}),
    row("frame…null", frames(None, {"function": "f"}), {"stacktrace.frames.1.function": "f"}),
    row("registers", {"stacktrace": {"frames": [{}], "registers": {"rip": 255, "rsp": "0xFF"}}}, {
        "stacktrace.registers": {"rip": "0xff", "rsp": "0xff"}}),
    row("lone stack trace", exception() | frames({"function": "f"}), {"stacktrace": GONE,
        "exception.values.0.stacktrace.frames.0.function": "f"}),
    row("raw_stacktrace", exception(raw_stacktrace={"frames": [{"function": "f", "colno": -1}] * 251}), {
        "exception.values.0.raw_stacktrace.frames.249": {"function": "f", "in_app": False},
        "exception.values.0.raw_stacktrace.frames.250": GONE},
        *(("invalid_data", f"exception.values.0.raw_stacktrace.frames.{number}.colno") for number in range(100))),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "expected", "errors"), STACKS)
def test_a_rule_of_exceptions_and_stack_traces(payload: Json, expected: Json, errors: list[tuple[str, str]]) -> None:
    kept = stored(payload)

    assert {path: at(kept, path) for path in expected} == expected
    assert errors_of(kept) == errors


REQUESTS = [
    row("url", {"request": {"url": "https://h/" + LONG}}, {"request.url": ("https://h/" + LONG)[:253] + "..."}),
    row("url…ellipsis", {"request": {"url": "https://h/a…"}}, {"request.url": "https://h/a..."}),
    row("url…query", {"request": {"url": "https://h/?a=1"}}, {"request.url": "https://h/",
        "request.query_string": [["a", "1"]]}),
    row("url…query set", {"request": {"url": "https://h/?a=1", "query_string": "b=2"}}, {
        "request.query_string": [["b", "2"]]}),
    row("url…fragment", {"request": {"url": "https://h/#top"}}, {"request.fragment": "top"}),
    row("url…user info", {"request": {"url": "https://bob@h/"}}, {"request.url": "https://bob@h/"}),
    row("method", {"request": {"method": "x-get_it"}}, {"request.method": "X-GET_IT"}),
    row("method…nonsense", {"request": {"method": "G"}}, {"request": GONE}, ("invalid_data", "request.method")),
    row("data", {"request": {"data": {"a": "x" * 9000}}}, {"request.data.a": "x" * 8180 + "..."}),
    row("data…depth", {"request": {"data": [[[[[[[[1]]]]]]]]}}, {"request.data": [[[[[[["[1]"]]]]]]]}),
    row("data…ragged depth", {"request": {"data": [1, [1, [1, [1, [1, [1, [1, [1, [1]]]]]]]]]}}, {
        "request.data": [1, [1, [1, [1, [1, [1, [1, "[1,[1]]"]]]]]]]}),
    row("data…JSON", {"request": {"data": '{"a":1}', "headers": {"content-type": "text/plain"}}}, {
        "request.data": {"a": 1}, "request.inferred_content_type": "application/json"}),
    row("data…form", {"request": {"data": "a=1&b=x+y"}}, {"request.data": {"a": "1", "b": "x y"},
        "request.inferred_content_type": "application/x-www-form-urlencoded"}),
    row("data…text", {"request": {"data": "plain"}}, {"request.data": "plain", "request.inferred_content_type": GONE}),
    row("query_string…?", {"request": {"query_string": "?a=%20b&c"}}, {"request.query_string": [["a", " b"],
        ["c", ""]]}),
    row("query_string…object", {"request": {"query_string": {"a": "1"}}}, {"request.query_string": [["a", "1"]]}),
    row("query_string…pairs", {"request": {"query_string": [["a", "1"], ["a", "2"]]}}, {
        "request.query_string": [["a", "1"], ["a", "2"]]}),
    row("fragment", {"request": {"fragment": LONG}}, {"request.fragment": cut(1024)}),
    row("query_string…1 KiB", {"request": {"query_string": [["a", LONG], ["b", "1"]]}}, {
        "request.query_string": [["a", cut(1012)]]}),
    row("query_string…depth", {"request": {"query_string": {"a": {"b": {"c": {"d": 1}}}}}}, {
        "request.query_string": [["a", {"b": '{"c":{"d":1}}'}]]}),
    row("cookies…2 KiB", {"request": {"cookies": [["a", LONG], ["b", "1"]]}}, {"request.cookies": [["a", cut(2036)]]}),
    row("headers…8 KiB", {"request": {"headers": [["A", LONG], ["B", "1"]]}}, {"request.headers": [["A", cut(8180)]]}),
    row("env…8 KiB", {"request": {"env": {"A": LONG, "B": "1"}}}, {"request.env": {"A": cut(8183)}}),
    row("cookies…text", {"request": {"cookies": "a=1; b=%20"}}, {"request.cookies": [["a", "1"], ["b", " "]]}),
    row("cookies…header", {"request": {"headers": {"cookie": "a=1"}}}, {"request.cookies": [["a", "1"]],
        "request.headers": GONE}),
    row("cookies…header, but set", {"request": {"headers": {"cookie": "a=1"}, "cookies": {"b": "2"}}}, {
        "request.cookies": [["b", "2"]], "request.headers": GONE}),
    row("headers", {"request": {"headers": {"x-b": ["1", "2"], "accept": "*/*"}}}, {
        "request.headers": [["Accept", "*/*"], ["X-B", "1,2"]]}),
    row("env", {"request": {"env": {"A": "1"}}}, {"request.env": {"A": "1"}}),
    row("api_target", {"request": {"api_target": "graphql"}}, {"request.api_target": "graphql"}),
    row("unknown", {"request": {"url": "https://h/", "x": 1}}, {"request": {"url": "https://h/"}}),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "expected", "errors"), REQUESTS)
def test_a_member_of_a_request(payload: Json, expected: Json, errors: list[tuple[str, str]]) -> None:
    kept = stored(payload)

    assert {path: at(kept, path) for path in expected} == expected
    assert errors_of(kept) == errors


# The rules of 7.2, by what they are about.
TRIMMING = [
    pytest.param({"logentry": "x" * 8392}, {"logentry.formatted": "x" * 8392, "_meta": GONE}, id="n+a stays"),
    pytest.param({"logentry": "x" * 8393}, {"logentry.formatted": cut(8192)}, id="n+a+1 is cut to n"),
    pytest.param({"logentry": "x" * 8393}, {
        "_meta.logentry.formatted": {"": {"rem": [["!limit", "s", 8189, 8192]], "len": 8393}}}, id="len of a text"),
    pytest.param({"culprit": "x" * 200}, {"culprit": "x" * 200, "_meta": GONE}, id="n without an allowance stays"),
    pytest.param({"culprit": "x" * 201}, {"culprit": cut(200)}, id="n+1 without an allowance is cut"),
    pytest.param({"extra": {"b": {"z": LONG, "m": LONG, "a": "y"}}}, {
        "extra.b.a": "y", "extra.b.m": LONG, "extra.b.z": cut(7360)}, id="members are visited in the order of keys"),
    pytest.param({"extra": {"b": [LONG, LONG, "y"]}}, {"extra.b": [LONG, cut(7376)]}, id="lists are visited in order"),
    pytest.param({"extra": {"b": [LONG, LONG, "y"]}}, {"_meta.extra.b..len": 3}, id="len of a container"),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "expected"), TRIMMING)
def test_7_2_what_is_cut_and_what_is_told(payload: Json, expected: Json) -> None:
    kept = stored(payload)

    assert {path: at(kept, path) for path in expected} == expected


@pytest.mark.parametrize(
    ("in_app", "rich"),
    [
        pytest.param(120, {*range(25), *range(95, 120)}, id="the newest is in-app"),
        pytest.param(100, {*range(25), *range(75, 100), 119}, id="the newest is a system frame"),
    ],
)
def test_7_6_of_more_than_fifty_in_app_frames_the_first_and_the_last_stay_rich(in_app: int, rich: set[int]) -> None:
    given = [
        {"function": f"f{number}", "in_app": number < in_app, "vars": {"a": 1}, "pre_context": ["p"],
         "post_context": ["q"], "context_line": "x" * 3000}
        for number in range(120)
    ]  # fmt: skip

    left = stored(frames(*given))["stacktrace"]["frames"]

    for member in ("vars", "pre_context", "post_context"):
        assert {number for number, frame in enumerate(left) if member in frame} == rich
    assert {frame["context_line"] for frame in left} == {"x" * 3000}


def contexts(**given: Any) -> Json:
    return {"contexts": given}


CONTEXTS = [
    row("size", contexts(mine={"a": LONG}), {"contexts.mine.a": "x" * 8180 + "..."}),
    row("depth", contexts(mine={"a": [[[[[[[1]]]]]]]}), {"contexts.mine.a": [[[[[["[1]"]]]]]]}),
    row("flags", contexts(flags={"a": "x" * 100_000}), {"contexts.flags.a": "x" * 100_000}),
    row("type", contexts(mine={"a": 1}), {"contexts.mine.type": "mine"}),
    row("reprocessing", contexts(reprocessing={"a": 1}), {"contexts.reprocessing": GONE}),
    row("trace…ids", contexts(trace={"trace_id": "x", "span_id": "AB" * 8}), {"contexts.trace": {
        "type": "trace", "span_id": "ab" * 8}}, ("invalid_data", "contexts.trace.trace_id")),
    row("os…Windows", contexts(os={"raw_description": "Microsoft Windows 10.0.19041"}), {"contexts.os.name": "Windows",
        "contexts.os.version": "10", "contexts.os.build": "19041", "contexts.os.os": "Windows 10"}),
    row("os…Linux", contexts(os={"raw_description": "Linux 5.1"}), {"contexts.os.name": "Linux",
        "contexts.os.kernel_version": "5.1", "contexts.os.os": "Linux"}),
    row("runtime…NET Framework", contexts(runtime={"name": ".NET Framework", "build": "461814"}), {
        "contexts.runtime.version": "4.7.2", "contexts.runtime.runtime": ".NET Framework 4.7.2"}),
    row("runtime…raw", contexts(runtime={"raw_description": ".NET Framework 4.8.4250.0"}), {
        "contexts.runtime.name": ".NET Framework", "contexts.runtime.version": "4.8.4250.0"}),
    row("browser…combined", contexts(browser={"name": "Firefox", "version": "128"}), {
        "contexts.browser.browser": "Firefox 128"}),
    row("unknown", contexts(weather={"sun": True}), {"contexts.weather": {"type": "weather", "sun": True}}),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "expected", "errors"), CONTEXTS)
def test_a_rule_of_contexts(payload: Json, expected: Json, errors: list[tuple[str, str]]) -> None:
    kept = stored(payload)

    assert {path: at(kept, path) for path in expected} == expected
    assert errors_of(kept) == errors


def test_a_trace_context_of_another_type_cannot_bring_odd_ids() -> None:
    event = an_event(contexts(trace={"type": "os", "trace_id": 5, "span_id": ["x"]}))

    assert (event.trace_id, event.span_id) == ("", "")


def test_contexts_that_are_remembered_are_like_fresh_ones_whatever_happened_to_them() -> None:
    hiding = ProjectConfig(7, 3, sensitive_fields=("shoe",))
    given = [
        contexts(runtime={"name": "CPython", "version": "3.11", "shoe": "x"}),
        contexts(shoe={"type": "runtime", "name": "CPython"}, runtime={"name": "CPython", "version": "3.11"}),
        contexts(os={"name": "Linux", "raw_description": "Linux 5.1"}, client_os={"name": "Linux"}),
        contexts(mine={"type": "trace", "trace_id": "AB" * 16}, other={"type": "os", "name": "x" * 2000}),
        contexts(device={"model": "a\\u0062", "family": "c"}, app={"device_app_hash": "d", "n": None}),
    ]
    sequence = [(payload, config) for payload in given * 2 for config in (CONFIG, hiding, CONFIG)]

    remembered = [an_event(payload, config=config) for payload, config in sequence]
    fresh = []
    for payload, config in sequence:
        _remembered.cache_clear()
        fresh.append(an_event(payload, config=config))

    assert remembered == fresh


@pytest.mark.parametrize(
    ("device", "system", "expected"),
    [
        pytest.param({"processor_frequency": 1800, "memory_size": 8 * 1024**3}, "Android", "low", id="slow"),
        pytest.param({"processor_frequency": 2400, "processor_count": 8}, "Android", "medium", id="middling"),
        pytest.param({"processor_frequency": 3000, "memory_size": 8 * 1024**3}, "Android", "high", id="strong"),
        pytest.param({"memory_size": 2 * 1024**3, "processor_count": 2}, "iOS", "low", id="old phone"),
        pytest.param({"memory_size": 6 * 1024**3, "processor_count": 2}, "iOS", "high", id="new phone"),
        pytest.param({"model": "Pixel"}, "Android", None, id="tells nothing"),
        pytest.param({"processor_frequency": 1800}, "Linux", None, id="not mobile"),
    ],
)
def test_a_device_class(device: Json, system: str, expected: str | None) -> None:
    event = an_event(contexts(device=device, os={"name": system}))

    assert dict(event.tags).get("device.class") == expected
