"""Asking the REST API of a host of repositories, and what its answers mean.

A refusal is told in the host's own words, cut to one line. A host that wants to be left alone for a while (429, or 403
with its limit used up) is away until the moment that it names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from vedette.core import clock, json
from vedette.core.outgoing import Answer, Outgoing, OutgoingFailed, OutgoingRefused
from vedette.shipping.providers.base import MAX_COMMITS, ProviderAway, ProviderRefused

PAGE = 100
MAX_PAGES = MAX_COMMITS // PAGE
MAX_DETAILED = 100  # commits whose files are asked for, the newest: each costs a request
MAX_FILES = 1000  # of one commit
LONGEST_WAIT_SECONDS = 2 * 3600
LONGEST_TEXT = 200
LONGEST_WORD = 600  # of names, addresses and paths, whose columns hold fewer characters
BUDGET_SECONDS = 240.0  # for everything that is asked about one ref

_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,254}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_AWAY = (408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524)


@dataclass(frozen=True, slots=True)
class Rest:
    """One repository at one host. `root` is the address of its API, without a slash; `headers` hold the token."""

    host: str
    root: str
    headers: Mapping[str, str]
    outgoing: Outgoing

    def get(self, path: str, **query: str | int) -> tuple[Any, Answer]:
        """The decoded answer, and the answer itself. Raises `ProviderAway` and `ProviderRefused`."""
        url = f"{self.root}{path}{'?' if query else ''}{urlencode(query)}"
        try:
            answer = self.outgoing.send("GET", url, headers=self.headers, redirects=3)
        except OutgoingRefused as error:
            raise ProviderRefused(f"{self.host}: {error}. {error.hint}") from error
        except OutgoingFailed as error:
            raise ProviderAway(f"{self.host}: {error}") from error
        if answer.status == 200:
            return _decoded(self.host, answer), answer
        if _is_limited(answer):
            wait = _wait_seconds(answer, clock.now())
            raise ProviderAway(f"{self.host}: its limit of requests is used up: {_reason(answer)}", wait)
        text = f"{self.host}: {answer.status} {_reason(answer)}".strip()
        raise ProviderAway(text) if answer.status in _AWAY else ProviderRefused(text)

    def pages(self, path: str, most: int = MAX_PAGES, **query: str | int) -> Iterator[list[dict[str, Any]]]:
        """The pages of a list, until one is not full; at most `most`."""
        for number in range(1, most + 1):
            found = objects(self.get(path, **query, per_page=PAGE, page=number)[0])
            yield found
            if len(found) < PAGE:
                return


def check_ref(ref: str) -> None:
    """Only what can be a commit, a branch or a tag is asked for. Raises `ProviderRefused`."""
    if not _REF.fullmatch(ref) or ".." in ref or ref.endswith("/"):
        raise ProviderRefused(f"{ref[:64]!r} is no name of a commit")


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; whatever else a host answers is none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def inner(value: Any, *names: str) -> Any:
    """What stands at `names`, one inside the other; None where anything on the way is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text_at(value: Any, *names: str) -> str | None:
    """The text there; None for anything else, and for nothing."""
    found = inner(value, *names)
    return found.replace("\0", "\ufffd") if isinstance(found, str) and found else None


def word_at(value: Any, *names: str) -> str | None:
    """The same where something short belongs; what is much too long for that is cut."""
    found = text_at(value, *names)
    return None if found is None else found[:LONGEST_WORD]


def moment_at(value: Any, *names: str) -> datetime | None:
    """The moment there, in UTC; None for what is none, or none of the calendar."""
    try:
        found = datetime.fromisoformat(text_at(value, *names) or "")
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _decoded(host: str, answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except json.JSONDecodeError as error:
        raise ProviderAway(f"{host}: the answer is no JSON; is that the address of its API?") from error


def _is_limited(answer: Answer) -> bool:
    if answer.status == 429:
        return True
    spent = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    return answer.status == 403 and (spent or "rate limit" in _reason(answer).lower())


def _wait_seconds(answer: Answer, now: datetime) -> float:
    """For how long the host wants to be left alone; 0 if it does not say."""
    after = answer.headers.get("retry-after", "")
    if _SECONDS.fullmatch(after):
        return min(float(after), LONGEST_WAIT_SECONDS)
    reset = answer.headers.get("x-ratelimit-reset") or answer.headers.get("ratelimit-reset") or ""
    left = int(reset) - now.timestamp() if _SECONDS.fullmatch(reset) else 0.0
    return min(max(left, 0.0), LONGEST_WAIT_SECONDS)


def _reason(answer: Answer) -> str:
    """What the host says about its refusal, in one line."""
    try:
        said = json.loads(answer.body)
    except json.JSONDecodeError:
        return ""
    for name in ("message", "error_description", "error"):
        found = said.get(name) if isinstance(said, dict) else None
        if isinstance(found, str):
            return " ".join("".join(c if c.isprintable() else " " for c in found).split())[:LONGEST_TEXT]
    return ""
