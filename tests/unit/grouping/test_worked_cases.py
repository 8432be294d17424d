"""The worked cases of the grouping specification, section 11, by their numbers.

T: the two events share a hash (they belong to one issue). A: they share none.
"""

from typing import Any

import msgspec
import pytest

from vedette.grouping.configs import CONFIGS, FIRST, NEWSTYLE_2023, NEWSTYLE_2026, Config
from vedette.grouping.group import FALLBACK, Recipe, group_event
from vedette.wire.event import Event

Json = dict[str, Any]
TOGETHER, APART = True, False
under_each_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def frame(
    function: str = "checkout", module: str = "shop.views", line: str = "return total(cart)", **more: Any
) -> Json:
    path = module.replace(".", "/") + ".py"
    defaults = {"filename": path, "abs_path": f"/srv/{path}", "lineno": 7, "in_app": True}
    return {**defaults, "function": function, "module": module, "context_line": line, **more}


def exception(kind: str = "ValueError", value: str = "bad", frames: list[Json] | None = None, **more: Any) -> Json:
    shown: Json = {"type": kind, "value": value, **more}
    if frames is not None:
        shown["stacktrace"] = {"frames": frames}
    return shown


def event(*exceptions: Json, platform: str = "python", **more: Any) -> Json:
    shown: Json = {"platform": platform, "level": "error", **more}
    if exceptions:
        shown["exception"] = {"values": list(exceptions)}
    return shown


def message(formatted: str, template: str | None = None, **more: Any) -> Json:
    return event(logentry={"formatted": formatted, **({"message": template} if template else {})}, **more)


def hashes(
    payload: Json, enhancements: str = "", fingerprinting: str = "", config: Config = FIRST, **tags: str
) -> tuple[str, ...]:
    decoded = msgspec.json.decode(msgspec.json.encode(payload), type=Event)
    return group_event(decoded, tags, Recipe(enhancements, fingerprinting, config)).hashes


APP = [frame(), frame("total", "shop.cart")]
LIB = frame("dispatch", "django.core", abs_path="/venv/site-packages/django/core.py", in_app=False)
LIB2 = frame("handle", "django.http", abs_path="/venv/site-packages/django/http.py", in_app=False)


def bare(path: str, function: str | None = None, **more: Any) -> Json:
    return {"filename": path, "abs_path": path, "in_app": True, **({"function": function} if function else {}), **more}


def java(module: str, function: str, **more: Any) -> Json:
    return event(exception(frames=[{"module": module, "function": function, "in_app": True, **more}]), platform="java")


def js(path: str, function: str | None = None, value: str = "boom", **more: Any) -> Json:
    return event(exception(value=value, frames=[bare(path, function, **more)]), platform="javascript")


def native(function: str, **more: Any) -> Json:
    mechanism = more.pop("mechanism", None)
    kind = more.pop("kind", "SIGSEGV")
    extra = {"mechanism": mechanism} if mechanism else {}
    return event(exception(kind, frames=[{"function": function, "in_app": True, **more}], **extra), platform="native")


def ruby(function: str, line: str = "foo.each do |x|") -> Json:
    return event(exception(frames=[bare("/app/a.rb", function, context_line=line)]), platform="ruby")


def php(function: str) -> Json:
    return event(exception(frames=[bare("/app/a.php", function, context_line="run();")]), platform="php")


def in_group(kind: str, exception_id: int, parent: int | None, *, group: bool = False) -> Json:
    mechanism = {"type": "chained", "exception_id": exception_id, "is_exception_group": group}
    if parent is not None:
        mechanism["parent_id"] = parent
    return exception(kind, f"value of {exception_id}", frames=APP, mechanism=mechanism)


def exception_group(*kinds: str) -> Json:
    children = [in_group(kind, index, 0) for index, kind in enumerate(kinds, 1)]
    return event(*children[::-1], in_group("ExceptionGroup", 0, None, group=True))


def csp(directive: str, blocked: str, violated: str = "") -> Json:
    return event(csp={"effective_directive": directive, "blocked_uri": blocked, "violated_directive": violated})


