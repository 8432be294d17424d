"""Streams of any shape through the whole digest: every item ends once, and order and repetition change no count."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.factories import NOON, a_project, an_organization
from tests.unit.digest.test_properties import EVENTS
from vedette.digest.models import OutcomeCount
from vedette.issues.models import Group, GroupEnvironment, GroupRelease
from vedette.projects.models import Project
from vedette.releases.models import Release, ReleaseEnvironment, ReleaseProjectEnvironment
from vedette.wire.outcomes import Outcome

pytestmark = pytest.mark.django_db(transaction=True)
FEW = settings(  # an example costs a tenth of a second, so none is made smaller
    max_examples=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@dataclass(frozen=True)
class Sent:
    """One event of a stream: what makes a difference to what is counted."""

    issue: str
    minute: int
    release: str
    environment: str
    user: str
    tag: str
    level: str


@st.composite
def streams(draw: st.DrawFn) -> list[Sent]:
    # Two minutes apart: rows of releases are bumped in steps of one. Before they are received: later ones are moved.
    minutes = draw(st.lists(st.integers(-1400, 0), unique=True, min_size=1, max_size=24))
    one = st.builds(
        Sent,
        st.sampled_from("ABC"),
        st.just(0),
        st.sampled_from(["", "shop@1.0.0", "shop@2.0.0", "latest"]),
        st.sampled_from(["", "live", "qa"]),
        st.sampled_from(["", "1", "2", "3"]),
        st.sampled_from(["x", "y"]),
        st.sampled_from(["error", "warning", "nonsense"]),
    )
    return [Sent(**{**vars(draw(one)), "minute": 2 * minute}) for minute in minutes]


def payload(sent: Sent) -> dict[str, Any]:
    return {
        "platform": "python",
        "timestamp": (NOON + timedelta(minutes=sent.minute)).timestamp(),
        "level": sent.level,
        "release": sent.release,
        "environment": sent.environment,
        "user": {"id": sent.user},
        "tags": {"kind": sent.tag},
        "exception": {"values": [{"type": sent.issue, "value": f"at {sent.minute}"}]},
    }


def drained(stream: Any) -> None:
    for _ in range(100):
        if not stream.waiting():
            return
        stream.digest()
    pytest.fail("the stream does not come to its end")


def outcomes(project: Project) -> Counter[tuple[str, str]]:
    rows = OutcomeCount.objects.filter(project_id=project.pk).values_list("outcome", "reason", "quantity")
    totals: Counter[tuple[str, str]] = Counter()
    for outcome, reason, quantity in rows:
        totals[Outcome(outcome).word, reason] += quantity
    return totals


def counts(project: Project, events: Any) -> dict[str, Any]:
    """All that is kept of a project's stream, by names instead of ids."""
    titles = dict(Group.objects.filter(project=project).values_list("pk", "title"))
    stored = events.rows(
        "SELECT event_id, group_id, timestamp, title, level, release, environment, user, tags FROM errors "
        "WHERE project_id = {project:UInt64}",
        {"project": project.pk},
    )
    spans = ("first_seen", "last_seen")
    organization = project.organization_id
    return {
        "issues": sorted(
            Group.objects.filter(project=project).values_list(
                "title", "level", "culprit", "message", "times_seen", *spans
            )
        ),
        "environments": sorted(
            GroupEnvironment.objects.filter(group__project=project).values_list(
                "group__title", "environment__name", "first_seen"
            )
        ),
        "releases": sorted(
            GroupRelease.objects.filter(project_id=project.pk).values_list(
                "group__title", "release__version", "environment", *spans
            )
        ),
        "ages": sorted(Release.objects.filter(organization_id=organization).values_list("version", "date_added")),
        "by project": sorted(
            ReleaseProjectEnvironment.objects.filter(project=project).values_list(
                "release__version", "environment__name", *spans
            )
        ),
        "by organization": sorted(
            ReleaseEnvironment.objects.filter(organization_id=organization).values_list(
                "release__version", "environment__name", *spans
            )
        ),
        "accepted": outcomes(project)["accepted", ""],
        "stored": sorted((row[0].hex, titles[row[1]], *map(str, row[2:8]), sorted(row[8].items())) for row in stored),
    }


def a_stranger() -> Project:
    """A project in an organization of its own."""
    return a_project(an_organization(f"o{uuid4().hex[:12]}"))


@FEW
@given(sent=streams(), data=st.data())
def test_a_shuffled_and_repeated_stream_counts_like_the_clean_one(accept, stream, events, sent, data):
    clean, wild = a_stranger(), a_stranger()
    ids = [uuid4().hex for _ in sent]
    repeated = data.draw(st.lists(st.integers(0, len(sent) - 1), max_size=len(sent)), label="sent again")
    order = data.draw(st.permutations([*range(len(sent)), *repeated]), label="order")
    cuts = data.draw(st.sets(st.integers(1, len(order)), max_size=4), label="batches end at")
    one = stream()

    def send(index: int, project: Project) -> None:
        to = {"organization_id": project.organization_id, "project_id": project.pk}
        accept(("event", payload(sent[index])), event_id=ids[index], **to)

    for index in sorted(range(len(sent)), key=lambda index: sent[index].minute):
        send(index, clean)
    drained(one)
    for position, index in enumerate(order, 1):
        send(index, wild)
        if position in cuts:
            drained(one)
    drained(one)

    assert counts(wild, events) == counts(clean, events)
    assert outcomes(clean) == {("accepted", ""): len(sent)}
    assert outcomes(wild) == Counter({("accepted", ""): len(sent)}) + Counter({("invalid", "duplicate"): len(repeated)})


@FEW
@given(batch=st.lists(EVENTS, min_size=1, max_size=20))
def test_any_json_objects_as_events_end_in_one_outcome_each(accept, stream, events, batch):
    project = a_stranger()
    for event in batch:
        to = {"organization_id": project.organization_id, "project_id": project.pk}
        accept(("event", msgspec.json.encode(event)), event_id=uuid4().hex, **to)

    drained(stream())

    found = outcomes(project)
    stored = events.value("SELECT count() FROM errors WHERE project_id = {project:UInt64}", {"project": project.pk})
    assert sum(found.values()) == len(batch)
    assert found["accepted", ""] == stored
    assert sum(Group.objects.filter(project=project).values_list("times_seen", flat=True)) == stored
