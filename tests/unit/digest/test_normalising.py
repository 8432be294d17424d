"""The rules of normalisation, seen through what is stored."""

from typing import Any

import pytest

from tests.unit.digest.making import CONFIG, EVENT_ID, NOW, Json, an_event, errors_of, stored
from vedette.digest.pipeline import STEPS
from vedette.digest.values import ProjectConfig

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("level", "expected", "is_error"),
    [
        ("log", "info", False),
        ("critical", "fatal", False),
        (20, "info", False),
        ("warn", "error", True),
        ("Warning", "error", True),
        ("50", "error", True),
        (60, "error", True),
        (True, "error", True),
    ],
)
def test_levels(level: object, expected: str, is_error: bool) -> None:
    event = an_event({"level": level})

    assert event.level == expected
    assert bool(event.error_count) is is_error


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        (" shop@1 ", "shop@1"),
        (17, "17"),
        ("none", "none"),
        ("a b", "a b"),
        ("", ""),
        ("..", ""),
        ("Latest", ""),
        ("a/b", ""),
        ("a\\b", ""),
        ("a\nb", ""),
        ("x" * 250, "x" * 250),
        ("x" * 251, ""),
        (True, ""),
    ],
)
def test_releases(release: object, expected: str) -> None:
    event = an_event({"release": release})

    assert event.release == expected
    assert dict(event.tags).get("release", "") == expected
    assert bool(event.error_count) is not bool(expected)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [(" staging ", "staging"), ("None", ""), (".", ""), ("a/b", ""), ("x" * 65, ""), (7, "")],
)
def test_environments(environment: object, expected: str) -> None:
    assert an_event({"environment": environment}).environment == expected


@pytest.mark.parametrize(
    ("dist", "kept", "kind"),
    [(" 42 ", "42", None), ("x" * 65, "", "value_too_long"), ("a b", "", "invalid_data"), (42, "", "invalid_data")],
)
def test_dists(dist: object, kept: str, kind: str | None) -> None:
    event = an_event({"dist": dist, "release": "a@1"})

    assert event.dist == kept
    assert errors_of(stored({"dist": dist})) == ([(kind, "dist")] if kind else [])


def test_a_dist_without_a_release_gets_no_tag() -> None:
    event = an_event({"dist": "42"})

    assert event.dist == "42"
    assert "dist" not in dict(event.tags)


def test_the_type_is_computed() -> None:
    assert an_event({"type": "error", "message": "x"}).type == "default"
    assert an_event({"exception": {"values": [{"type": "E"}]}}).type == "error"
    assert an_event({"exception": {"values": [{}]}, "type": "error"}).type == "default"


def test_long_loggers_of_java_keep_their_end() -> None:
    logger = "com.example." + "package." * 8 + "Cart"

    assert an_event({"logger": logger, "platform": "java"}).logger.startswith("*.package.")
    assert an_event({"logger": logger}).logger.endswith("...")
    assert an_event({"logger": "a\nb"}).logger == ""


@pytest.mark.parametrize(
    ("fingerprint", "expected"),
    [(["a", True, 1.5, None], ["a", "True", "1"]), ([{}, "a"], ["a"]), ([], None), ("a", None)],
)
def test_fingerprints(fingerprint: object, expected: list[str] | None) -> None:
    assert stored({"fingerprint": fingerprint}).get("fingerprint") == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"b": "2", "a": "1"}, [["a", "1"], ["b", "2"]]),
        ([["b", "2"], ["a", "1"], ["b", "3"]], [["b", "2"], ["a", "1"]]),
        ({"a": 1.5, "b": True, "c": 7}, [["a", "1"], ["b", "True"], ["c", "7"]]),
        ({"a b": " x "}, [["a-b", "x"]]),
        ({"a": None, "b": "", "c": "x\ny", "d": [1]}, [["a", None], ["b", None], ["c", None], ["d", None]]),
        ({"ä": "x"}, [[None, "x"]]),
        ({"release": "x", "dist": "x", "user": "x", "filename": "x", "function": "x"}, None),
        ([["a"], "b", {"key": "c"}, ["d", "1", "2"]], None),
        ({"a": "x" * 201}, [["a", "x" * 197 + "..."]]),
    ],
)
def test_tags(tags: object, expected: object) -> None:
    assert stored({"tags": tags}).get("tags") == expected


