"""What single models need beside their declarations: ids that stand in texts and JSON, and the short ids of issues."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from secrets import randbits
from typing import Any

from django.db.models import F, Max
from django.db.models.functions import Greatest

from vedette.accounts.models import User, UserAvatar
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.ids import new_hex
from vedette.core.pictures import cleaned
from vedette.issues.models import ActivityType, Group, GroupRedirect, LinkedType
from vedette.orgs.audit import AuditEvent
from vedette.projects.models import Project, ProjectCounter
from vedette.releases.models import Repository, RepositoryStatus
from vedette.relocation.companion.declarations import GROUP, ORGANIZATION, PROJECT, TEAM, USER
from vedette.relocation.companion.rows import Incoming
from vedette.relocation.companion.writing import Done, Rule, find_same
from vedette.relocation.files.findings import FindingKind, note, warning

_COMMIT, _PULL_REQUEST, _RELEASE = "releases.commit", "releases.pullrequest", "releases.release"
_RESOLUTION = "issues.groupresolution"
HOMES = "issues.group.home"  # issues of the archive, by their keys, that are there already under others


def _number(value: Any) -> int:
    """The id that a number or a text of digits is; 0 for anything else."""
    if type(value) is int and value > 0:
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19 else 0


class ReleaseRule(Rule):
    """`authors` are ids of commit authors, as texts."""

    def prepare(self, rows: list[Incoming]) -> list[Incoming]:
        """See `Rule`."""
        wanted = {_number(one) for row in rows for one in _list(row.values["authors"])}
        found = self.keys.find("releases.commitauthor", wanted - {0})
        for row in rows:
            authors = (found.get(_number(one)) for one in _list(row.values["authors"]))
            row.values["authors"] = [str(pk) for pk in authors if pk]
        return rows


class RepositoryRule(Rule):
    """Of repositories that a commit has named, and nobody set up, there is one for each name."""

    def standing(self, rows: Sequence[Incoming]) -> dict[int, int]:
        """See `Rule`."""
        named = {(row.values["organization_id"], row.values["name"]) for row in rows if _is_bare(row)}
        there = Repository.objects.using(self.using).filter(
            organization_id__in={owner for owner, _ in named},
            name__in={name for _, name in named},
            provider__isnull=True,
            status=RepositoryStatus.ACTIVE,
        )
        found = {(owner, name): pk for pk, owner, name in there.values_list("pk", "organization_id", "name")}
        keys = ((row.pk, (row.values["organization_id"], row.values["name"])) for row in rows if _is_bare(row))
        return {pk: found[key] for pk, key in keys if key in found}


def _is_bare(row: Incoming) -> bool:
    return row.values["provider"] is None and row.values["status"] == RepositoryStatus.ACTIVE


class LinkRule(Rule):
    """`linked_id` is a commit's, a pull request's, or one that only a tracker knows."""

    targets: Mapping[int, str] = {LinkedType.COMMIT: _COMMIT, LinkedType.PULL_REQUEST: _PULL_REQUEST}

    def prepare(self, rows: list[Incoming]) -> list[Incoming]:
        """See `Rule`."""
        found = {
            kind: self.keys.find(target, (row.values["linked_id"] for row in rows if row.values["linked_type"] == kind))
            for kind, target in self.targets.items()
        }
        kept = []
        for row in rows:
            kind = row.values["linked_type"]
            new = found[kind].get(row.values["linked_id"]) if kind in found else row.values["linked_id"]
            if new is None:
                reason = f"{self.targets[kind]} {row.values['linked_id']} was not imported"
                where = {"model": self.one.label, "left_pk": row.pk, "ordinal": row.ordinal, "field": "linked_id"}
                self.tell(warning(FindingKind.DROPPED_ROW, reason, **where))
                continue
            row.values["linked_id"] = new
            kept.append(row)
        return kept


class ActivityRule(Rule):
    """What happened names commits, pull requests, issues and people, in `data` and in `ident`."""

    _named = (
        ("commit", _COMMIT),
        ("pull_request", _PULL_REQUEST),
        ("destination_id", GROUP),
        ("source_id", GROUP),
    )
    _assigned: Mapping[str, str] = {"user": USER, "team": TEAM}

    def prepare(self, rows: list[Incoming]) -> list[Incoming]:
        """See `Rule`."""
        asked: dict[str, set[int]] = defaultdict(set)
        for row in rows:
            for target, old, _ in self._places(row):
                asked[target].add(old)
        found = {target: self.keys.find(target, olds - {0}) for target, olds in asked.items()}
        for row in rows:
            for target, old, put in list(self._places(row)):
                put(found[target].get(old))
        return rows

    def _places(self, row: Incoming) -> list[tuple[str, int, Callable[[int | None], None]]]:
        """(model, old id, what to call with the new one) of each id that stands in the entry."""
        data, ident = row.values["data"], row.values["ident"]
        if not isinstance(data, dict):
            return []
        places: list[tuple[str, int, Callable[[int | None], None]]] = []
        for key, target in self._named:
            if key in data:
                places.append((target, _number(data[key]), _putter(data, key, as_text=isinstance(data[key], str))))
                if ident is not None and ident == str(data[key]):
                    places.append((target, _number(ident), _putter(row.values, "ident", as_text=True)))
        if row.values["type"] in (ActivityType.SET_RESOLVED_IN_RELEASE, ActivityType.SET_RESOLVED_IN_COMMIT) and (
            ident is not None and ident != str(data.get("commit"))
        ):
            places.append((_RESOLUTION, _number(ident), _putter(row.values, "ident", as_text=True)))
        issues = (one for one in _list(data.get("issues")) if isinstance(one, dict) and "id" in one)
        places.extend((GROUP, _number(one["id"]), _putter(one, "id", as_text=True)) for one in issues)
        kind = data.get("assigneeType")
        if "assignee" in data and isinstance(kind, str) and kind in self._assigned:
            places.append((self._assigned[kind], _number(data["assignee"]), _putter(data, "assignee", as_text=True)))
        return places


def _putter(into: dict[str, Any], key: str, *, as_text: bool) -> Callable[[int | None], None]:
    def put(new: int | None) -> None:
        into[key] = None if new is None else str(new) if as_text else new

    return put


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class AuditRule(Rule):
    """`target_object` is an id of what the event is about; one that is not known here is left out."""

    _about = (
        (ORGANIZATION, "ORG_"),
        (TEAM, "TEAM_"),
        ("projects.projectkey", "PROJECTKEY_"),
        (PROJECT, "PROJECT_"),
        ("orgs.organizationmember", "MEMBER_"),
        (_RELEASE, "RELEASE_"),
        ("releases.deploy", "DEPLOY_"),
        ("issues.grouptombstone", "TOMBSTONE_"),
        ("releases.repository", "REPOSITORY_"),
        ("hooks.webhook", "WEBHOOK_"),
    )

    def prepare(self, rows: list[Incoming]) -> list[Incoming]:
        """See `Rule`."""
        by_model: dict[str, list[Incoming]] = defaultdict(list)
        for row in rows:
            by_model[self._target(row.values["event"])].append(row)
        for target, some in by_model.items():
            found = self.keys.find(target, (row.values["target_object"] for row in some if row.values["target_object"]))
            for row in some:
                row.values["target_object"] = found.get(row.values["target_object"])
        return rows

    def _target(self, event: int) -> str:
        try:
            name = AuditEvent(event).name
        except ValueError:
            return ""
        if name.startswith("ORG_AUTH_TOKEN_"):
            return "orgs.orgauthtoken"
        return next((target for target, begin in self._about if name.startswith(begin)), "")


class WebhookRule(Rule):
    """A hook comes without its secret, under another name, and off: somebody has to turn it on."""

    def prepare(self, rows: list[Incoming]) -> list[Incoming]:
        """See `Rule`."""
        for row in rows:
            row.values |= {"guid": new_hex(16), "secret": "", "is_active": False}
        return rows

    def written(self, rows: Sequence[Incoming], done: Done) -> None:
        """See `Rule`."""
        if done.inserted:
            reason = f"{len(done.inserted)} webhooks came without their secrets and are off: give them new ones"
            self.tell(warning(FindingKind.MINTED_TOKEN, reason, model=self.one.label))


class AvatarRule(Rule):
    """Pictures are drawn anew; one keeps its public name where that is free."""

    def prepare(self, rows: list[Incoming]) -> list[Incoming]:
        """See `Rule`."""
        kept = []
        table: Any = self.one.table
        for row in rows:
            photo, ident = row.values["photo"], row.values["ident"]
            try:
                row.values["photo"] = cleaned(photo) if photo else None
            except RuleBroken as error:
                reason = f"the picture cannot be read: {error}"
                self.tell(warning(FindingKind.DROPPED_ROW, reason, model=self.one.label, left_pk=row.pk))
                continue
            is_ours = len(ident) == 32 and not ident.strip("0123456789abcdef")
            if not is_ours or table._base_manager.using(self.using).filter(ident=ident).exists():
                row.values["ident"] = new_hex(16)
            kept.append(row)
        return kept

    def written(self, rows: Sequence[Incoming], done: Done) -> None:
        """A picture that is called something else is where the user's row says."""
        if not issubclass(self.one.table, UserAvatar):
            return
        for row in rows:
            if row.pk in done.inserted:
                url = f"/avatar/{row.values['ident']}/"
                mine = User.objects.using(self.using).filter(
                    pk=row.values["user_id"], avatar_url__startswith="/avatar/"
                )
                mine.update(avatar_url=url)


