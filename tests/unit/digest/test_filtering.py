"""Inbound filters: each row of section 11 of the ingest specification, and what is let through."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.unit.digest.making import CONFIG, NOW, prepared, prepared_bytes
from vedette.digest.filtering import filter_session
from vedette.digest.filtering_agents import crawler_check, legacy_check
from vedette.digest.values import Dropped, PreparedEvent, PreparedTransaction, Reported
from vedette.wire.filters import BY_DEFAULT, OLDEST_KEPT, InboundFilters
from vedette.wire.outcomes import Category, Outcome

NOTHING = InboundFilters(on=())
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
IE = "Mozilla/5.0 (compatible; MSIE {}.0; Windows NT 6.1)"
IE11 = "Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko"
OPERA = CHROME.format(113) + " OPR/{}.0.0.0"
OLD_OPERA = "Opera/9.80 (Windows NT 6.1; U; en) Presto/2.10.289 Version/12.02"
OPERA_MINI = "Opera/9.80 (Android; Opera Mini/{}.0.2254/28.3445; U; en) Presto/2.12.423 Version/12.11"
ANDROID = "Mozilla/5.0 (Linux; U; Android {}; en-us) AppleWebKit/533.1 (KHTML, like Gecko) Version/4.0 Safari/533.1"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML) Version/{} Safari/605.1.15"


def reason(payload: dict[str, Any], given: InboundFilters = BY_DEFAULT, kind: str = "event", **more: Any) -> str:
    """The reason for which the payload is filtered; empty if it is not."""
    config = replace(CONFIG, filters=given)
    value = prepared_bytes(msgspec.json.encode(payload), kind, config=config, **more)
    if isinstance(value, Dropped):
        assert value.outcome is Outcome.FILTERED, value
        return value.reason
    assert isinstance(value, PreparedEvent | PreparedTransaction), value
    return ""


def an_error(kind: str = "Error", value: str = "boom", frames: Any = (), **more: Any) -> dict[str, Any]:
    exception: dict[str, Any] = {"type": kind, "value": value}
    if frames:
        exception["stacktrace"] = {"frames": [{"abs_path": path, "function": "f"} for path in frames]}
    return {"platform": "javascript", "exception": {"values": [exception]}, **more}


def a_visit(user_agent: str = "", url: str = "https://shop.example.com/", **headers: str) -> dict[str, Any]:
    pairs = [["User-Agent", user_agent], *([name.replace("_", "-"), value] for name, value in headers.items())]
    return {"request": {"url": url, "headers": pairs}}


def a_transaction(name: str = "/checkout", **more: Any) -> dict[str, Any]:
    trace = {"trace_id": "a" * 32, "span_id": "b" * 16}
    return {
        "type": "transaction",
        "transaction": name,
        "start_timestamp": NOW - 2,
        "timestamp": NOW - 1,
        "contexts": {"trace": trace},
        **more,
    }


def only(name: str) -> InboundFilters:
    return InboundFilters(on=(name,))


@pytest.mark.parametrize(
    ("value", "filtered"),
    [
        ("Minified React error #418; visit https://reactjs.org/docs/error-decoder.html?invariant=418 for more", True),
        ("Minified React error #425; visit https://react.dev/errors/425 for the full message", True),
        ("Minified React error #300; visit https://react.dev/errors/300 for the full message", False),
        ("Minified React error #4180; visit https://react.dev/errors/4180 for the full message", False),
        ("Hydration failed because the initial UI does not match what was rendered on the server.", True),
        ("There was an error while hydrating this Suspense boundary.", True),
        ("Text content does not match server-rendered HTML.", True),
        ("rehydration of the cache failed", False),
    ],
)
def test_row_1_react_hydration_errors(value, filtered):
    assert reason(an_error(value=value)) == ("react-hydration-errors" if filtered else "")
    assert reason(an_error(value=value), NOTHING) == ""


def test_row_1_chunk_load_error():
    assert reason(an_error("ChunkLoadError", "Loading chunk 7 failed.")) == "chunk-load-error"
    assert reason(an_error("Error", "ChunkLoadError: Loading chunk 7 failed.")) == "chunk-load-error"
    assert reason(an_error("Error", "no ChunkLoadError at all")) == ""
    assert reason(an_error("ChunkLoadError", "Loading chunk 7 failed."), NOTHING) == ""


@pytest.mark.parametrize(
    ("members", "filtered"),
    [
        ({"blocked_uri": "chrome-extension://abcdef"}, True),
        ({"blocked_uri": "chrome-extension"}, True),
        ({"blocked_uri": "about"}, True),
        ({"source_file": "safari-web-extension://abc/content.js"}, True),
        ({"blocked_uri": "https://cdn.superfish.com/x.js"}, True),
        ({"blocked_uri": "https://cdn.example.com/x.js"}, False),
        ({"blocked_uri": "https://aboutus.example.com/"}, False),
        ({"blocked_uri": "https://notsuperfish.com/"}, False),
    ],
)
def test_row_2_invalid_csp(members, filtered):
    report = {"csp-report": {"effective-directive": "script-src", "document-uri": "https://shop.example.com/"}}
    report["csp-report"] |= {name.replace("_", "-"): value for name, value in members.items()}

    assert reason(report, kind="security") == ("invalid-csp" if filtered else "")


def test_row_2_a_project_adds_sources_of_its_own():
    report = {"csp-report": {"effective-directive": "img-src", "blocked-uri": "https://a.tracker.example/x.gif"}}
    own = InboundFilters(on=(), csp_sources=("*.tracker.example",))

    assert reason(report, own, kind="security") == "invalid-csp"
    assert reason(report, InboundFilters(on=(), csp_sources=("https://b.",)), kind="security") == ""
    assert reason(report, InboundFilters(on=(), csp_sources=("https://a.",)), kind="security") == "invalid-csp"


@pytest.mark.parametrize(
    ("line", "user", "sender", "filtered"),
    [
        ("203.0.113.7", "203.0.113.7", "", True),
        ("203.0.113.0/24", "203.0.113.9", "", True),
        ("203.0.113.0/24", "203.0.114.9", "", False),
        ("198.51.100.1", "203.0.113.9", "198.51.100.1", True),
        ("2001:db8::/32", "2001:db8::7", "", True),
        ("203.0.113.0/24", "::ffff:203.0.113.9", "", True),
        ("nonsense", "203.0.113.9", "", False),
        ("203.0.113.0/24", None, "unknown", False),
    ],
)
def test_row_3_ip_address(line, user, sender, filtered):
    payload = {"message": "m", **({"user": {"ip_address": user}} if user else {})}

    assert reason(payload, InboundFilters(on=(), addresses=(line,)), remote_addr=sender) == (
        "ip-address" if filtered else ""
    )


def test_row_4_release_version():
    given = InboundFilters(on=(), releases=("shop@1.*", "2.0"))

    assert reason({"message": "m", "release": "Shop@1.4.2"}, given) == "release-version"
    assert reason({"message": "m", "release": "2.0"}, given) == "release-version"
    assert reason({"message": "m", "release": "2.0.1"}, given) == ""
    assert reason({"message": "m"}, given) == ""


@pytest.mark.parametrize(
    ("glob", "payload", "filtered"),
    [
        ("*timeout*", {"logentry": {"message": "a %s timeout", "params": ["big"]}}, True),
        ("a big timeout", {"logentry": {"message": "a %s timeout", "params": ["big"]}}, True),
        ("timeout", {"logentry": {"formatted": "a timeout"}}, False),
        ("typeerror: *", an_error("TypeError", "x is undefined"), True),
        ("TypeError", an_error("TypeError", ""), True),
        ("just a value", {"exception": {"values": [{"value": "Just a value"}]}}, True),
        ("x is undefined", an_error("TypeError", "x is undefined"), False),
    ],
)
def test_row_5_error_message(glob, payload, filtered):
    assert reason(payload, InboundFilters(on=(), messages=(glob,))) == ("error-message" if filtered else "")


def test_row_5_any_exception_of_a_chain_is_looked_at():
    chain = {"exception": {"values": [{"type": "A", "value": "one"}, {"type": "B", "value": "two"}]}}

    assert reason(chain, InboundFilters(on=(), messages=("a: one",))) == "error-message"


@pytest.mark.parametrize(
    ("payload", "filtered"),
    [
        ({"user": {"ip_address": "127.0.0.1"}}, True),
        ({"user": {"ip_address": "::1"}}, True),
        ({"user": {"ip_address": "192.168.0.1"}}, False),
        (a_visit(url="http://localhost:3000/x"), True),
        (a_visit(url="http://127.0.0.1/x"), True),
        (a_visit(url="http://app.localhost/x"), True),
        (a_visit(url="file:///home/me/index.html"), True),
        (a_visit(url="https://localhost.example.com/"), False),
        (a_visit(url="https://example.com/localhost"), False),
        (a_visit(Host="localhost:8000"), True),
        (a_visit(X_Forwarded_Host="app.localhost"), True),
        (a_visit(Host="shop.example.com"), False),
    ],
)
def test_row_6_localhost(payload, filtered):
    assert reason({"message": "m", **payload}, only("localhost")) == ("localhost" if filtered else "")


@pytest.mark.parametrize(
    ("payload", "filtered"),
    [
        (an_error("ReferenceError", "Can't find variable: top.GLOBALS"), True),
        (an_error("Error", "Extension context invalidated."), True),
        (an_error("TypeError", "null is not an object (evaluating 'elt.parentNode')"), True),
        (an_error(frames=["https://shop.example.com/app.js", "chrome-extension://abc/inject.js"]), True),
        (an_error(frames=["moz-extension://abc/inject.js", "<anonymous>"]), True),
        (an_error(frames=["chrome-extension://abc/inject.js", "https://shop.example.com/app.js"]), False),
        (an_error(frames=["https://ff.kaspersky-labs.com/x.js"]), True),
        (an_error(frames=["https://graph.facebook.com/flite/x.js"]), True),
        (an_error(frames=["https://connect.facebook.net/en_US/all.js"]), True),
        (an_error(frames=["https://shop.example.com/superfish.js"]), False),
        (an_error("Error", "Extension context invalidated.") | {"platform": "python"}, False),
        (an_error(), False),
    ],
)
def test_row_7_browser_extensions(payload, filtered):
    assert reason(payload, only("browser-extensions")) == ("browser-extensions" if filtered else "")
    assert reason(payload) == ""


@pytest.mark.parametrize(
    ("keys", "user_agent", "filtered"),
    [
        (tuple(OLDEST_KEPT), CHROME.format(110), True),
        (tuple(OLDEST_KEPT), CHROME.format(111), False),
        (("firefox",), CHROME.format(100), False),
        (("ie",), IE11, True),
        (("ie_pre_9",), IE.format(8), True),
        (("ie_pre_9",), IE.format(9), False),
        (("ie9",), IE.format(9), True),
        (("ie10",), IE.format(10), True),
        (("ie11",), IE11, True),
        (("ie11",), IE.format(10), False),
        (("safari_pre_6",), SAFARI.format("5.1"), True),
        (("safari_pre_6",), SAFARI.format("15.1"), False),
        (("safari",), SAFARI.format("15.1"), True),
        (("safari",), SAFARI.format("16.0"), False),
        (("edge_pre_79",), CHROME.format(64) + " Edge/17.17134", True),
        (("edge",), CHROME.format(120) + " Edg/120.0.0.0", False),
        (("edge",), CHROME.format(109) + " Edg/109.0.0.0", True),
        (("opera_mini_pre_8",), "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119", True),
        (("android_pre_4",), "Mozilla/5.0 (Linux; U; Android 2.3.5; en-us) AppleWebKit/533.1 Version/4.0 Safari", True),
        (("opera",), OPERA.format(99), True),
        (("opera",), OPERA.format(100), False),
        (("opera_pre_15",), OLD_OPERA, True),
        (("opera_pre_15",), OPERA.format(99), False),
        (("opera_mini",), OPERA_MINI.format(34), True),
        (("opera_mini",), OPERA_MINI.format(35), False),
        (("android",), ANDROID.format("2.3.5"), True),
        (("android",), ANDROID.format("4.0.4"), False),
        (("unknown",), IE11, False),
        (tuple(OLDEST_KEPT), "curl/8.0", False),
        (tuple(OLDEST_KEPT), "", False),
    ],
)
def test_row_8_legacy_browsers(keys, user_agent, filtered):
    assert legacy_check(keys)(user_agent) is filtered
    given = InboundFilters(on=(), legacy_browsers=keys)
    assert reason({"message": "m", **a_visit(user_agent)}, given) == ("legacy-browsers" if filtered else "")


@pytest.mark.parametrize(
    ("user_agent", "crawler"),
    [
        (GOOGLEBOT, True),
        ("Mediapartners-Google", True),
        ("AdsBot-Google (+http://www.google.com/adsbot.html)", True),
        ("FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)", True),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", True),
        ("Baiduspider+(+http://www.baidu.com/search/spider.htm)", True),
        ("Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)", True),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", True),
        ("Twitterbot/1.0", True),
        ("LinkedInBot/1.0 (compatible; Mozilla/5.0; +http://www.linkedin.com)", True),
        ("Calypso AppCrawler/1.0", True),
        (CHROME.format(120) + " Chrome-Lighthouse", True),
        ("Some-Unheard-Of-Crawler/0.1", True),
        ("Slackbot 1.0(+https://api.slack.com/robots)", False),
        ("SentryUptimeBot/1.0 (+http://docs.sentry.io/product/alerts/uptime-monitoring/)", False),
        ("Mozilla/5.0 AppleWebKit/537.36 (compatible; ChatGPT-User/1.0; +https://openai.com/bot)", False),
        (CHROME.format(120), False),
        ("", False),
    ],
)
def test_row_9_web_crawlers(user_agent, crawler):
    assert crawler_check(user_agent) is crawler
    assert reason({"message": "m", **a_visit(user_agent)}, only("web-crawlers")) == ("web-crawlers" if crawler else "")


@pytest.mark.parametrize(
    ("name", "filtered"),
    [
        ("GET /healthcheck", True),
        ("HeartbeatController", True),
        ("/api/health", True),
        ("/healthz", True),
        ("GET /healthy", True),
        ("/live", True),
        ("/livez", True),
        ("/ready", True),
        ("/readyz", True),
        ("/ping", True),
        ("/up", True),
        ("/health/", True),
        ("/signup", False),
        ("/health/records", False),
        ("/pingpong", False),
    ],
)
def test_row_10_filtered_transaction(name, filtered):
    dropped = "filtered-transaction" if filtered else ""
    assert reason(a_transaction(name), kind="transaction") == dropped
    assert reason(a_transaction(name), NOTHING, kind="transaction") == ""
    assert reason({"message": "m", "transaction": name}) == ""


def test_the_first_filter_in_order_names_the_reason():
    given = InboundFilters(
        on=("localhost", "web-crawlers"), addresses=("127.0.0.1",), releases=("1.*",), messages=("*boom*",)
    )
    payload = {**an_error(), "release": "1.0", "user": {"ip_address": "127.0.0.1"}, **a_visit(GOOGLEBOT)}

    assert reason(payload, given) == "ip-address"
    assert reason(payload, replace(given, addresses=())) == "release-version"
    assert reason(payload, replace(given, addresses=(), releases=())) == "error-message"
    assert reason(payload, replace(given, addresses=(), releases=(), messages=())) == "localhost"


def test_transactions_meet_the_filters_that_are_not_about_errors():
    given = InboundFilters(
        on=("localhost", "web-crawlers", "browser-extensions"), releases=("1.*",), messages=("*",), addresses=("::2",)
    )

    assert reason(a_transaction(release="1.0"), given, kind="transaction") == "release-version"
    assert reason(a_transaction(**a_visit(GOOGLEBOT)), given, kind="transaction") == "web-crawlers"
    assert reason(a_transaction(**a_visit(url="http://localhost/")), given, kind="transaction") == "localhost"
    assert reason(a_transaction(user={"ip_address": "::2"}), given, kind="transaction") == "ip-address"
    assert reason(a_transaction(), given, kind="transaction") == ""


def test_what_is_filtered_is_counted_under_its_own_category():
    config = replace(CONFIG, filters=InboundFilters(on=("localhost",), releases=("1.*",)))
    payload = msgspec.json.encode({"message": "m", "release": "1.0"})

    values = [
        prepared_bytes(payload, config=config),
        prepared_bytes(msgspec.json.encode(a_transaction(release="1.0")), "transaction", config=config),
    ]

    assert [(value.category, value.quantity) for value in values if isinstance(value, Dropped)] == [
        (Category.ERROR, 1),
        (Category.TRANSACTION, 1),
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (BY_DEFAULT, ""),
        (InboundFilters(addresses=("10.0.0.0/8",)), "ip-address"),
        (InboundFilters(releases=("1.*",)), "release-version"),
        (InboundFilters(legacy_browsers=("chrome",)), "legacy-browsers"),
        (only("web-crawlers"), ""),
        (only("localhost"), ""),
    ],
)
def test_sessions_are_filtered_by_what_they_know(given, expected):
    assert filter_session(given, "1.0", ("", "10.1.2.3"), CHROME.format(90)) == expected


def test_a_session_of_a_crawler_is_none():
    assert filter_session(only("web-crawlers"), "", (), GOOGLEBOT) == "web-crawlers"


def test_what_belongs_to_a_filtered_event_goes_with_it_and_the_rest_stays():
    config = replace(CONFIG, filters=InboundFilters(on=(), releases=("1.*",)))
    event = ({"type": "event"}, msgspec.json.encode({"message": "m", "release": "1.0"}))
    file = ({"type": "attachment", "filename": "log.txt"}, b"12345")
    report = ({"type": "client_report"}, b'{"discarded_events":[{"reason":"a","category":"error","quantity":1}]}')

    values = prepared(file, event, report, config=config)

    assert [(v.category, v.reason, v.quantity) for v in values if isinstance(v, Dropped)] == [
        (Category.ERROR, "release-version", 1),
        (Category.ATTACHMENT, "release-version", 5),
    ]
    assert isinstance(values[-1], Reported)
    assert not any(isinstance(value, Dropped) for value in prepared(file, event))
