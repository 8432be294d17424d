"""`vedette releases`: what a pipeline asks a running server about releases, from anywhere.

`gate` ends with 0 when the release may go on, with 1 when it may not, and with 2 when nobody can say: it was asked
wrongly, or the server does not answer.
"""

import json
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import click

from vedette.cli.remote import Answer, Away, Remote, Unanswered, plain, remote_of, remote_options
from vedette.core import clock

POLL_SECONDS = 10.0
MOST_MINUTES = 24 * 60
_PER_CENT = click.FloatRange(0, 100)


class NotYet(Away):
    """There is no such release; there may be one later."""

    code = "not-yet"


@click.group("releases")
def command() -> None:
    """Ask a running server about releases; neither its disk nor its settings are needed.

    The variables of `sentry-cli` are read: SENTRY_URL (or VEDETTE_URL), SENTRY_AUTH_TOKEN, SENTRY_ORG and
    SENTRY_PROJECT.
    """


@command.command("gate")
@click.argument("version")
@remote_options
@click.option(
    "--project", "projects", multiple=True, envvar="SENTRY_PROJECT", show_envvar=True, help="Only this project."
)
@click.option("--environment", "environments", multiple=True, help="Only this environment.")
@click.option("--max-new-issues", type=click.IntRange(0), metavar="N", help="At most N issues began in the release.")
@click.option("--max-regressed-issues", type=click.IntRange(0), metavar="N", help="At most N issues came back in it.")
@click.option(
    "--min-crash-free-sessions", type=_PER_CENT, metavar="PCT", help="At least so many of its sessions did not crash."
)
@click.option(
    "--min-crash-free-users", type=_PER_CENT, metavar="PCT", help="At least so many of its users met no crash."
)
@click.option("--min-adoption", type=_PER_CENT, metavar="PCT", help="At least so many of today's users have it.")
@click.option("--period", metavar="PERIOD", help="What crash-free rates are of, such as 24h or 7d.  [default: 14d]")
@click.option(
    "--wait",
    "minutes",
    type=click.FloatRange(0, MOST_MINUTES),
    default=0.0,
    metavar="MINUTES",
    help="Ask again until it passes, fails for good, or so much time is over.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def gate(
    version: str,
    url: str | None,
    token: str | None,
    org: str | None,
    projects: tuple[str, ...],
    environments: tuple[str, ...],
    minutes: float,
    period: str | None,
    as_json: bool,
    **bounds: float | None,
) -> int:
    """Say whether the release VERSION may go on: 0 it may, 1 it may not, 2 nobody can say.

    Name at least one bound. Archived issues, and those that are resolved in this release or for good, do not count.
    What nobody can say yet, such as a crash-free rate without sessions, has not passed; --wait waits for it.
    """
    query = [
        (_camel(name), f"{bound:.6f}".rstrip("0").rstrip(".")) for name, bound in bounds.items() if bound is not None
    ]
    if not query:
        raise click.UsageError("Name at least one bound, such as --max-new-issues 0.")
    query += [("project", name) for name in projects] + [("environment", name) for name in environments]
    query += [("statsPeriod", period)] if period else []
    remote, slug = remote_of(url, token, org)
    verdict = wait_for(
        lambda: ask_gate(remote, slug, version, query),
        minutes * 60,
        say=lambda line: click.echo(line, err=True),
    )
    click.echo(json.dumps(verdict) if as_json else "\n".join(lines_of(verdict)))
    return 0 if verdict["passed"] else 1