def test_the_environment_tag_fills_the_field_if_that_is_unset() -> None:
    assert an_event({"tags": {"environment": "staging"}}).environment == "staging"
    assert an_event({"tags": {"environment": "staging"}, "environment": "live"}).environment == "live"
    assert "tags" not in stored({"tags": {"environment": "staging"}})


def test_server_name_and_site_become_tags() -> None:
    tags = dict(an_event({"tags": {"server_name": "old"}, "server_name": "web-1", "site": "eu"}).tags)

    assert (tags["server_name"], tags["site"]) == ("web-1", "eu")


def test_fields_contexts_and_the_mechanism_become_tags() -> None:
    event = an_event(
        {
            "logger": "shop",
            "transaction": "/cart/",
            "release": "shop@1",
            "dist": "2",
            "environment": "live",
            "user": {"username": "bob"},
            "request": {"url": "https://shop.example/cart"},
            "contexts": {
                "runtime": {"name": "CPython", "version": "3.11"},
                "os": {"name": "Linux", "rooted": True},
                "device": {"model": "Pixel 7", "family": "Pixel"},
                "gpu": {"name": "Adreno", "vendor_name": "Qualcomm"},
                "monitor": {"id": "1", "slug": "nightly"},
                "app": {"device_app_hash": "abc"},
                "mine": {"name": "x"},
            },
            "exception": {"values": [{"type": "E", "mechanism": {"type": "django", "handled": False}}]},
        }
    )

    assert dict(event.tags) == {
        "level": "error",
        "logger": "shop",
        "environment": "live",
        "transaction": "/cart/",
        "release": "shop@1",
        "dist": "2",
        "user": "username:bob",
        "url": "https://shop.example/cart",
        "runtime": "CPython 3.11",
        "runtime.name": "CPython",
        "os": "Linux",
        "os.name": "Linux",
        "os.rooted": "yes",
        "device": "Pixel 7",
        "device.family": "Pixel",
        "gpu.name": "Adreno",
        "gpu.vendor": "Qualcomm",
        "monitor.id": "1",
        "monitor.slug": "nightly",
        "app.device": "abc",
        "mechanism": "django",
        "handled": "no",
    }
    assert event.handled is False


@pytest.mark.parametrize(
    ("user", "identity"),
    [
        ({"id": 7, "email": "a@b"}, "id:7"),
        ({"username": "bob", "email": "a@b"}, "username:bob"),
        ({"email": "a@b", "ip_address": "10.0.0.1"}, "email:a@b"),
        ({"ip_address": "10.0.0.1"}, "ip:10.0.0.1"),
        ({"ip_address": "nonsense"}, ""),
        ({}, ""),
    ],
)
def test_who_was_hit(user: Json, identity: str) -> None:
    event = an_event({"user": user})

    assert event.user.identity == identity
    assert dict(event.tags).get("user", "") == identity


def test_unknown_members_of_a_user_are_data() -> None:
    kept = stored({"user": {"id": "1", "plan": "gold", "geo.city": "Wien", "data": {"a": 1}}})

    assert kept["user"] == {"id": "1", "data": {"plan": "gold", "a": 1}, "geo": {"city": "Wien"}}


@pytest.mark.parametrize(
    ("payload", "address"),
    [
        ({"user": {"ip_address": "{{auto}}"}}, "203.0.113.7"),
        ({"platform": "javascript"}, "203.0.113.7"),
        ({"platform": "cocoa"}, "203.0.113.7"),
        ({"platform": "objc"}, "203.0.113.7"),
        ({"platform": "python"}, ""),
        ({"request": {"env": {"REMOTE_ADDR": "10.0.0.1"}}}, "10.0.0.1"),
        ({"platform": "python", "sdk": {"settings": {"infer_ip": "auto"}}}, "203.0.113.7"),
        ({"sdk": {"settings": {"infer_ip": "auto"}}, "request": {"env": {"REMOTE_ADDR": "10.0.0.1"}}}, "10.0.0.1"),
        ({"sdk": {"settings": {"infer_ip": "auto"}}, "request": {"env": {"REMOTE_ADDR": "here"}}}, "203.0.113.7"),
        ({"platform": "javascript", "sdk": {"settings": {"infer_ip": "never"}}}, ""),
        ({"user": {"ip_address": "{{auto}}"}, "sdk": {"settings": {"infer_ip": "never"}}}, ""),
    ],
)
def test_the_address_is_inferred_where_the_rules_say_so(payload: Json, address: str) -> None:
    assert an_event(payload, remote_addr="203.0.113.7").user.ip == address


