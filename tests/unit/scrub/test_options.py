"""The options of scrubbing, row by row (ingest specification, 10.1 to 10.6), seen through what is stored."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.digest.making import CONFIG, Json, an_event, prepared, prepared_bytes, stored
from vedette.digest.values import Dropped, PreparedAttachment, PreparedEvent, ProjectConfig
from vedette.scrub.rules import FILTERED, SESSION_COOKIES

SAMPLES = Path(__file__).parents[2] / "e2e" / "samples"
EXTRA = {"password": "x", "shoe_size": "44", "peer": "10.0.0.1", "note": "card 4111 1111 1111 1111"}


def config(**options: Any) -> ProjectConfig:
    return ProjectConfig(**{"project_id": 7, "organization_id": 3, **options})


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        pytest.param({}, {**EXTRA, "password": FILTERED, "note": f"card {FILTERED}"}, id="all defaults"),
        pytest.param({"scrub_data": False}, EXTRA, id="dataScrubber off"),
        pytest.param({"scrub_defaults": False}, EXTRA, id="dataScrubberDefaults off"),
        pytest.param(
            {"scrub_data": False, "scrub_ip_addresses": True}, {**EXTRA, "peer": "[ip]"}, id="scrubIPAddresses alone"
        ),
        pytest.param(
            {"scrub_defaults": False, "sensitive_fields": ("Shoe",)},
            {**EXTRA, "shoe_size": FILTERED},
            id="sensitiveFields alone",
        ),
        pytest.param(
            {"scrub_data": False, "sensitive_fields": ("Shoe",)}, EXTRA, id="sensitiveFields without dataScrubber"
        ),
        pytest.param({"safe_fields": ("password", "note")}, EXTRA, id="safeFields"),
        pytest.param(
            {"sensitive_fields": ("shoe",), "safe_fields": ("shoe_size", "password", "note")}, EXTRA, id="safe wins"
        ),
    ],
)
def test_an_option(options: Json, kept: Json) -> None:
    assert stored({"extra": EXTRA}, config=config(**options))["extra"] == kept


def test_nothing_that_is_derived_tells_a_sensitive_value() -> None:
    secret = "shoe-size-of-bob"
    payload = {
        "message": {"message": "paid %s", "params": ["4111 1111 1111 1111"]},
        "user": {"id": secret, "email": "bob@x.io"},
        "request": {"url": "https://bob:hunter2@h/cart", "query_string": f"shoe={secret}"},
        "contexts": {"shoe": {"type": "os", "name": secret}, "mine": {"type": "runtime", "name": "a", "shoe": secret}},
    }

    event = an_event(payload, config=config(sensitive_fields=("shoe",)))

    assert secret not in repr(event)
    assert "hunter2" not in repr(event)
    assert (event.title, event.culprit) == ("paid [creditcard]", f"https://bob:{FILTERED}@h/cart")
    assert event.user.identity == f"id:{FILTERED}"
    assert dict(event.tags)["url"] == f"https://bob:{FILTERED}@h/cart"
    assert "shoe" not in dict(event.tags)


def test_a_long_password_in_a_url_goes_before_the_url_is_cut() -> None:
    kept = stored({"request": {"url": f"https://bob:{'p' * 400}@h/"}})

    assert kept["request"]["url"] == f"https://bob:{FILTERED}@h/"


@pytest.mark.parametrize("name", sorted(SESSION_COOKIES))
def test_a_sign_in_cookie(name: str) -> None:
    payload = {
        "request": {"headers": {"Cookie": f"{name.upper()}=abc; theme=dark", "Set-Cookie": f"{name}=abc; Path=/"}},
        "contexts": {"response": {"type": "response", "cookies": {name: "abc", "theme": "dark"}}},
    }

    kept = stored(payload)

    assert kept["request"]["cookies"] == [[name.upper(), FILTERED], ["theme", "dark"]]
    assert kept["request"]["headers"] == [["Set-Cookie", FILTERED]]
    assert kept["contexts"]["response"]["cookies"] == {name: FILTERED, "theme": "dark"}
    assert stored(payload, config=config(scrub_defaults=False))["request"]["cookies"][0][1] == "abc"


ADDRESSES = config(scrub_ip_addresses=True)


@pytest.mark.parametrize(
    ("payload", "identity", "remark"),
    [
        pytest.param({"user": {"ip_address": "10.0.0.1"}}, "ip:[ip]", "user.ip_address", id="user.ip_address alone"),
        pytest.param(
            {"user": {"ip_address": "10.0.0.1", "id": "1"}}, "id:1", "user.ip_address", id="user.ip_address and id"
        ),
        pytest.param({"user": {"ip_address": "{{auto}}"}}, "", None, id="auto"),
        pytest.param({"platform": "javascript"}, "", None, id="nothing is inferred"),
        pytest.param(
            {"request": {"env": {"REMOTE_ADDR": "10.0.0.1"}}}, "", "request.env.REMOTE_ADDR", id="REMOTE_ADDR"
        ),
        pytest.param({"sdk": {"name": "x", "client_ip": "10.0.0.1"}}, "", "sdk.client_ip", id="sdk.client_ip"),
        pytest.param({"extra": {"a": "see 10.0.0.1"}}, "", "extra.a", id="in a text"),
    ],
)
def test_an_address_where_addresses_are_not_kept(payload: Json, identity: str, remark: str | None) -> None:
    event = an_event(payload, config=ADDRESSES, remote_addr="10.0.0.1")

    assert b"10.0.0.1" not in event.payload
    assert (event.user.identity, event.user.ip) == (identity, "")
    assert dict(event.tags).get("user", "") == identity
    node = msgspec.json.decode(event.payload).get("_meta", {})
    for step in remark.split(".") if remark else ():
        node = node[step]
    assert ("" in node) is (remark is not None)


@pytest.mark.parametrize(
    ("payload", "path", "remark"),
    [
        pytest.param(
            {"exception": {"values": [{}, {"type": "x" * 300}]}},
            "exception.values.0.type",
            {"rem": [["!limit", "s", 253, 256]], "len": 300},
            id="an exception behind an empty one",
        ),
        pytest.param(
            {"breadcrumbs": [7, {"category": "x" * 200, "message": "password=1"}]},
            "breadcrumbs.values.0.category",
            {"rem": [["!limit", "s", 125, 128]], "len": 200},
            id="a breadcrumb behind nonsense",
        ),
        pytest.param(
            {"tags": [["release", "x"], "y", ["a", "1"], ["a", "2"], ["b", "x" * 300]]},
            "tags.1.1",
            {"rem": [["!limit", "s", 197, 200]], "len": 300},
            id="a tag behind others that go",
        ),
        pytest.param(
            {"stacktrace": {"frames": [*[{"function": "f"}] * 290, {"function": "x" * 600}]}},
            "stacktrace.frames.249.function",
            {"rem": [["!limit", "s", 509, 512]], "len": 600},
            id="a frame behind those that are cut out",
        ),
        pytest.param(
            {"exception": [{"type": "E"}], "stacktrace": {"frames": [{"function": "x" * 600}]}},
            "exception.values.0.stacktrace.frames.0.function",
            {"rem": [["!limit", "s", 509, 512]], "len": 600},
            id="a lone stack trace that moves",
        ),
        pytest.param(
            {"extra": {"a": "secret-free 078-05-1120", "b": {"c": ["password"]}}},
            "extra.b.c.0",
            {"rem": [["@password:filter", "s", 0, 10]], "len": 8},
            id="a secret in a list",
        ),
        pytest.param(
            {"extra": {"auth": {"a": 1}}}, "extra.auth", {"rem": [["@password:filter", "x"]]}, id="an object that goes"
        ),
    ],
)
def test_a_remark_is_where_its_value_is(payload: Json, path: str, remark: Json) -> None:
    node = stored(payload)["_meta"]
    for step in path.split("."):
        node = node[step]

    assert node[""] == remark


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_no_sample_keeps_a_marked_secret_or_an_address(sample: Path) -> None:
    payload = json.loads(sample.read_bytes())
    extra = payload.get("extra") if isinstance(payload.get("extra"), dict) else {}
    payload["extra"] = {**extra, "password": "VEDETTE-SECRET-x", "shoe": "VEDETTE-SECRET-y"}
    strict = config(sensitive_fields=("shoe",), scrub_ip_addresses=True)

    (value,) = prepared(({"type": "event"}, json.dumps(payload).encode()), config=strict, remote_addr="203.0.113.77")

    assert isinstance(value, PreparedEvent)
    assert "VEDETTE-SECRET" not in repr(value)
    assert "203.0.113.77" not in repr(value)
    assert value.user.ip == ""


def test_a_view_hierarchy_is_scrubbed_like_the_event() -> None:
    header = {"type": "attachment", "filename": "view-hierarchy.json", "attachment_type": "event.view_hierarchy"}
    tree: Json = {"windows": [{"identifier": "password_field", "text": "hunter2", "password": "hunter3", "x": 1.5}]}

    (view,) = prepared((header, msgspec.json.encode(tree)))
    (plain,) = prepared(({**header, "attachment_type": "event.attachment"}, msgspec.json.encode(tree)))
    (off,) = prepared((header, msgspec.json.encode(tree)), config=config(scrub_data=False))
    (broken,) = prepared((header, b"{"))
    (deep,) = prepared((header, b"[" * 400 + b"]" * 400))
    (large,) = prepared((header, b"[" + b"0," * 2**19 + b"0]"))

    assert isinstance(view, PreparedAttachment)
    assert msgspec.json.decode(view.content)["windows"] == [
        {"identifier": FILTERED, "text": "hunter2", "password": FILTERED, "x": 1.5}
    ]
    for untouched in (plain, off):
        assert isinstance(untouched, PreparedAttachment)
        assert msgspec.json.decode(untouched.content) == tree
    assert isinstance(broken, PreparedAttachment)
    assert isinstance(deep, Dropped)
    assert (deep.reason, deep.quantity) == ("too_deep", 800)
    assert isinstance(large, Dropped)
    assert (large.reason, large.quantity) == ("too_large", 2**20 + 3)


def test_the_plain_rules_do_not_read_numbers_or_names() -> None:
    kept = stored({"extra": {"n": 4111111111111111, "flag": {"auth": True, "token": None}}}, config=CONFIG)

    assert kept["extra"] == {"n": 4111111111111111, "flag": {"auth": True, "token": None}}
    assert prepared_bytes(b'{"tags": {"password": "x"}}').tags[0] == ("password", "x")  # type: ignore[union-attr]
