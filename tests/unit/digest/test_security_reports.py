"""What a CSP report becomes, row by row (ingest specification, 9.11)."""

import msgspec
import pytest

from tests.unit.digest.making import Json, prepared_bytes
from vedette.digest.values import PreparedEvent

DOCUMENT = "https://shop.example/cart"


def report(directive: str, blocked: str, violated: str = "", **more: str) -> PreparedEvent:
    members = {"document-uri": DOCUMENT, "blocked-uri": blocked, "effective-directive": directive, **more}
    if violated:
        members["violated-directive"] = violated
    value = prepared_bytes(msgspec.json.encode({"csp-report": members}), "raw_security", remote_addr="203.0.113.7")
    assert isinstance(value, PreparedEvent)
    return value


@pytest.mark.parametrize(
    ("directive", "noun"),
    [
        ("child-src", "child"),
        ("connect-src", "connect"),
        ("font-src", "font"),
        ("img-src", "image"),
        ("manifest-src", "manifest"),
        ("media-src", "media"),
        ("object-src", "object"),
        ("script-src", "script"),
        ("script-src-elem", "script"),
        ("style-src", "style"),
        ("style-src-elem", "style"),
        ("frame-ancestors", "frame-ancestors"),
    ],
)
def test_a_remote_resource(directive: str, noun: str) -> None:
    assert report(directive, "https://evil.example/a?b").title == f"Blocked '{noun}' from 'evil.example'"
    assert report(directive, "data").title == f"Blocked '{noun}' from 'data'"


@pytest.mark.parametrize(
    ("directive", "blocked", "violated", "title"),
    [
        ("form-action", "https://e.example/x", "", "Blocked 'form' action to 'e.example'"),
        ("script-src-attr", "https://e.example", "", "Blocked inline script attribute from 'e.example'"),
        ("style-src-attr", "https://e.example", "", "Blocked style attribute from 'e.example'"),
        ("img-src", "", "", "Blocked inline 'image'"),
        ("img-src", "self", "", "Blocked inline 'image'"),
        ("img-src", "'self'", "", "Blocked inline 'image'"),
        ("script-src", "", "script-src 'unsafe-inline'", "Blocked unsafe inline 'script'"),
        ("script-src", "", "script-src 'unsafe-eval'", "Blocked unsafe eval() 'script'"),
        ("script-src", "", "script-src", "Blocked unsafe (eval() or inline) 'script'"),
        ("script-src-attr", "", "", "Blocked unsafe 'script' element"),
        ("script-src-elem", "", "", "Blocked inline script attribute"),
        ("style-src-elem", "", "", "Blocked 'style' or 'link' element"),
        ("style-src-attr", "", "", "Blocked style attribute"),
    ],
)
def test_a_sentence(directive: str, blocked: str, violated: str, title: str) -> None:
    assert report(directive, blocked, violated).title == title


def test_the_rest_of_the_event() -> None:
    event = report(
        "img-src",
        "https://evil.example/a.png?x=1",
        "img-src shop.example https://shop.example https://cdn.example",
        referrer="https://search.example/",
    )

    kept: Json = msgspec.json.decode(event.payload)
    assert (event.type, event.logger, event.level) == ("csp", "csp", "error")
    assert event.culprit == "img-src 'self' 'self' https://cdn.example"
    tags = dict(event.tags)
    assert tags["effective-directive"] == "img-src"
    assert tags["blocked-uri"] == "https://evil.example"
    assert tags["blocked-host"] == "evil.example"
    assert kept["request"]["url"] == DOCUMENT
    assert kept["request"]["headers"] == [["Referer", "https://search.example/"]]
    assert event.user.ip == "203.0.113.7"


def test_the_directive_is_taken_from_the_violated_one_where_the_effective_one_is_missing() -> None:
    event = report("", "inline", "font-src https://a.example")

    assert dict(event.tags)["effective-directive"] == "font-src"
    assert "blocked-host" not in dict(event.tags)
