"""Tokens for the services of Google, from what the environment says who is asking.

As Google's own libraries look: a file that `GOOGLE_APPLICATION_CREDENTIALS` names (a service account, or a person who
signed in), the file that `gcloud auth application-default login` leaves, or the metadata server of a machine at Google.
Source: "Application Default Credentials" and "Using OAuth 2.0 for Server to Server Applications" of Google's manuals.
"""

import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from vedette.core.errors import VedetteError
from vedette.core.outgoing import ANY, Answer, Outgoing, OutgoingFailed, OutgoingRefused

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - where tokens are, and none
SCOPE = "https://www.googleapis.com/auth/cloudkms"

_METADATA_HOST = "metadata.google.internal"
_METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_GCLOUD = Path(".config/gcloud/application_default_credentials.json")
_LIFETIME_SECONDS = 3600
_EARLY_SECONDS = 60  # a token is not used in its last minute
_LARGEST_FILE = 2**20
# The addresses come from the operator's own files and environment, not from a stranger.
_OUTGOING = Outgoing(allow=(ANY,))


class GoogleRefused(VedetteError):
    """Google cannot be asked, or says no. The text carries no secret."""

    code = "google-refused"


@dataclass(slots=True)
class Google:
    """Asks services of Google in the name of whom `environ` says."""

    environ: Mapping[str, str]
    outgoing: Outgoing = _OUTGOING
    _token: str = field(default="", init=False, repr=False)
    _until: float = field(default=0.0, init=False)

    def ask(self, method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What a service answers, as JSON. Raises `GoogleRefused`."""
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/json"}
        return self._send(method, url, headers, orjson.dumps(body) if body is not None else None)

    def token(self) -> str:
        """An access token, kept until shortly before it ends. Raises `GoogleRefused`."""
        if not self._token or time.time() >= self._until:
            told = self._fresh()
            token, seconds = told.get("access_token"), told.get("expires_in", 0)
            if not isinstance(token, str) or not token or not isinstance(seconds, int | float):
                raise GoogleRefused("Google gave no access token")
            self._token, self._until = token, time.time() + seconds - _EARLY_SECONDS
        return self._token

    def _fresh(self) -> dict[str, Any]:
        path = self._file()
        if path is None:
            host = self.environ.get("GCE_METADATA_HOST") or _METADATA_HOST
            return self._send("GET", f"http://{host}{_METADATA_PATH}", {"Metadata-Flavor": "Google"}, None)
        who = _read_file(path)
        match who.get("type"):
            case "service_account":
                form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": _assertion(who, path)}
            case "authorized_user":
                names = ("client_id", "client_secret", "refresh_token")
                form = {"grant_type": "refresh_token", **{name: _text(who, name, path) for name in names}}
            case other:
                raise GoogleRefused(f"{path}: credentials of the type {str(other)[:40]!r} are not supported")
        url = _text({"token_uri": TOKEN_URL, **who}, "token_uri", path)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._send("POST", url, headers, urlencode(form).encode())

    def _file(self) -> Path | None:
        named = self.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        if named:
            return Path(named)
        home = self.environ.get("HOME")
        path = Path(home) / _GCLOUD if home else None
        return path if path is not None and path.is_file() else None

    def _send(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> dict[str, Any]:
        try:
            answer = self.outgoing.send(method, url, headers=headers, body=body)
        except (OutgoingFailed, OutgoingRefused) as error:
            raise GoogleRefused(f"Google cannot be asked: {error}") from error
        told = _as_json(answer.body)
        if answer.status != 200:
            raise GoogleRefused(_complaint(answer, told))
        return told


def _complaint(answer: Answer, told: dict[str, Any]) -> str:
    """What is wrong, in the words of the service."""
    error = told.get("error")
    said = error.get("message") if isinstance(error, dict) else told.get("error_description") or error
    return f"Google answers {answer.status}" + (f": {said[:300]}" if isinstance(said, str) else "")


def _as_json(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _read_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            found = _as_json(stream.read(_LARGEST_FILE))
    except OSError as error:
        raise GoogleRefused(f"{path}: {error.strerror}") from error
    if not found:
        raise GoogleRefused(f"{path} holds no credentials")
    return found


def _assertion(who: dict[str, Any], path: Path) -> str:
    """A service account's claim to be itself, signed: a JSON Web Token."""
    try:
        key = load_pem_private_key(_text(who, "private_key", path).encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise GoogleRefused(f"{path}: its private_key is no key") from error
    if not isinstance(key, RSAPrivateKey):
        raise GoogleRefused(f"{path}: its private_key is no RSA key")
    now = int(time.time())
    claims = {
        "iss": _text(who, "client_email", path),
        "scope": SCOPE,
        "aud": who.get("token_uri") or TOKEN_URL,
        "iat": now,
        "exp": now + _LIFETIME_SECONDS,
    }
    signed = f"{_part({'alg': 'RS256', 'typ': 'JWT', 'kid': who.get('private_key_id')})}.{_part(claims)}"
    signature = key.sign(signed.encode(), PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_base64(signature)}"


def _part(value: dict[str, Any]) -> str:
    return _base64(orjson.dumps(value))


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _text(who: dict[str, Any], name: str, path: Path) -> str:
    value = who.get(name)
    if not isinstance(value, str) or not value:
        raise GoogleRefused(f"{path} has no {name}")
    return value