def test_no_address_is_stored_when_the_project_says_so() -> None:
    config = ProjectConfig(7, 3, scrub_ip_addresses=True)

    event = an_event(
        {"user": {"ip_address": "10.0.0.1"}, "platform": "javascript"}, config=config, remote_addr="10.0.0.2"
    )

    assert event.user.ip == ""
    assert b"10.0.0" not in event.payload


@pytest.mark.parametrize(
    ("entry", "formatted", "template"),
    [
        ({"message": "User %s gone", "params": ["bob"]}, "User bob gone", "User %s gone"),
        ({"message": "User {} gone", "params": ["bob"]}, "User bob gone", "User {} gone"),
        ({"message": "%(a)s and {a}", "params": {"a": 1}}, "1 and {a}", "%(a)s and {a}"),
        ({"message": "%s %s", "params": ["one"]}, "%s %s", None),
        ({"message": "%d%%", "params": [5, 6]}, "5%", "%d%%"),
        ({"message": "plain"}, "plain", None),
        ({"message": "same", "formatted": "same"}, "same", None),
        ("text", "text", None),
    ],
)
def test_messages_are_formatted(entry: Any, formatted: str, template: str | None) -> None:
    kept = stored({"logentry": entry})["logentry"]

    assert kept["formatted"] == formatted
    assert kept.get("message") == template
    assert "logentry" not in stored({"logentry": {}})
    assert stored({"message": entry})["logentry"]["formatted"] == formatted


def test_a_format_cannot_make_a_message_explode() -> None:
    entry = {"message": "%(a)s" * 5000, "params": {"a": "x" * 50_000}}

    assert len(stored({"logentry": entry})["logentry"]["formatted"]) == 8192


def test_a_request_is_taken_apart() -> None:
    kept = stored(
        {
            "request": {
                "url": "https://shop.example/cart?a=1&b=%20x#top",
                "method": "post",
                "headers": {"x-one": ["1", "2"], "COOKIE": "theme=dark; lang=de%20at", "Accept": "*/*", "n": None},
                "data": '{"item": 7}',
                "env": {"SERVER_NAME": "web"},
                "nonsense": 1,
            }
        }
    )

    assert kept["request"] == {
        "url": "https://shop.example/cart",
        "fragment": "top",
        "query_string": [["a", "1"], ["b", " x"]],
        "method": "POST",
        "cookies": [["theme", "dark"], ["lang", "de at"]],
        "headers": [["Accept", "*/*"], ["X-One", "1,2"]],
        "env": {"SERVER_NAME": "web"},
        "data": {"item": 7},
        "inferred_content_type": "application/json",
    }


@pytest.mark.parametrize(
    ("data", "parsed", "content_type"),
    [
        ("a=1&b=x+y", {"a": "1", "b": "x y"}, "application/x-www-form-urlencoded"),
        ("a=1&a=2", {"a": ["1", "2"]}, "application/x-www-form-urlencoded"),
        ("just text", "just text", None),
        ("{broken", "{broken", None),
        ([1, 2], [1, 2], None),
    ],
)
def test_bodies_are_parsed_where_they_can_be(data: object, parsed: object, content_type: str | None) -> None:
    kept = stored({"request": {"data": data}})["request"]

    assert kept["data"] == parsed
    assert kept.get("inferred_content_type") == content_type


def test_a_bad_method_is_reported() -> None:
    assert errors_of(stored({"request": {"method": "a b"}})) == [("invalid_data", "request.method")]


