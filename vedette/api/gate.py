"""The gate of a release: one answer for a pipeline, with its reasons. Not in Sentry."""

import re
from typing import TypedDict
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.filters import projects
from vedette.api.operations import ENVIRONMENT, PROJECT, RELEASE_READ, Operation, Parameter, operation
from vedette.api.releasereach import readable_release
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.events.connection import event_store
from vedette.releases.gate import Bounds, is_final, passed
from vedette.releases.models import ReleaseProject
from vedette.releases.periods import PERIODS
from vedette.shipping.gate import Finding, Subject, Verdict, hold_against

MOST_ISSUES = 1_000_000
MOST_ENVIRONMENTS = 20
LONGEST_ENVIRONMENT = 64
NOTHING_ASKED = (
    "Name at least one bound: maxNewIssues, maxRegressedIssues, minCrashFreeSessions, minCrashFreeUsers, minAdoption."
)
_COUNTS = (
    Parameter("maxNewIssues", "At most so many issues were first seen in the release.", "integer"),
    Parameter("maxRegressedIssues", "At most so many resolved issues came back in it.", "integer"),
)
_RATES = (
    Parameter("minCrashFreeSessions", "At least so many per cent of its sessions did not crash.", "number"),
    Parameter("minCrashFreeUsers", "At least so many per cent of its users met no crash.", "number"),
    Parameter(
        "minAdoption",
        "At least so many per cent of the last 24 hours' users have it, or of the sessions where none name users.",
        "number",
    ),
)
_PERIOD = Parameter("statsPeriod", "What crash-free rates are of; by default `14d`.", choices=tuple(PERIODS))
_COUNT = re.compile(r"\d{1,7}", re.ASCII)
_RATE = re.compile(r"\d{1,3}(\.\d{1,6})?", re.ASCII)


class GateIssue(TypedDict):
    """An issue that a check is about."""

    id: str
    shortId: str
    title: str
    url: str


class GateCheck(TypedDict):
    """What was measured, against its bound. `measured` is null where nobody can say; that is not passed.

    `canRecover`: whether waiting may turn a failure. `issues` are the ten newest.
    """

    check: str
    measured: float | None
    bound: float
    passed: bool
    canRecover: bool
    reason: str
    url: str
    issues: list[GateIssue]


class Gate(TypedDict):
    """Whether a release may go on, and why. `final`: waiting changes nothing any more.

    `observed`: whether any event or session of the release has arrived.
    """

    passed: bool
    final: bool
    observed: bool
    version: str
    projects: list[str]
    environments: list[str]
    statsPeriod: str
    checks: list[GateCheck]
    url: str


class ReleaseGate(OrganizationEndpoint):
    """The gate of a release."""

    tag = "Releases"

    @operation(
        Operation(
            "checkReleaseGate",
            RELEASE_READ,
            query=(*_COUNTS, *_RATES, _PERIOD, *PROJECT, *ENVIRONMENT),
            answers=Gate,
        )
    )
    def get(self, request: Request) -> Response:
        """Whether a release meets the bounds that the request names, one check for each, with reasons and links.

        Issues that are archived, or resolved in this release or for good, do not count. What nobody can say yet, such
        as a crash-free rate without sessions, has not passed. Not in Sentry.
        """
        query = request.query_params
        bounds = _bounds(query)
        view = projects(query, self.access)
        release = readable_release(self.access, self.path["version"], view)
        linked = set(ReleaseProject.objects.filter(release=release).values_list("project_id", flat=True))
        own = tuple(sorted((project for project in view if project.pk in linked), key=lambda one: one.slug))
        subject = Subject(release, own, _environments(query), _period(query))
        return Response(self.shape(subject, hold_against(event_store(), subject, bounds, clock.now())))

    def shape(self, subject: Subject, verdict: Verdict) -> Gate:
        """The answer."""
        address = self.address_of(subject)
        return {
            "passed": passed(verdict.checks),
            "final": is_final(verdict.checks),
            "observed": verdict.observed,
            "version": subject.release.version,
            "projects": [project.slug for project in subject.projects],
            "environments": list(subject.environments),
            "statsPeriod": subject.period,
            "checks": [self.check(finding, address) for finding in verdict.findings],
            "url": address,
        }

    def check(self, finding: Finding, address: str) -> GateCheck:
        """One check."""
        check = finding.check
        return {
            "check": check.name,
            "measured": check.measured,
            "bound": check.bound,
            "passed": check.passed,
            "canRecover": check.can_recover,
            "reason": check.reason,
            "url": address,
            "issues": [
                {
                    "id": str(group.pk),
                    "shortId": group.qualified_short_id,
                    "title": group.title,
                    "url": f"{settings.VEDETTE.url}/organizations/{self.organization.slug}/issues/{group.pk}/",
                }
                for group in finding.issues
            ],
        }

    def address_of(self, subject: Subject) -> str:
        """The page of the release, as narrow as the question was."""
        asked = [("statsPeriod", subject.period)]
        if len(subject.projects) == 1:
            asked.append(("project", subject.projects[0].slug))
        asked += [("environment", name) for name in subject.environments]
        version = quote(subject.release.version, safe="")
        root = f"{settings.VEDETTE.url}/organizations/{self.organization.slug}/releases"
        return f"{root}/{version}/?{urlencode(asked)}"


def _bounds(query: QueryDict) -> Bounds:
    errors: dict[str, list[str]] = {}
    counts = [_count(query, parameter.name, errors) for parameter in _COUNTS]
    shares = [_rate(query, parameter.name, errors) for parameter in _RATES]
    if errors:
        raise RuleBroken(errors)
    bounds = Bounds(*counts, *shares)
    if bounds.is_empty:
        raise RuleBroken(NOTHING_ASKED)
    return bounds


def _count(query: QueryDict, name: str, errors: dict[str, list[str]]) -> int | None:
    text = query.get(name, "")
    if text and (not _COUNT.fullmatch(text) or int(text) > MOST_ISSUES):
        errors[name] = [f"Say a whole number from 0 to {MOST_ISSUES}."]
        return None
    return int(text) if text else None


def _rate(query: QueryDict, name: str, errors: dict[str, list[str]]) -> float | None:
    text = query.get(name, "")
    if text and (not _RATE.fullmatch(text) or float(text) > 100):
        errors[name] = ["Say a number from 0 to 100, in per cent."]
        return None
    return float(text) if text else None


def _environments(query: QueryDict) -> tuple[str, ...]:
    names = tuple(sorted(set(query.getlist("environment"))))
    if len(names) > MOST_ENVIRONMENTS or any(len(name) > LONGEST_ENVIRONMENT for name in names):
        raise RuleBroken(
            {"environment": [f"At most {MOST_ENVIRONMENTS}, of at most {LONGEST_ENVIRONMENT} characters."]}
        )
    return names


def _period(query: QueryDict) -> str:
    period = query.get("statsPeriod") or "14d"
    if period not in PERIODS:
        raise RuleBroken({"statsPeriod": [f"One of {', '.join(PERIODS)}."]})
    return period