def threads(crashed: bool, text: str, line: str = "return total(cart)") -> Json:
    first = {"id": 1, "stacktrace": {"frames": [frame(line=line)]}, **({"crashed": True} if crashed else {})}
    second = {"id": 2, "stacktrace": {"frames": [frame("idle", "shop.pool", "wait()")]}}
    return message(text, threads={"values": [first, second]})


def ns_error(code: int, value: str) -> Json:
    mechanism = {"type": "generic", "meta": {"ns_error": {"domain": "NSPOSIXErrorDomain", "code": code}}}
    return event(exception("NSError", value, mechanism=mechanism), platform="cocoa")


LONG = "call(" + "argument, " * 14
UUID1, UUID2 = "550e8400-e29b-41d4-a716-446655440000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
CASES: list[tuple[str, Json, Json, bool]] = [
    (
        "1",
        event(exception(frames=[frame(lineno=1, vars={"a": "1"}, pre_context=["x"])])),
        event(exception(frames=[frame(lineno=99, vars={"b": "2"}, post_context=["y"])])),
        TOGETHER,
    ),
    ("2", event(exception(value="one", frames=APP)), event(exception(value="two", frames=APP)), TOGETHER),
    ("3", event(exception("A", frames=APP)), event(exception("B", frames=APP)), APART),
    (
        "4",
        event(exception(value=f"order 17 failed for {UUID1}")),
        event(exception(value=f"order 93 failed for {UUID2}")),
        TOGETHER,
    ),
    ("5", event(exception(value="disk full")), event(exception(value="disk broken")), APART),
    (
        "6",
        event(exception(frames=[frame(line="x = 1/0")])),
        event(exception(frames=[frame(line="y = 1/0")])),
        APART,
    ),
    (
        "7",
        event(exception(frames=[frame(line="  x  =\t1/0")])),
        event(exception(frames=[frame(line="x = 1/0   ")])),
        TOGETHER,
    ),
    (
        "8",
        event(exception(frames=[frame(line=LONG + "1)")])),
        event(exception(frames=[frame(line=LONG + "2)")])),
        TOGETHER,
    ),
    ("9", java("com.a.B", "run", filename="B.java", lineno=1), java("com.a.B", "run", filename="C.java"), TOGETHER),
    (
        "10",
        event(exception(frames=[bare("/srv/a/x.py", "run")])),
        event(exception(frames=[bare("/opt/b/X.py", "run")])),
        TOGETHER,
    ),
    ("11", event(exception(frames=[LIB, *APP])), event(exception(frames=[LIB2, *APP])), TOGETHER),
    (
        "12",
        event(exception(frames=[LIB, frame("old")])),
        event(exception(frames=[LIB, frame("new")])),
        APART,
    ),
    (
        "13",
        event(exception(frames=[frame("a"), frame("b")])),
        event(exception(frames=[frame("a", in_app=False), frame("b")])),
        TOGETHER,
    ),
    ("14", event(exception(frames=[frame()] * 3)), event(exception(frames=[frame()] * 7)), TOGETHER),
    (
        "15",
        event(exception(frames=[frame(lineno=1), frame(lineno=2), frame(lineno=1)])),
        event(exception(frames=[frame(lineno=1)])),
        APART,
    ),
    (
        "16",
        event(exception("A", frames=APP), exception("B", frames=APP)),
        event(exception("B", frames=APP)),
        APART,
    ),
    (
        "17",
        event(exception("A", frames=APP), exception("B", frames=APP)),
        event(exception("B", frames=APP), exception("A", frames=APP)),
        APART,
    ),
    ("18-three", exception_group("ValueError"), exception_group("ValueError", "ValueError", "ValueError"), TOGETHER),
    ("18-plain", exception_group("ValueError"), event(exception(frames=APP)), TOGETHER),
    ("19", exception_group("ValueError", "TypeError"), exception_group("TypeError", "ValueError"), TOGETHER),
    ("20", exception_group("ValueError", "TypeError"), exception_group("ValueError"), APART),
    (
        "21",
        event(exception(frames=APP), fingerprint=["a", "b"]),
        message("something else", fingerprint=["a", "b"]),
        TOGETHER,
    ),
    ("22", message("x", fingerprint=["a", "b"]), message("x", fingerprint=["ab"]), TOGETHER),
    ("23", message("x", fingerprint=["a", "b"]), message("x", fingerprint=["b", "a"]), APART),
    (
        "24",
        event(exception(frames=APP), fingerprint=["{{ default }}", "t1"]),
        event(exception(frames=APP), fingerprint=["{{ default }}", "t2"]),
        APART,
    ),
    (
        "25",
        message("x", fingerprint=["{{ tags.x }}"]),
        message("y", fingerprint=["<no-value-for-tag-x>"]),
        TOGETHER,
    ),
    (
        "26",
        js("https://cdn1.example/app.1a2b.js", "a.b.onClick", colno=1),
        js("https://cdn2.example/app.9f9f.js", "onClick", colno=99),
        TOGETHER,
    ),
    (
        "27",
        js("src/cart.js", "x", context_line="total()", data={"sourcemap": "a.map"}),
        js("src/cart.js", "y", context_line="total()", data={"sourcemap": "a.map"}),
        TOGETHER,
    ),
    ("28", js("src/cart.js", "x", context_line="total()"), js("src/cart.js", "y", context_line="total()"), APART),
    ("29", js("file:///c/a.js", "x"), js("file:///c/b.js", "x"), APART),
    ("30", js("https://e.example/a.js", value="boom one"), js("https://e.example/a.js", value="boom two"), APART),
    ("31", message("User bob gone", "User %s gone"), message("User eve gone", "User %s gone"), TOGETHER),
    ("32-number", message("User 12 gone"), message("User 99 gone"), TOGETHER),
    ("32-word", message("User bob gone"), message("User eve gone"), APART),
    ("33", message("one\ntwo\nthree"), message("one\ntwo\nfour"), TOGETHER),
    ("33-cut", message("one\ntwo"), message("one\ntwo\nthree"), APART),
    ("34", threads(True, "first"), threads(True, "second"), TOGETHER),
    ("35", threads(False, "first"), threads(False, "second"), APART),
    ("36", csp("img-src", "https://evil.example/a.png"), csp("img-src", "https://evil.example/b.png"), TOGETHER),
    ("36-host", csp("img-src", "https://evil.example/a.png"), csp("img-src", "https://other.example/a.png"), APART),
    ("36-directive", csp("img-src", "https://evil.example/a"), csp("font-src", "https://evil.example/a"), APART),
    (
        "37",
        csp("script-src", "self", "script-src 'unsafe-inline'"),
        csp("script-src", "self", "script-src 'unsafe-eval'"),
        APART,
    ),
    (
        "38",
        java("a.Svc$$EnhancerBySpringCGLIB$$ab12cd34", "run"),
        java("a.Svc$$EnhancerBySpringCGLIB$$deadbeef", "run"),
        TOGETHER,
    ),
    ("38-lambda", java("a.Svc", "lambda$run$0"), java("a.Svc", "lambda$go$7"), TOGETHER),
    ("39", ruby("block in foo"), ruby("block (2 levels) in bar"), TOGETHER),
    ("39-erb", ruby("_index_erb__1234567_8901234"), ruby("_index_erb__7654321_4321098"), TOGETHER),
    ("40", native("foo(int)"), native("foo(long, char)"), TOGETHER),
    ("40-template", native("Vec<int>::push"), native("Vec<long>::push"), TOGETHER),
    ("40-rust", native("app::run::h0123456789abcdef"), native("app::run::hfedcba9876543210"), TOGETHER),
    (
        "42",
        event(exception("ChunkLoadError", "Loading chunk 7 failed"), platform="javascript"),
        event(exception("ChunkLoadError", "Loading chunk 9 failed", frames=APP), platform="javascript"),
        TOGETHER,
    ),
    (
        "43",
        native("run", kind="EXC_BAD_ACCESS", mechanism={"type": "mach", "synthetic": True}),
        native("run", kind="SIGSEGV", mechanism={"type": "signal", "synthetic": True}),
        TOGETHER,
    ),
    (
        "46",
        event(exception(frames=[{**LIB, "in_app": True}, *APP])),
        event(exception(frames=APP)),
        TOGETHER,
    ),
    ("47", ns_error(13, "one"), ns_error(13, "two"), TOGETHER),
    ("47-code", ns_error(13, "one"), ns_error(2, "one"), APART),
    (
        "48",
        event(exception("A", "one"), exception("B", frames=APP)),
        event(exception("A", "two"), exception("B", frames=APP)),
        TOGETHER,
    ),
    ("49", php("class@anonymous\0/a/b.php:3$0::run"), php("class@anonymous\0/c/d.php:9$1::run"), TOGETHER),
    ("50", event(), event(platform="java", tags={"a": "b"}), TOGETHER),
    (
        "51",
        event(exception(frames=APP), level="error", release="a@1", environment="x", tags={"a": "1"}),
        event(exception(frames=APP), level="fatal", release="a@2", environment="y", tags={"a": "2"}),
        TOGETHER,
    ),
    ("52", message("x", checksum="abc"), event(exception(frames=APP), checksum="abc"), TOGETHER),
]


