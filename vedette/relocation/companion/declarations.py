"""What a companion archive carries, model by model, and what it leaves behind and why.

Fields come from the tables; a declaration adds what a table does not say: which plain numbers are keys, what makes two
rows the same one, and what becomes of a row that is there already. Every model of Vedette is here, in Sentry's own
format (`relocation.graph`), or in `LEFT_BEHIND`. Models are named, not imported: some are on higher floors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models

USER, ORGANIZATION, PROJECT, TEAM = "accounts.user", "orgs.organization", "projects.project", "orgs.team"
ENVIRONMENT, GROUP = "projects.environment", "issues.group"
_PLAIN_KEYS = {  # what a number without a foreign key means, wherever it stands
    "organization_id": ORGANIZATION,
    "project_id": PROJECT,
    "environment_id": ENVIRONMENT,
    "team_id": TEAM,
    **dict.fromkeys(("user_id", "actor_id", "owner_id", "target_user_id"), USER),
}


@dataclass(frozen=True, slots=True)
class Travels:
    """How a model travels.

    `within` is the lookup that leads from a row to its organization's id; it is empty for what belongs to a user.
    `keys` are numbers that are keys beside the foreign keys and the usual plain ones. `late` keys are set when
    everything is there, because they lead in circles. `same` are the attributes that make two rows the same one; where
    the target has such a row, that stays, but takes the earlier of `earliest`, the later of `latest`, the sum of
    `sums`, and of `fills` what it lacks. `without` gives what a field begins with instead of travelling. `gone` are ids
    of rows that are no more; `stands_for` says of which model, whose key is then followed to this row's own. `kept`
    are numbers that look like keys and are none. `one_of` are keys of which a row needs one; `needed` are nullable ones
    that a row which has them cannot lose. `blob` names a file by
    its SHA-1. `leave` filters rows out that do not travel. `of_projects` is the lookup of the projects that a row of
    an organization belongs to. `with_events`: only where events travel, too.
    """

    model: str
    within: str
    keys: Mapping[str, str]
    late: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    earliest: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()
    fills: tuple[str, ...] = ()
    without: Mapping[str, Any] | None = None
    gone: tuple[str, ...] = ()
    stands_for: str = ""
    kept: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    blob: str = ""
    leave: Mapping[str, Any] | None = None
    of_projects: str = ""
    with_events: bool = False
    else_in_sentry: bool = False

    @property
    def table(self) -> type[models.Model]:
        """The model's table."""
        return apps.get_model(self.model)

    @property
    def label(self) -> str:
        """The model's name in an archive: `issues.group`."""
        return self.model.lower()

    def fields(self) -> list[models.Field[Any, Any]]:
        """The columns that travel, in the order of the table."""
        left = self.without or ()
        return [
            field
            for field in self.table._meta.local_concrete_fields
            if not field.primary_key and not field.generated and field.attname not in left
        ]

    def targets(self) -> dict[str, str]:
        """The columns that are keys, and the models that they lead to."""
        found: dict[str, str] = {}
        for field in self.fields():
            if isinstance(field, models.ForeignKey):
                found[field.attname] = field.related_model._meta.label_lower
            elif field.attname in _PLAIN_KEYS and field.attname not in (*self.gone, *self.kept):
                found[field.attname] = _PLAIN_KEYS[field.attname]
        return found | {name: target.lower() for name, target in self.keys.items()}


def _of(model: str, within: str = "organization_id", keys: Mapping[str, str] | None = None, **more: Any) -> Travels:
    return Travels(model, within, keys or {}, **more)


def _of_group(model: str, *same: str, **more: Any) -> Travels:
    """What hangs on an issue, once where no `same` tells otherwise."""
    return _of(model, "group__project__organization_id", same=same or ("group_id",), **more)


_SEEN: dict[str, Any] = {"earliest": ("first_seen",), "latest": ("last_seen",)}
_ADOPTION = ("adopted", "unadopted")