class GroupRule(Rule):
    """Issues keep their short ids, so that WEB-1 stays WEB-1.

    Where an application has reported to the new server already, an issue of the archive may be there under another
    short id: then its history joins that one, and its old short id leads there.
    """

    def standing(self, rows: Sequence[Incoming]) -> dict[int, int]:
        """See `Rule`."""
        homes = self.keys.find(HOMES, (row.pk for row in rows))
        standing = {row.pk: homes[row.pk] for row in rows if row.pk in homes}
        self._rename([row for row in rows if row.pk not in standing])
        return standing

    def written(self, rows: Sequence[Incoming], done: Done) -> None:
        """See `Rule`."""
        highest: dict[int, int] = defaultdict(int)
        for row in rows:
            if row.pk in done.inserted:
                highest[row.values["project_id"]] = max(highest[row.values["project_id"]], row.values["short_id"])
        for project_id, value in sorted(highest.items()):
            raise_counter(project_id, value, self.using)
        joined = [row for row in rows if row.pk in done.existing]
        if joined:
            self._redirect(joined, done.existing)

    def _rename(self, rows: Sequence[Incoming]) -> None:
        """Another short id for issues whose own one is taken."""
        keys = [(row.pk, row.values["project_id"], row.values["short_id"]) for row in rows]
        taken = find_same(Group, ("project_id", "short_id"), keys, self.using)
        for row in rows:
            if row.pk in taken:
                old, project_id = row.values["short_id"], row.values["project_id"]
                row.values["short_id"] = next_short_id(project_id, self.using)
                reason = f"the short id {old} is taken; the issue has {row.values['short_id']} from now on"
                self.tell(warning(FindingKind.RENAMED, reason, model=self.one.label, left_pk=row.pk, field="short_id"))

    def _redirect(self, rows: Sequence[Incoming], existing: Mapping[int, int]) -> None:
        projects = Project.objects.using(self.using).in_bulk([row.values["project_id"] for row in rows])
        now_at = dict(
            Group.objects.using(self.using)
            .filter(pk__in=[existing[row.pk] for row in rows])
            .values_list("pk", "short_id")
        )
        made = []
        for row in rows:
            home, project = existing[row.pk], projects[row.values["project_id"]]
            reason = (
                f"the issue is there already, as {project.slug.upper()}-{now_at[home]}: its history joined that one"
            )
            self.tell(note(FindingKind.MERGED, reason, model=self.one.label, left_pk=row.pk, right_pk=home))
            if now_at[home] != row.values["short_id"]:
                made.append(_redirect_to(home, project, row.values["short_id"]))
        GroupRedirect.objects.using(self.using).bulk_create(made, ignore_conflicts=True)