@pytest.mark.parametrize(("platform", "os_key"), [("javascript", "os"), ("python", "client_os")])
def test_a_user_agent_fills_contexts(platform: str, os_key: str) -> None:
    payload = {"platform": platform, "request": {"headers": {"user-agent": CHROME}}}
    event = an_event(payload)

    contexts = stored(payload)["contexts"]
    assert contexts["browser"]["name"] == "Chrome"
    assert contexts[os_key] == {"type": "os", "name": "Windows", "version": ">=10", "os": "Windows >=10"}
    assert dict(event.tags)[os_key] == "Windows >=10"
    assert dict(event.tags)["browser"] == "Chrome 120.0.0"


def test_client_hints_beat_the_user_agent() -> None:
    headers = {"Sec-CH-UA": '"Not_A Brand";v="8", "Google Chrome";v="126"', "User-Agent": CHROME}

    assert stored({"request": {"headers": headers}})["contexts"]["browser"]["version"] == "126"


def test_contexts_have_a_type_and_are_objects() -> None:
    kept = stored(
        {"contexts": {"mine": {"a": 1}, "empty": {}, "bad": 7, "os": {"type": None, "name": "x"}, "no": None}}
    )

    contexts = kept["contexts"]
    assert contexts["mine"] == {"type": "mine", "a": 1}
    assert contexts["empty"] == {"type": "empty"}
    assert contexts["os"] == {"type": "os", "name": "x", "os": "x"}
    assert not {"bad", "no"} & contexts.keys()
    assert errors_of(kept) == [("invalid_data", "contexts.bad")]


def test_raw_descriptions_are_read() -> None:
    kept = stored(
        {
            "contexts": {
                "os": {"raw_description": "Microsoft Windows 10.0.19041"},
                "runtime": {"raw_description": "Mono 6.12"},
                "client_os": {"raw_description": "Linux 5.1"},
            }
        }
    )["contexts"]

    assert (kept["os"]["name"], kept["os"]["version"], kept["os"]["build"]) == ("Windows", "10", "19041")
    assert kept["runtime"]["runtime"] == "Mono 6.12"
    assert kept["client_os"]["kernel_version"] == "5.1"


def test_an_event_without_a_trace_gets_one_of_its_own() -> None:
    event = an_event({})

    assert (event.trace_id, event.span_id) == (EVENT_ID, EVENT_ID[:16])


def test_bad_trace_ids_are_removed() -> None:
    kept = stored({"contexts": {"trace": {"trace_id": "x", "span_id": "0" * 16, "op": "http"}}})

    assert kept["contexts"]["trace"] == {"type": "trace", "op": "http"}
    assert len(kept["errors"]) == 2


def test_frames_are_filled_in() -> None:
    frames = [
        {"function": "?", "abs_path": "https://shop.example/static/app.js", "lineno": 1},
        {"filename": "a.py", "pre_context": ["x"]},
        {"instruction_addr": 4096, "image_addr": "0xAB", "symbol_addr": "nonsense"},
    ]

    kept = stored({"stacktrace": {"frames": frames}, "platform": "javascript"})["stacktrace"]["frames"]

    assert kept[0] == {
        "abs_path": "https://shop.example/static/app.js",
        "filename": "/static/app.js",
        "lineno": 1,
        "in_app": False,
    }
    assert (kept[1]["abs_path"], kept[1]["context_line"]) == ("a.py", "")
    assert (kept[2]["instruction_addr"], kept[2]["image_addr"]) == ("0x1000", "0xab")


def test_a_stack_trace_keeps_its_oldest_fifty_and_newest_two_hundred_frames() -> None:
    frames = [{"function": str(n), "vars": {"a": 1}, "context_line": "x", "in_app": n == 120} for n in range(300)]

    kept = stored({"exception": {"values": [{"type": "E", "stacktrace": {"frames": frames}}]}})

    left = kept["exception"]["values"][0]["stacktrace"]["frames"]
    assert [frame["function"] for frame in left] == [str(n) for n in (*range(50), *range(100, 300))]
    rich = [frame["function"] for frame in left if "vars" in frame]
    assert len(rich) == 50
    assert "120" in rich
    assert all("context_line" in frame for frame in left)