TRAVELS: tuple[Travels, ...] = (
    _of("accounts.UserAvatar", "", same=("user_id",)),
    _of("mail.NotificationSetting", "", same=("user_id", "kind")),
    _of("orgs.OrganizationAvatar", same=("organization_id",)),
    _of("orgs.AuditLogEntry", kept=("target_object",)),
    _of(
        "hooks.Webhook",
        without={"secret": "", "guid": None, "is_active": False, "failures": 0},
    ),
    _of("projects.ProjectAlias", "project__organization_id", same=("old_id", "project_id"), kept=("old_id",)),
    _of(
        "releases.Repository",
        same=("organization_id", "provider", "external_id"),
        without={"integration_id": None},
        else_in_sentry=True,
    ),
    _of(
        "releases.Release",
        keys={"last_commit_id": "releases.Commit", "last_deploy_id": "releases.Deploy"},
        late=("last_deploy_id",),
        same=("organization_id", "version"),
        earliest=("date_added",),
        fills=(
            *("ref", "url", "date_started", "date_released", "data", "owner_id", "commit_count", "last_commit_id"),
            *("authors", "total_deploys", "user_agent"),
        ),
        of_projects="project_links__project_id",
    ),
    _of("releases.ReleaseTombstone", same=("organization_id", "version")),
    _of(
        "releases.ReleaseProject",
        "release__organization_id",
        same=("project_id", "release_id"),
        fills=(*_ADOPTION, "first_seen_transaction"),
        sums=("new_groups",),
    ),
    _of("releases.ReleaseEnvironment", same=("organization_id", "release_id", "environment_id"), **_SEEN),
    _of(
        "releases.ReleaseProjectEnvironment",
        "release__organization_id",
        {"last_deploy_id": "releases.Deploy"},
        same=("project_id", "release_id", "environment_id"),
        fills=(*_ADOPTION, "last_deploy_id"),
        sums=("new_issues_count",),
        **_SEEN,
    ),
    _of("releases.Distribution", same=("release_id", "name"), earliest=("date_added",)),
    _of("releases.CommitAuthor", same=("organization_id", "email"), fills=("name", "external_id")),
    _of("releases.Commit", same=("repository_id", "key"), fills=("author_id", "message")),
    _of("releases.CommitFileChange", same=("commit_id", "filename")),
    _of("releases.ReleaseCommit", same=("release_id", "commit_id")),
    _of("releases.ReleaseHeadCommit", same=("repository_id", "release_id")),
    _of("releases.PullRequest", same=("repository_id", "key")),
    _of("releases.PullRequestCommit", "commit__organization_id", same=("pull_request_id", "commit_id")),
    _of("releases.Deploy"),
    _of("releases.DeployProject", "deploy__organization_id", same=("deploy_id", "project_id")),
    _of("releases.LatestRelease", "release__organization_id", same=("repository_id", "environment_id")),
    _of("releases.ReleaseFile", "release__organization_id", same=("release_id", "ident"), blob="sha1"),
    _of("releases.ArtifactBundle", same=("organization_id", "bundle_id"), blob="sha1"),
    _of("releases.ArtifactBundleProject", "bundle__organization_id", same=("bundle_id", "project_id")),
    _of("releases.ArtifactBundleRelease", "bundle__organization_id", same=("bundle_id", "version", "dist")),
    _of(
        "issues.Group",
        "project__organization_id",
        leave={"status__in": (3, 4, 5)},  # those that are being deleted, or merged into another one
        sums=("times_seen", "num_comments"),
        earliest=("first_seen",),
        latest=("last_seen",),
        fills=("first_release_id",),
    ),
    _of(
        "issues.GroupRedirect",
        gone=("previous_group_id",),
        stands_for=GROUP,
        same=("organization_id", "previous_short_id", "previous_project_slug"),
    ),
    _of("issues.GroupTombstone", "project__organization_id", gone=("previous_group_id",)),
    _of(
        "issues.GroupHash",
        "project__organization_id",
        {"group_tombstone_id": "issues.GroupTombstone"},
        same=("project_id", "hash"),
        fills=("group_id", "group_tombstone_id"),
    ),
    _of_group("issues.GroupStorm"),
    _of_group("issues.GroupEnvironment", "group_id", "environment_id", earliest=("first_seen",)),
    _of_group("issues.GroupRelease", "group_id", "release_id", "environment", **_SEEN),
    _of_group("issues.GroupResolution"),
    _of(
        "issues.GroupResolutionRelease",
        "resolution__group__project__organization_id",
        same=("resolution_id", "release_id"),
    ),
    _of_group("issues.GroupAssignee", one_of=("user_id", "team_id")),
    _of_group("issues.GroupSnooze"),
    _of_group("issues.GroupInbox"),
    _of_group("issues.GroupLink", "group_id", "linked_type", "linked_id", kept=("linked_id",)),
    _of_group("issues.GroupSubscription", "group_id", "user_id"),
    _of("issues.GroupOwner"),
    _of_group("issues.GroupBookmark", "group_id", "user_id"),
    _of_group("issues.GroupSeen", "group_id", "user_id", latest=("last_seen",)),
    _of_group("issues.GroupForecast"),
    _of("issues.GroupHistory", late=("prev_history_id",)),
    _of("issues.Activity", "project__organization_id", needed=("group_id",)),
    _of("issues.UserReport", "project__organization_id", same=("project_id", "event_id"), fills=("group_id",)),
    _of(
        "issues.EventAttachment",
        "project__organization_id",
        needed=("group_id",),
        without={"batch_id": None},
        blob="sha1",
        with_events=True,
    ),
    _of(
        "digest.OutcomeCount",
        keys={"key_id": "projects.ProjectKey"},
        same=("organization_id", "project_id", "key_id", "outcome", "category", "reason", "hour"),
        sums=("quantity",),
        with_events=True,
    ),
)

