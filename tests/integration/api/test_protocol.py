"""What holds for every endpoint: JSON in and out, errors, compressed bodies, headers for pages of other sites."""

import gzip
import logging

import pytest
import zstandard
from django.test import Client

from tests.integration.api.client import Api
from vedette.api import organizations
from vedette.api.bodies import MAX_DEPTH
from vedette.core import json
from vedette.core.errors import TryAgain

PATH = "/organizations/acme/"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "", "*/*", "nonsense"])
def test_the_answer_is_json_whatever_is_accepted(accept, api):
    assert api.get(PATH, Accept=accept).status == 200
    assert api.get(f"{PATH}?format=html", Accept=accept).status == 200


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)]
)
def test_a_compressed_body_is_read(encoding, compress, api):
    answer = api.put(PATH, compress(json.dumps({"name": "Packed"})), Content_Encoding=encoding)

    assert answer.body["name"] == "Packed"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"\xff", {}, 400),
        (b"[" * 5000 + b"]" * 5000, {}, 400),
        (b'"text"', {}, 400),
        (b"[1]", {}, 400),
        (gzip.compress(b"{}")[:-4], {"Content_Encoding": "gzip"}, 400),
        (b"{}", {"Content_Encoding": "rot13"}, 400),
        (gzip.compress(b" " * (21 * 2**20)), {"Content_Encoding": "gzip"}, 413),
        (b" " * (20 * 2**20 + 1), {}, 413),
    ],
    ids=["cut", "no utf-8", "deep", "text", "list", "cut gzip", "unknown", "bomb", "big"],
)
def test_an_unreadable_body_is_refused(body, headers, status, api):
    answer = api.put(PATH, body, **headers)

    assert answer.status == status
    assert answer.body


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_body_is_nested_no_deeper_than_what_handles_it(opening, closing, api, acme):
    def answer(key, levels):
        return api.put(PATH, f'{{"{key}": {opening * levels}0{closing * levels}}}'.encode())

    assert answer("unknown", MAX_DEPTH - 1).status == 200
    for levels in (MAX_DEPTH, 1000):
        assert answer("trustedRelays", levels).detail == f"The body is nested more than {MAX_DEPTH} levels deep."


def test_a_body_says_what_is_wrong_field_by_field(api):
    answer = api.put(PATH, {"name": "", "openMembership": "perhaps", "storeCrashReports": 101})

    assert answer.status == 400
    assert set(answer.body) == {"name", "openMembership"}
    assert answer.body["name"] == ["This field may not be blank."]


def test_null_means_absent_and_unknown_keys_are_ignored(api, acme):
    answer = api.put(PATH, {"name": None, "nonsense": {"a": 1}})

    assert (answer.status, answer.body["name"]) == (200, acme.name)


def test_what_nobody_foresaw_is_an_error_without_a_word(api, monkeypatch, caplog):
    monkeypatch.setattr(organizations, "organization_details", lambda *_: 1 / 0)

    with caplog.at_level(logging.ERROR, "vedette.api"):
        answer = api.get(PATH)

    assert (answer.status, answer.body) == (500, {"detail": "Internal Error", "errorId": None})
    assert "ZeroDivisionError" in caplog.text


def test_a_host_that_is_not_ours_is_refused_in_json(db, caplog):
    answer = Api().get("/", Host="evil.example.com")

    assert (answer.status, answer.detail) == (400, "Bad Request")


def test_what_fails_outside_of_an_endpoint_is_json_too(db, monkeypatch):
    client = Client(raise_request_exception=False)
    monkeypatch.setattr("vedette.api.cors.add_headers", lambda *_: 1 / 0)

    answer = Api(client=client).get("/")

    assert (answer.status, answer.body) == (500, {"detail": "Internal Error", "errorId": None})


def test_a_store_that_is_away_is_worth_another_try(api, monkeypatch):
    def away(*_):
        raise TryAgain("the event store is away")

    monkeypatch.setattr(organizations, "organization_details", away)

    answer = api.get(PATH)

    assert (answer.status, answer.detail, answer.headers["Retry-After"]) == (503, "the event store is away", "5")


def test_preflight_needs_no_credential(db):
    answer = Api().ask("OPTIONS", PATH, None, {"Origin": "https://app.example.com"})

    assert (answer.status, answer.raw) == (200, b"")
    assert answer.headers["Access-Control-Max-Age"] == "3600"
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, PUT, DELETE, HEAD, OPTIONS"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(("origin", "shown"), [(None, "*"), ("null", "*"), ("https://a.example", "https://a.example")])
def test_a_page_of_any_site_may_read_with_a_token(origin, shown, api):
    answer = api.get(PATH, **({"Origin": origin} if origin else {}))

    assert answer.headers["Access-Control-Allow-Origin"] == shown
    assert "Link" in answer.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answer.headers["Vary"]


def test_errors_can_be_read_by_other_sites_too(db):
    answer = Api().get(PATH, Origin="https://a.example")

    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (401, "https://a.example")


def test_head_answers_as_get_does(api):
    answer = api.ask("HEAD", PATH, None, {})

    assert (answer.status, answer.raw) == (200, b"")


@pytest.mark.parametrize(
    ("cursor", "status"), [("", 200), ("100:0:0", 200), ("1:2", 400), ("a:b:c", 400), ("1:0:2", 400), ("9" * 40, 400)]
)
def test_a_cursor_is_three_numbers(cursor, status, api):
    answer = api.get(f"/organizations/?cursor={cursor}")

    assert answer.status == status
    if status == 400:
        assert answer.detail == "Invalid cursor parameter."


@pytest.mark.parametrize(
    ("per_page", "sentence"),
    [
        ("101", "Invalid per_page value. Cannot exceed 100."),
        ("x", "Invalid per_page parameter."),
        ("0", "Invalid per_page parameter."),
        ("-1", "Invalid per_page parameter."),
    ],
)
def test_a_page_has_a_hundred_rows_at_most(per_page, sentence, api):
    assert api.get(f"/organizations/?per_page={per_page}").detail == sentence
