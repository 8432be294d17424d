"""The smallest HTTP client that the tests need: every status is an answer, cookies are kept, nothing is followed."""

import http.client
import json
import re
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. Header names are in lower case; a header that came twice is joined by commas."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; what it was instead goes into the failure."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise AssertionError(f"status {self.status}, and no JSON: {self.text[:500]!r}") from None


class Client:
    """Talks to one server, on a new connection each time, so that a restart in between does no harm."""

    def __init__(self, url: str, headers: dict[str, str] | None = None, timeout_seconds: float = 20.0) -> None:
        self.url = url.rstrip("/")
        self.headers = dict(headers or {})
        self.cookies: dict[str, str] = {}
        self.timeout_seconds = timeout_seconds

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request. Raises `OSError` or `HTTPException` when there is no answer."""
        address = urlsplit(self.url)
        assert address.hostname
        connection = http.client.HTTPConnection(address.hostname, address.port or 80, timeout=self.timeout_seconds)
        sent = {"Connection": "close", **self.headers, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            answer = Answer(response.status, _joined(response.getheaders()), response.read())
            self._keep_cookies(response.headers.get_all("Set-Cookie") or [])
            return answer
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """GET; a path may be a whole URL of this server."""
        return self.request("GET", path.removeprefix(self.url))

    def post_json(self, path: str, value: Any, method: str = "POST", headers: dict[str, str] | None = None) -> Answer:
        """Send a value as JSON."""
        body = json.dumps(value).encode()
        return self.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})

    def post_form(self, path: str, fields: dict[str, str]) -> Answer:
        """Send a form as a browser does: with the hidden token of the page it stands on, and a Referer."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path).text)
        data = {**fields, **({"csrfmiddlewaretoken": token[1]} if token else {})}
        return self.request(
            "POST",
            path,
            urlencode(data).encode(),
            {"Content-Type": "application/x-www-form-urlencoded", "Referer": self.url + path, "Origin": self.url},
        )

    def _keep_cookies(self, lines: list[str]) -> None:
        for line in lines:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers
