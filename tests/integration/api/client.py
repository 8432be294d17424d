"""Asks the API as clients do, and holds every answer against the OpenAPI document."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema
from django.test import Client
from django.urls import resolve

from vedette.api import openapi
from vedette.api.endpoint import Endpoint
from vedette.core import json

METHODS = ("GET", "POST", "PUT", "DELETE")


@dataclass(frozen=True)
class Answer:
    """One response; `body` is decoded, None where there is none."""

    status: int
    body: Any
    headers: Any
    raw: bytes

    @property
    def detail(self) -> str:
        """The sentence of an error, which is the only key of its body."""
        assert list(self.body) == ["detail"], self.body
        return self.body["detail"]


class Api:
    """A caller with a token, or with none."""

    def __init__(self, token: str = "", scheme: str = "Bearer", client: Client | None = None) -> None:
        self.headers = {"Authorization": f"{scheme} {token}"} if token else {}
        self.client = client or Client()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, None, headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("PUT", path, body, headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("POST", path, body, headers)

    def delete(self, path: str, **headers: str) -> Answer:
        return self.ask("DELETE", path, None, headers)

    def ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        """Send a request below /api/0; a body may be bytes, otherwise it is sent as JSON."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        url = path if path.startswith("/api") else f"/api/0{path}"
        response = self.client.generic(method, url, data, content_type="application/json", headers=sent)
        raw = b"".join(response.streaming_content) if response.streaming else response.content
        if not response.streaming and raw:
            assert response.headers["Content-Type"] == "application/json", response.headers["Content-Type"]
        if response.streaming:
            response.close()
        decoded = json.loads(raw) if raw and not response.streaming else None
        answer = Answer(response.status_code, decoded, response.headers, raw)
        if 200 <= answer.status < 300 and method in METHODS and not response.streaming:
            conforms(method, url.partition("?")[0], answer)
        return answer


def conforms(method: str, path: str, answer: Answer) -> None:
    """The answer has the declared status and is of the declared type."""
    view = resolve(path).func.cls
    assert issubclass(view, Endpoint)
    declared = view.operations[method]
    assert answer.status in declared.statuses, answer.status
    if answer.status == 204 or declared.answers is None:
        assert answer.raw == b""
        return
    assert not list(_checker(declared.id).iter_errors(answer.body)), _complaints(declared.id, answer.body)


def _complaints(operation_id: str, body: Any) -> str:
    errors = _checker(operation_id).iter_errors(body)
    return "\n".join(f"{error.json_path}: {error.message[:300]}" for error in errors)


@cache
def _checker(operation_id: str) -> jsonschema.Draft202012Validator:
    document = _plain(openapi.document())
    for methods in document["paths"].values():
        for operation in methods.values():
            if operation["operationId"] == operation_id:
                success = next(found for status, found in operation["responses"].items() if status.startswith("2"))
                schema = success["content"]["application/json"]["schema"]
                return jsonschema.Draft202012Validator({**schema, "components": document["components"]})
    raise AssertionError(f"no operation {operation_id}")


def _plain(value: Any) -> Any:
    """OpenAPI 3.0's `nullable` in JSON Schema's words, and objects that hold nothing else."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {key: _plain(item) for key, item in value.items() if key != "nullable"}
    if plain.get("type") == "object" and "properties" in plain:
        plain["additionalProperties"] = False
    if plain.get("format") == "date-time":
        plain["pattern"] = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"
    return {"anyOf": [plain, {"type": "null"}]} if value.get("nullable") is True else plain