def test_a_lone_stack_trace_goes_to_its_exception() -> None:
    kept = stored({"exception": {"values": [{"type": "E"}]}, "stacktrace": {"frames": [{"function": "a"}]}})

    assert kept["exception"]["values"][0]["stacktrace"]["frames"][0]["function"] == "a"
    assert "stacktrace" not in kept


def test_exceptions_are_completed() -> None:
    values = [{"value": "Word: rest"}, {"value": "two words: rest"}, {}, {"type": "E", "mechanism": {"handled": False}}]

    kept = stored({"exception": {"values": values}})["exception"]["values"]

    assert kept == [
        {"type": "Word", "value": "rest"},
        {"value": "two words: rest"},
        {"type": "E", "mechanism": {"type": "generic", "data": {"handled": False}}},
    ]


def test_legacy_keys_are_read() -> None:
    kept = stored(
        {
            "sentry.interfaces.Message": {"message": "hello"},
            "sentry.interfaces.User": {"id": "1"},
            "sentry.interfaces.Http": {"url": "https://a/"},
            "sentry.interfaces.Exception": [{"type": "E"}],
            "user": {"id": "2"},
            "breadcrumbs": [{"ty": "http", "message": "x"}, "nonsense"],
        }
    )

    assert kept["logentry"] == {"formatted": "hello"}
    assert kept["user"] == {"id": "2"}
    assert kept["request"] == {"url": "https://a/"}
    assert kept["exception"] == {"values": [{"type": "E"}]}
    assert kept["breadcrumbs"]["values"] == [{"type": "http", "level": "info", "message": "x"}]


def test_a_client_whose_clock_is_off_is_corrected() -> None:
    payload = {
        "timestamp": NOW - 7200,
        "breadcrumbs": {"values": [{"timestamp": NOW - 7260}, {"timestamp": "nonsense"}]},
    }
    off, on = "2025-10-09T06:53:20Z", "2025-10-09T08:50:00Z"  # two hours, and a bit

    corrected = stored(payload, header={"event_id": EVENT_ID, "sent_at": off})
    left_alone = stored(payload, header={"event_id": EVENT_ID, "sent_at": on})

    assert corrected["timestamp"] == NOW
    assert corrected["breadcrumbs"]["values"][0]["timestamp"] == NOW - 60
    assert ("clock_drift", "timestamp") in errors_of(corrected)
    assert left_alone["timestamp"] == NOW - 7200
    assert errors_of(left_alone) == [("invalid_data", "breadcrumbs.values.1.timestamp")]


def test_all_times_move_with_the_events() -> None:
    kept = stored({"timestamp": NOW + 1000, "breadcrumbs": {"values": [{"timestamp": NOW + 990}]}})

    assert kept["timestamp"] == NOW
    assert kept["breadcrumbs"]["values"][0]["timestamp"] == NOW - 10


def test_the_pieces_of_an_event_are_cut_to_size() -> None:
    long = "x" * 3000
    kept = stored(
        {
            "message": "m" * 9000,
            "exception": {
                "values": [{"type": "t" * 300, "value": "E", "stacktrace": {"frames": [{"vars": {"a": long}}]}}]
            },
            "extra": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}, "list": list(range(9000))},
            "breadcrumbs": {"values": [{"data": {"a": 1, "b": long, "c": 2}}]},
        }
    )

    assert kept["logentry"]["formatted"] == "m" * 8189 + "..."
    assert kept["exception"]["values"][0]["type"] == "t" * 253 + "..."
    shown = kept["exception"]["values"][0]["stacktrace"]["frames"][0]["vars"]["a"]
    assert shown.endswith("...")
    assert 2000 < len(shown) <= 2048
    assert kept["extra"]["a"]["b"]["c"]["d"]["e"]["f"]["g"] == {"h": '{"i":1}'}
    assert 1000 < len(kept["extra"]["list"]) < 9000
    assert "c" not in kept["breadcrumbs"]["values"][0]["data"]
    meta = kept["_meta"]
    assert meta["logentry"]["formatted"][""] == {"rem": [["!limit", "s", 8189, 8192]], "len": 9000}
    assert meta["extra"]["list"][""] == {"len": 9000}


