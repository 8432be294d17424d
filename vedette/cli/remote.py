"""A running server, asked over its API from a machine that has nothing but its address and a token.

The variables are those that `sentry-cli` reads, so that a pipeline that has set it up has set this up as well. Nothing
here imports Django or needs a data directory.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import click

from vedette import __version__
from vedette.core.errors import Misconfigured, TryAgain

TIMEOUT_SECONDS = 30.0
MAX_ANSWER_BYTES = 16 * 2**20
_ORG_TOKEN = "sntrys_"  # noqa: S105 (the beginning of every organization token)

F = TypeVar("F", bound=Callable[..., Any])


class Away(TryAgain):
    """The server gives no answer now; it may later."""

    code = "away"


class Unanswered(Misconfigured):
    """The server cannot be asked this: it is not there, or it refuses."""

    code = "unanswered"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said, decoded."""

    status: int
    body: Any

    @property
    def sentence(self) -> str:
        """What it complains of, fit for a terminal."""
        if not isinstance(self.body, dict):
            return f"the server answered {self.status}"
        if isinstance(detail := self.body.get("detail"), str):
            return plain(detail)
        return plain("; ".join(f"{field}: {_joined(sentences)}" for field, sentences in self.body.items()))


@dataclass(frozen=True, slots=True)
class Remote:
    """A server at `url` (no slash at the end) that `token` opens."""

    url: str
    token: str

    def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Answer:
        """What is at `path` below `/api/0/`; refusals are answers.

        Raises `Away` where there is none, or the server asks for patience, and `Unanswered` for what is not JSON.
        """
        address = f"{self.url}/api/0/{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Authorization": f"Bearer {self.token}", "User-Agent": f"vedette/{__version__}"}
        try:
            return self._answer(Request(address, headers=headers))  # noqa: S310 (http or https: `remote_of` saw to it)
        except (OSError, HTTPException, UnicodeError) as error:
            raise Away(f"{self.url} does not answer: {getattr(error, 'reason', None) or error}") from error

    def _answer(self, request: Request) -> Answer:
        try:
            response = build_opener(_Stay).open(request, timeout=TIMEOUT_SECONDS)
        except HTTPError as error:
            response = error
        with response:
            status: int = response.status
            body: bytes = response.read(MAX_ANSWER_BYTES)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Away(f"{self.url} cannot answer now (status {status})")
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise Unanswered(f"{self.url} sends elsewhere (status {status})", "Name the address that it sends to.")
        try:
            return Answer(status, json.loads(body))
        except ValueError:
            raise Unanswered(f"{self.url} is no Vedette: it answers {status}, and not in JSON") from None


class _Stay(HTTPRedirectHandler):
    """A token goes to the address that it was meant for, and to no other."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def remote_options(command: F) -> F:
    """The options of a command that asks a server: `url`, `token` and `org`."""
    for option in (
        click.option("--org", envvar="SENTRY_ORG", show_envvar=True, metavar="SLUG", help="The organization."),
        click.option(
            "--auth-token",
            "token",
            envvar="SENTRY_AUTH_TOKEN",
            show_envvar=True,
            metavar="TEXT",
            help="A token of a user or of the organization; better in its variable, which others do not see.",
        ),
        click.option(
            "--url",
            envvar=["VEDETTE_URL", "SENTRY_URL"],
            show_envvar=True,
            metavar="URL",
            help="Where the server is. An organization token names server and organization itself.",
        ),
    ):
        command = option(command)
    return command


def remote_of(url: str | None, token: str | None, org: str | None) -> tuple[Remote, str]:
    """The server and the organization that these options name, or else the token does. Raises `Misconfigured`."""
    text = (token or "").strip()
    if not text:
        raise Misconfigured("there is no token", "Put one into SENTRY_AUTH_TOKEN.")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise Misconfigured("the token is none: it holds spaces or odd characters", "Look at SENTRY_AUTH_TOKEN.")
    told = _told_by(text)
    address = (url or told.get("url") or "").strip().rstrip("/")
    slug = org or told.get("org")
    if not address:
        raise Misconfigured("nothing says where the server is", "Put its address into VEDETTE_URL.")
    if not slug:
        raise Misconfigured("nothing says which organization", "Say --org, or put it into SENTRY_ORG.")
    if not _is_address(address):
        raise Misconfigured("the server's address is not understood", "Write http:// or https:// and a host.")
    return Remote(address, text), slug


def plain(text: object) -> str:
    """Text of strangers, without what a terminal obeys."""
    return "".join(letter if letter.isprintable() else "·" for letter in str(text))


def _told_by(token: str) -> dict[str, str]:
    """What an organization token says about itself; nothing where it is of another kind."""
    if not token.startswith(_ORG_TOKEN):
        return {}
    payload = token.removeprefix(_ORG_TOKEN).partition("_")[0]
    try:
        told = json.loads(base64.b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return {}
    if not isinstance(told, dict):
        return {}
    return {name: told[name] for name in ("url", "org") if isinstance(told.get(name), str)}


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    good = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    return good and not parts.query and not parts.fragment


def _joined(sentences: object) -> str:
    return " ".join(str(one) for one in sentences) if isinstance(sentences, list) else str(sentences)