def ask_gate(remote: Remote, org: str, version: str, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The gate's answer. Raises `Away`, `NotYet` for a release that is not there, and `Unanswered`."""
    releases = f"organizations/{quote(org, safe='')}/releases/"
    answer = remote.get(f"{releases}{quote(version, safe='')}/gate/", query)
    if answer.status == HTTPStatus.NOT_FOUND:
        whole = remote.get(releases, [("per_page", "1")])
        if whole.status == HTTPStatus.OK:
            narrowed = " of this project" if any(name == "project" for name, _ in query) else ""
            raise NotYet(f"there is no release {plain(version)}{narrowed} in {plain(org)}")
        raise _refused(whole, org)
    if answer.status != HTTPStatus.OK or not isinstance(answer.body, dict) or "passed" not in answer.body:
        raise _refused(answer, org)
    verdict: dict[str, Any] = answer.body
    return verdict


def wait_for(
    ask: Callable[[], dict[str, Any]],
    seconds: float,
    *,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = clock.monotonic,
) -> dict[str, Any]:
    """Ask until the gate passes, fails for good, or the time is over; gives its last answer.

    A server that is away and a release that is not there yet are waited for as well. Raises `Unanswered` when they
    still are.
    """
    until = monotonic() + seconds
    while True:
        left = until - monotonic()
        try:
            verdict = ask()
            if verdict["passed"] or verdict["final"] or left <= 0:
                return verdict
            reason = next(check["reason"] for check in verdict["checks"] if not check["passed"])
        except Away as error:
            if left <= 0:
                raise Unanswered(str(error)) from error
            reason = str(error)
        say(f"{plain(reason).rstrip('.')}. Waiting for {max(1, round(left / 60))} more minutes at most.")
        sleep(min(POLL_SECONDS, left))


def lines_of(verdict: dict[str, Any]) -> list[str]:
    """A verdict as people read it in the log of a pipeline."""
    where = [*verdict["projects"], *(name or "(no environment)" for name in verdict["environments"])]
    place = f" in {', '.join(where)}" if where else ""
    lines = [f"{verdict['version']}{place}: {'passed' if verdict['passed'] else 'FAILED'}"]
    for check in verdict["checks"]:
        mark = "ok     " if check["passed"] else "unknown" if check["measured"] is None else "FAILED "
        lines.append(f"  {mark}  {check['check']}: {check['reason']}")
        if not check["passed"]:
            lines += [f"             {issue['shortId']}  {issue['title']}  {issue['url']}" for issue in check["issues"]]
    return [plain(line) for line in [*lines, f"  {verdict['url']}"]]


@command.command("list")
@remote_options
@click.option("--project", "projects", multiple=True, envvar="SENTRY_PROJECT", show_envvar=True, help="Only this one.")
@click.option("--query", help="Only releases that this search finds.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_releases(
    url: str | None, token: str | None, org: str | None, projects: tuple[str, ...], query: str | None, as_json: bool
) -> None:
    """List the newest hundred releases."""
    remote, slug = remote_of(url, token, org)
    asked = [("project", name) for name in projects] + ([("query", query)] if query else [])
    found = _fetched(remote, slug, f"organizations/{quote(slug, safe='')}/releases/", asked)
    if as_json:
        click.echo(json.dumps(found))
        return
    for release in found:
        click.echo(plain(f"{release['dateReleased'] or release['dateCreated']}  {release['version']}"))


@command.command("info")
@click.argument("version")
@remote_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def info(version: str, url: str | None, token: str | None, org: str | None, as_json: bool) -> None:
    """Say what is known of the release VERSION."""
    remote, slug = remote_of(url, token, org)
    found = _fetched(remote, slug, f"organizations/{quote(slug, safe='')}/releases/{quote(version, safe='')}/", [])
    if as_json:
        click.echo(json.dumps(found))
        return
    deploy = found["lastDeploy"]
    for name, value in (
        ("version", found["version"]),
        ("status", found["status"]),
        ("projects", ", ".join(project["slug"] for project in found["projects"])),
        ("created", found["dateCreated"]),
        ("released", found["dateReleased"] or "not yet"),
        ("commits", found["commitCount"]),
        ("last deploy", f"{deploy['environment']}, {deploy['dateFinished']}" if deploy else "none"),
        ("new issues", found["newGroups"]),
    ):
        click.echo(plain(f"{name:<12} {value}"))


def _fetched(remote: Remote, org: str, path: str, query: Sequence[tuple[str, str]]) -> Any:
    try:
        answer = remote.get(path, query)
    except Away as error:
        raise Unanswered(str(error)) from error
    if answer.status != HTTPStatus.OK:
        raise _refused(answer, org)
    return answer.body


def _refused(answer: Answer, org: str) -> Unanswered:
    hints: dict[int, str] = {
        HTTPStatus.UNAUTHORIZED: "Look at SENTRY_AUTH_TOKEN.",
        HTTPStatus.FORBIDDEN: "The token needs project:read, project:releases or org:ci, and has to reach the project.",
        HTTPStatus.NOT_FOUND: f"Look at the version, and whether the token reaches the organization {plain(org)}.",
    }
    return Unanswered(answer.sentence, hints.get(answer.status, ""))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
