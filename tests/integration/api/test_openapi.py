"""The OpenAPI document: valid, without a warning, and the one that is committed."""

import re
from pathlib import Path

from drf_spectacular.validation import validate_schema

from tests.integration.api.client import Api
from vedette.api import openapi
from vedette.core import json

COMMITTED = Path(__file__).parents[3] / "docs/reference/openapi.json"


def test_the_document_is_valid():
    validate_schema(openapi.document())


def test_the_committed_document_is_what_the_code_says():
    made = openapi.as_file()

    assert COMMITTED.read_bytes() == made, "python -m vedette.api.openapi > docs/reference/openapi.json"


def test_every_operation_says_what_a_client_has_to_know():
    operations = [one for methods in openapi.document()["paths"].values() for one in methods.values()]

    assert len(operations) > 50
    for one in operations:
        assert re.fullmatch(r"[a-z]+[A-Za-z0-9]+", one["operationId"])
        assert one["summary"]
        assert one["tags"][0]
        assert "security" in one
        assert any(status.startswith("2") for status in one["responses"])


def test_names_that_clients_generate_code_from_stay():
    ids = {one["operationId"] for methods in openapi.document()["paths"].values() for one in methods.values()}

    assert {"listOrganizationIssues", "getOrganizationIssue", "listOrganizationProjects", "getProject"} <= ids


def test_the_server_describes_itself_to_anybody(db):
    first, second = Api().get("/openapi.json"), Api().get("/schema/")

    assert first.body == second.body
    assert first.body["servers"][0]["url"].startswith("http")
    assert first.body["paths"] == json.loads(json.dumps(openapi.document()))["paths"]
