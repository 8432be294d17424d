"""Creating and changing releases, in the order of the specification and in its transactions.

The release, its projects and what is said about it are one transaction; commits and refs follow in their own. What
fails there leaves the release in place: pipelines repeat their requests, and repeating is safe.

Source: the release specification, sections 7 and 8 with their [V].
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from vedette.core.errors import RuleBroken
from vedette.issues.models import Activity, ActivityType
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import Organization
from vedette.projects.models import ObjectStatus, Project
from vedette.releases.creation import ReleaseVanished, attach, get_or_create
from vedette.releases.models import Release, ReleaseProject, ReleaseStatus
from vedette.shipping import analytics
from vedette.shipping.commits import CommitInput, UnknownRelease, clear_commits, set_commits
from vedette.shipping.refs import RefInput, set_refs
from vedette.shipping.releasetold import tell
from vedette.shipping.sender import Sender

USER_AGENT_LENGTH = 256
IDENT_LENGTH = 64
STRANGERS = "You do not have permission to one of the projects"
MOST_NAMED = 20


class ReleaseConflict(RuleBroken):
    """What the release is made of is being deleted at this moment: its row, a project, an owner."""

    code = "release-conflict"

    def __init__(self) -> None:
        super().__init__("Could not create the release it conflicts with existing data")


@dataclass(frozen=True, slots=True)
class ReleaseSaid:
    """What somebody says about a release: `columns` that are named, and nothing about what is None.

    An empty list of `refs` says that there are none, and takes the commits away. `merge`: commits of repositories that
    are not named stay.
    """

    columns: Mapping[str, Any]
    status: ReleaseStatus | None = None
    commits: Sequence[CommitInput] | None = None
    refs: Sequence[RefInput] | None = None
    merge: bool = False


@dataclass(frozen=True, slots=True)
class Shipped:
    """A release, whether it was made, and the projects whose links were."""

    release: Release
    is_new: bool
    linked: tuple[Project, ...]


def create_release(
    organization: Organization,
    version: str,
    said: ReleaseSaid,
    projects: Sequence[Project],
    *,
    reach: Collection[int],
    by: Sender,
    now: datetime,
    announce_links: bool = True,
) -> Shipped:
    """Make the release, or extend it: by `projects`, commits and refs, and its status. The rest of one that is there
    stays as it is.

    `reach` are the ids of all projects that the caller reaches: a release of others is not theirs to extend.
    `announce_links`: projects that are linked to a release that was released before are told as well.

    Raises `RuleBroken` for a release of others, `ReleaseConflict`, and `UnknownRelease` when the status of one that is
    not there is changed; nothing is written then. Raises `CommitsBusy` and what `set_refs` raises when the release is
    written.
    """
    try:
        with transaction.atomic():
            if not projects and said.status is not None and not _is_there(organization, version):
                raise UnknownRelease
            release, is_new = get_or_create(organization, version, now=now, defaults=_defaults(said, by))
            if not is_new:
                _refuse_strangers(release, reach)
                _set_status(release, said.status, by)
            linked = attach(release, projects)
            if release.date_released and (is_new or announce_links):
                _announce(release, release.date_released, [project.pk for project in linked])
            _audit_creation(release, is_new, linked, by)
            if is_new:
                tell(release, linked, by.user.pk if by.user else None)
    except (IntegrityError, ReleaseVanished) as error:
        raise ReleaseConflict from error
    _fill(release, said, by, now)
    analytics.note(
        analytics.RELEASE_CREATED,
        organization.pk,
        [project.pk for project in projects],
        by,
        created_status=201 if is_new or linked else 208,
        credential=by.credential,
    )
    return Shipped(release, is_new, tuple(linked))


def update_release(release: Release, said: ReleaseSaid, *, by: Sender, now: datetime) -> None:
    """Change what is said about a release, and nothing that is not said.

    Raises `UnknownRelease` if it is gone; `CommitsBusy` and what `set_refs` raises when the rest is written.
    """
    columns = dict(said.columns)
    if said.status is not None:
        columns["status"] = said.status
    with transaction.atomic():
        current = Release.objects.select_for_update(no_key=True).filter(pk=release.pk).first()
        if current is None:
            raise UnknownRelease
        changes = {name: value for name, value in columns.items() if _differs(current, name, value)}
        if changes:
            Release.objects.filter(pk=current.pk).update(**changes)
            _audit(_event_of(changes), current, by, {"changed": sorted(changes)})
        if current.date_released is None and changes.get("date_released"):
            # Here, and not after commits and refs: whoever repeats a request that failed there would not tell it.
            _announce(current, changes["date_released"], _linked(current))
    _fill(current, said, by, now, clears=True)


def _fill(release: Release, said: ReleaseSaid, by: Sender, now: datetime, *, clears: bool = False) -> None:
    """Commits and refs, each on its own."""
    if said.commits:
        set_commits(release, said.commits, merge=said.merge, now=now)
        analytics.note(analytics.SET_COMMITS_LOCAL, release.organization_id, _linked(release), by)
    if said.refs:
        set_refs(release, said.refs, fetch=not said.commits, user=by.user, now=now)
    elif clears and said.refs is not None:
        clear_commits(release)


def _is_there(organization: Organization, version: str) -> bool:
    return Release.objects.filter(organization=organization, version=version).exists()


def _defaults(said: ReleaseSaid, by: Sender) -> dict[str, Any]:
    status = ReleaseStatus.OPEN if said.status is None else said.status
    return {**said.columns, "status": status, "user_agent": by.user_agent[:USER_AGENT_LENGTH]}


def _refuse_strangers(release: Release, reach: Collection[int]) -> None:
    """Without their names: whoever may not see a project does not learn of it."""
    links = ReleaseProject.objects.filter(release=release, project__status=ObjectStatus.ACTIVE)
    if set(links.values_list("project_id", flat=True)) - set(reach):
        raise RuleBroken({"projects": [STRANGERS]})


def _set_status(release: Release, status: ReleaseStatus | None, by: Sender) -> None:
    if status is None or not _differs(release, "status", status):
        return
    if Release.objects.filter(pk=release.pk).exclude(status=status).update(status=status):
        _audit(_event_of({"status": status}), release, by, {"changed": ["status"]})
    release.status = status


def _differs(release: Release, name: str, value: Any) -> bool:
    current = getattr(release, name)
    if name == "status":
        current = current or ReleaseStatus.OPEN  # null in old rows
    return bool(current != value)


def _linked(release: Release) -> list[int]:
    return list(release.project_links.order_by("project_id").values_list("project_id", flat=True))


def _announce(release: Release, released_at: datetime, project_ids: Sequence[int]) -> None:
    """The entry in the projects' histories, at the moment of the release."""
    Activity.objects.bulk_create(
        Activity(
            project_id=project_id,
            type=ActivityType.RELEASE,
            ident=release.version[:IDENT_LENGTH],
            data={"version": release.version},
            datetime=released_at,
        )
        for project_id in project_ids
    )


def _audit_creation(release: Release, is_new: bool, linked: Sequence[Project], by: Sender) -> None:
    if is_new or linked:
        event = AuditEvent.RELEASE_CREATE if is_new else AuditEvent.RELEASE_EDIT
        _audit(event, release, by, {"projects": [project.slug for project in linked[:MOST_NAMED]]})


def _audit(event: AuditEvent, release: Release, by: Sender, data: dict[str, Any]) -> None:
    record(
        event,
        release.organization,
        by=by.user,
        label=by.label,
        target=release.pk,
        data={"version": release.version, **data},
        ip_address=by.ip_address,
    )


def _event_of(changes: Mapping[str, Any]) -> AuditEvent:
    archived = changes.get("status") == ReleaseStatus.ARCHIVED
    return AuditEvent.RELEASE_ARCHIVE if archived else AuditEvent.RELEASE_EDIT