def test_secrets_are_marked_in_the_meta() -> None:
    kept = stored({"extra": {"password": "hunter2"}})

    assert kept["extra"] == {"password": "[Filtered]"}
    assert kept["_meta"] == {"extra": {"password": {"": {"rem": [["@password:filter", "s", 0, 10]], "len": 7}}}}


def test_a_secret_is_found_before_it_is_cut() -> None:
    kept = stored({"extra": {"a": "x" * 16_360 + " 4111111111111111 " + "y" * 500}})

    assert "4111" not in kept["extra"]["a"]


def test_modules_lose_their_nulls() -> None:
    assert stored({"modules": {"a": "1", "b": None}})["modules"] == {"a": "1"}


def test_the_config_decides_what_is_sensitive() -> None:
    config = ProjectConfig(7, 3, sensitive_fields=("shoe",), safe_fields=("password",))

    kept = stored({"extra": {"shoe_size": "44", "password": "x"}}, config=config)

    assert kept["extra"] == {"shoe_size": "[Filtered]", "password": "x"}
    assert stored({"extra": {"password": "x"}}, config=CONFIG)["extra"] == {"password": "[Filtered]"}


def test_the_steps_are_in_the_order_of_the_specification() -> None:
    names = [step.__name__ for step in STEPS]

    assert names[:2] == ["decode", "settle_times"]
    assert names[names.index("scrub") :] == [
        "scrub",
        "identify",
        "cut_to_size",
        "tag_fields",
        "tag_interfaces",
        "fingerprint",
        "blame",
        "entitle",
    ]


SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4"
MAC = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI} Safari/605.1.15"
PHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) {SAFARI} Mobile/15E148 Safari/604.1"
HINTS = {
    "Sec-CH-UA": '"Google Chrome";v="126", "Not_A Brand";v="8"',
    "Sec-CH-UA-Platform": '"macOS"',
    "Sec-CH-UA-Platform-Version": '"14.5.0"',
    "Sec-CH-UA-Model": '"Pixel 8"',
}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(
            {"User-Agent": CHROME}, ("Chrome 120.0.0", None, "Windows >=10"), id="Windows 10 is a lower bound"
        ),
        pytest.param({"User-Agent": MAC}, ("Safari 17.4", "Mac", "Mac OS X >=10.15.7"), id="macOS 10.15.7 as well"),
        pytest.param({"User-Agent": PHONE}, ("Mobile Safari 17.4", "iPhone", "iOS 17.4"), id="a phone"),
        pytest.param(HINTS, ("Chrome 126", None, "macOS 14.5.0"), id="client hints"),
        pytest.param({**HINTS, "User-Agent": PHONE}, ("Chrome 126", None, "macOS 14.5.0"), id="hints come first"),
        pytest.param({"User-Agent": "nobody/1"}, (None, None, None), id="an unknown agent adds nothing"),
        pytest.param({}, (None, None, None), id="no agent"),
    ],
)
def test_what_a_user_agent_adds(headers: Json, expected: tuple[str | None, str | None, str | None]) -> None:
    found = stored({"request": {"url": "https://h/", "headers": headers}})["contexts"]

    browser, device, system = (found.get(name, {}) for name in ("browser", "device", "client_os"))
    assert (browser.get("browser"), device.get("family"), system.get("os")) == expected


def test_a_user_agent_replaces_no_context() -> None:
    mine = {"browser": {"name": "Mine"}, "os": {"name": "Plan 9"}, "client_os": {"name": "Inferno"}}

    kept = stored({"contexts": mine, "request": {"headers": {"User-Agent": PHONE}}})["contexts"]

    assert {name: kept[name]["name"] for name in mine} == {name: mine[name]["name"] for name in mine}
    assert kept["device"]["family"] == "iPhone"


@pytest.mark.parametrize(
    ("client", "sdk"),
    [
        ("sentry.python/2.75.0", ("sentry.python", "2.75.0")),
        ("raven-js", ("raven-js", "")),
        ("", ("", "")),
    ],
)
def test_an_sdk_that_names_itself_by_its_client_only(client: str, sdk: tuple[str, str]) -> None:
    event = an_event({"message": "x"}, client=client)

    assert (event.sdk_name, event.sdk_version) == sdk
    assert an_event({"sdk": {"name": "mine"}}, client=client).sdk_name == "mine"