def _redirect_to(home: int, project: Project, short_id: int) -> GroupRedirect:
    now = clock.now()
    return GroupRedirect(
        organization_id=project.organization_id,
        group_id=home,
        previous_group_id=-randbits(62) - 1,
        previous_short_id=short_id,
        previous_project_slug=project.slug,
        moved_at=now,
        settled_at=now,
    )


class RedirectRule(Rule):
    """What led to an issue that is no more leads to the one that took it in; nothing is left to be moved."""

    def prepare(self, rows: list[Incoming]) -> list[Incoming]:
        """See `Rule`."""
        for row in rows:
            row.values["moved_at"] = row.values["moved_at"] or row.values["date_added"]
            row.values["settled_at"] = row.values["settled_at"] or row.values["date_added"]
        return rows


def raise_counter(project_id: int, value: int, using: str) -> None:
    """Let no short id up to `value` be given to another issue of the project."""
    counters = ProjectCounter.objects.using(using)
    counters.get_or_create(project_id=project_id)
    counters.filter(project_id=project_id).update(value=Greatest(F("value"), value))


def next_short_id(project_id: int, using: str) -> int:
    """A short id that no issue of the project has; in the caller's transaction."""
    highest = Group.objects.using(using).filter(project_id=project_id).aggregate(Max("short_id"))["short_id__max"] or 0
    raise_counter(project_id, highest, using)
    counters = ProjectCounter.objects.using(using).filter(project_id=project_id)
    counters.update(value=F("value") + 1)
    return int(counters.values_list("value", flat=True).get())


RULES: dict[str, type[Rule]] = {
    "accounts.useravatar": AvatarRule,
    "hooks.webhook": WebhookRule,
    "issues.activity": ActivityRule,
    "issues.group": GroupRule,
    "issues.grouplink": LinkRule,
    "issues.groupredirect": RedirectRule,
    "orgs.auditlogentry": AuditRule,
    "orgs.organizationavatar": AvatarRule,
    "releases.release": ReleaseRule,
    "releases.repository": RepositoryRule,
}