@under_each_config
@pytest.mark.parametrize(("first", "second", "together"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_two_events_belong_together_or_not(first: Json, second: Json, together: bool, config: Config) -> None:
    assert bool(set(hashes(first, config=config)) & set(hashes(second, config=config))) is together


# Cases 41, 44 and 45 need rules of the project.
@under_each_config
def test_41_a_fingerprint_rule_brings_unrelated_stacks_together(config: Config) -> None:
    rule = "type:DbDown -> db-down"
    first, second = event(exception("DbDown", frames=APP)), event(exception("DbDown", "gone", frames=[LIB]))

    assert not set(hashes(first, config=config)) & set(hashes(second, config=config))
    assert hashes(first, "", rule, config) == hashes(second, "", rule, config)


NOISE = frame("tick", "noise.x")


@under_each_config
def test_44_a_frame_that_a_rule_removes_does_not_count(config: Config) -> None:
    with_noise, without = event(exception(frames=[NOISE, *APP])), event(exception(frames=APP))

    rule = "module:noise.* -group"
    assert not set(hashes(with_noise, config=config)) & set(hashes(without, config=config))
    assert set(hashes(with_noise, rule, config=config)) & set(hashes(without, rule, config=config))


@under_each_config
def test_45_only_the_crash_frame_counts_under_max_frames(config: Config) -> None:
    rule = "module:app.db max-frames=1"
    crash = frame("query", "app.db")
    first, second = event(exception(frames=[frame("a"), crash])), event(exception(frames=[frame("b"), crash]))

    assert not set(hashes(first, config=config)) & set(hashes(second, config=config))
    assert set(hashes(first, rule, config=config)) & set(hashes(second, rule, config=config))


def test_an_empty_event_has_the_fallback_hash() -> None:
    assert hashes(event()) == (FALLBACK,)


def test_app_comes_before_system_and_both_are_kept() -> None:
    both = hashes(event(exception(frames=[LIB, *APP])))
    system_only = hashes(event(exception(frames=[LIB])))

    assert len(both) == 2
    assert both[0] == hashes(event(exception(frames=APP)))[0]
    assert len(system_only) == 1


def test_a_checksum_of_32_hex_digits_is_the_hash() -> None:
    assert hashes(message("x", checksum="A" * 32)) == ("a" * 32,)


def test_every_contributing_variant_of_a_hybrid_has_a_hash() -> None:
    assert len(hashes(event(exception(frames=[LIB, *APP]), fingerprint=["{{default}}", "x"]))) == 2


@pytest.mark.parametrize(
    ("entry", "same_as"),
    [
        ("{{ error.type }}", "ValueError"),
        ("{{ error.value }}", "no item <int>"),
        ("{{ error.raw_value }}", "no item 7"),
        ("{{ stack.function }}", "total"),
        ("{{ stack.module }}", "shop.cart"),
        ("{{ stack.filename }}", "shop/cart.py"),
        ("{{ stack.abs_path }}", "/srv/shop/cart.py"),
        ("{{ stack.package }}", "<no-package>"),
        ("{{ transaction }}", "/checkout/"),
        ("{{ message }}", "no item <int>"),
        ("{{ level }}", "error"),
        ("{{ logger }}", "<no-logger>"),
        ("{{ tags.region }}", "eu"),
        ("{{ nonsense }}", "<unrecognized-variable-nonsense>"),
        (" {{ level }}", " {{ level }}"),
    ],
)
def test_a_fingerprint_variable_stands_for_what_the_event_has(entry: str, same_as: str) -> None:
    def of(fingerprint: str) -> tuple[str, ...]:
        shown = event(exception(value="no item 7", frames=APP), transaction="/checkout/", fingerprint=[fingerprint])
        return hashes(shown, region="eu")

    assert of(entry) == of(same_as)


# The table of variables, 2.3: every name, what it stands for in 2023 and in 2026, and what where the event has no such
# thing. None: the text stays as it is written.
VARIABLES: list[tuple[str, str | None, str | None, str | None]] = [
    ("transaction", "/checkout/", "/checkout/", "<no-transaction>"),
    ("message", "no item 7", "no item <int>", "<no-message>"),
    ("raw_message", None, "no item 7", "<no-message>"),
    ("error.type", "ValueError", "ValueError", "<no-type>"),
    ("type", "ValueError", "ValueError", "<no-type>"),
    ("error.value", "no item 7", "no item <int>", "<no-value>"),
    ("value", "no item 7", "no item <int>", "<no-value>"),
    ("error.raw_value", None, "no item 7", "<no-value>"),
    ("raw_value", None, "no item 7", "<no-value>"),
    ("stack.function", "total", "total", "<no-function>"),
    ("function", "total", "total", "<no-function>"),
    ("stack.abs_path", "/srv/shop/cart.py", "/srv/shop/cart.py", "<no-abs-path>"),
    ("path", "/srv/shop/cart.py", "/srv/shop/cart.py", "<no-abs-path>"),
    ("stack.filename", "shop/cart.py", "shop/cart.py", "<no-filename>"),
    ("stack.module", "shop.cart", "shop.cart", "<no-module>"),
    ("module", "shop.cart", "shop.cart", "<no-module>"),
    ("stack.package", "cart.so", "cart.so", "<no-package>"),
    ("package", "cart.so", "cart.so", "<no-package>"),
    ("level", "error", "error", "<no-level>"),
    ("logger", "shop", "shop", "<no-logger>"),
    ("tags.region", "eu", "eu", "<no-value-for-tag-region>"),
    ("nonsense", None, "<unrecognized-variable-nonsense>", "<unrecognized-variable-nonsense>"),
]


@pytest.mark.parametrize(("name", "in_2023", "in_2026", "missing"), VARIABLES, ids=[row[0] for row in VARIABLES])
def test_2_3_every_variable_and_what_stands_where_it_is_missing(
    name: str, in_2023: str | None, in_2026: str | None, missing: str | None
) -> None:
    shop = frame("total", "shop.cart", package="/usr/lib/cart.so")
    full = event(exception(value="no item 7", frames=[shop]), transaction="/checkout/", logger="shop")
    variable = f"{{{{ {name} }}}}"

    def of(shown: Json, fingerprint: str, config: Config, **tags: str) -> tuple[str, ...]:
        return hashes({**shown, "fingerprint": [fingerprint]}, config=config, **tags)

    for config, expected in ((NEWSTYLE_2023, in_2023), (NEWSTYLE_2026, in_2026)):
        plain = variable if expected is None else expected
        nothing = variable if expected is None else missing or ""
        assert of(full, variable, config, region="eu") == of(message("x"), plain, config)
        assert of({"platform": "python"}, variable, config) == of(message("x"), nothing, config)