# Models whose rows name others in a number or a text that a table cannot declare: what has to be there before them.
AFTER: dict[str, tuple[str, ...]] = {
    "releases.release": ("releases.commitauthor",),  # `authors`
    "issues.grouplink": ("releases.commit", "releases.pullrequest"),
    "issues.activity": ("releases.commit", "releases.pullrequest", "issues.groupresolution"),
    "orgs.auditlogentry": ("releases.release", "releases.deploy", "issues.grouptombstone", "hooks.webhook"),
}

LEFT_BEHIND: dict[str, str] = {  # a model, or all that a room has
    "accounts.lostpasswordhash": "a way to set a password, which counts for an hour on the server that mailed it",
    "core.idsequence": "ids of the last minutes of one server",
    "core.lock": "who does something at this moment, on one server",
    "digest.digestbatch": "what one server is digesting at this moment",
    "digest.streamcursor": "how far one server has digested its spool",
    "hooks.delivery": "told, or about to be told, by the server where it happened",
    "issues.groupdeletion": "an issue that is being deleted does not travel",
    "issues.groupshare": "an address of one server, which anybody may open: made anew where it is wanted",
    "issues.groupsplit": "how far one server has moved the events of an issue that was split",
    "issues.groupsuspicion": "for which issues one server looks, or has looked, who may have caused them",
    "issues.projectvelocity": "computed anew every day from the events that a server has",
    "issues.resolvedcount": "what a server has counted of all its organizations",
    "mail.mail": "mailed by the server where it happened",
    "orgs.analyticsfact": "how one server is used, for whoever runs it",
    "orgs.organizationslugreservation": "made anew, because slugs are taken on each server",
    "releases.filechunk": "a piece of an upload that has not ended; it counts for a day",
    "releases.repositorydelivery": "what one server has taken from a repository's host",
    "releases.repositorysecret": "sealed with the secret key of one server",
    "relocation": "rows of Sentry's own format that have no table, and what moves to and from one server",
    "tasks.scheduledjob": "when jobs of one server are due",
    "tasks.work": "work that waits on one server",
}


@cache
def in_order() -> tuple[Travels, ...]:
    """What travels, each after everything that its rows lead to; `late` keys and those to itself do not count."""
    by_label = {one.label: one for one in TRAVELS}
    placed: dict[str, Travels] = {}

    def place(one: Travels, chain: tuple[str, ...]) -> None:
        if one.label in chain:
            raise ValueError(f"models lead to each other in a circle: {' → '.join((*chain, one.label))}")
        if one.label in placed:
            return
        for target in sorted(_needs(one)):
            if target in by_label and target != one.label:
                place(by_label[target], (*chain, one.label))
        placed[one.label] = one

    for one in TRAVELS:
        place(one, ())
    return tuple(placed.values())


def _needs(one: Travels) -> Iterator[str]:
    for name, target in one.targets().items():
        if name not in one.late:
            yield target
            if target != one.stands_for:  # what led to a row that is no more has to be known, too
                yield from _standing_for(target)
    yield from AFTER.get(one.label, ())


def _standing_for(target: str) -> Iterable[str]:
    return (other.label for other in TRAVELS if other.stands_for == target)
