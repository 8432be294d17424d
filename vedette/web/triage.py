"""What the buttons of the stream and of the issue page do, and how it is taken back.

An undo is a signed note of how each issue stood; it holds for a day, needs no storage, and grants nothing: whoever
presses it needs the same rights as for the action itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass

from django.core import signing

from vedette.accounts.models import User
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.issues.actions import assign, reopen
from vedette.issues.assignees import Assignee, assignable, parse_assignee
from vedette.issues.inbox import review
from vedette.issues.lookup import groups_by_id
from vedette.issues.models import Group
from vedette.issues.resolve import resolve
from vedette.issues.undo import Before, remember, restore_assignee, restore_status
from vedette.orgs.access import Access
from vedette.projects.access import may
from vedette.projects.models import Project
from vedette.web.fixes import fix_of, said_of
from vedette.web.putaside import putting_aside
from vedette.web.text import plural

MOST_ISSUES = 1000
SCOPES = ("event:write", "event:admin")
_SALT = "vedette.web.undo"
_DAY = 86_400
STATUS = "status"


@dataclass(frozen=True, slots=True)
class Done:
    """What happened: the issues that changed, a sentence about it, and the note to take it back (may be empty).

    `moved` says that their status changed, and not only whom they belong to.
    """

    groups: tuple[Group, ...]
    sentence: str
    undo: str = ""
    moved: bool = False


def writable_groups(access: Access, ids: Sequence[str]) -> list[Group]:
    """The issues among `ids` that the caller may change; others are left out as if they did not exist."""
    numbers = [number for text in ids[:MOST_ISSUES] if (number := as_id(text)) is not None]
    groups = groups_by_id(access, numbers)
    writable = {project: may(access, project, *SCOPES) for project in {group.project for group in groups}}
    return [group for group in groups if writable[group.project]]


def move(access: Access, verb: str, groups: Sequence[Group], how: Mapping[str, str]) -> Done:
    """Resolve, archive, reopen, or mark as reviewed. After a dot `verb` says in which way (`resolve.next`,
    `archive.escalating`), and `how` what belongs to it. Raises `RuleBroken` for another verb and for a way that is
    none."""
    by = access.user
    word, _, way = verb.partition(".")
    if word == "resolve":
        fix = fix_of(groups, way, how.get("version", ""), how.get("commit", ""))
        return _done("Resolved", groups, lambda: resolve(groups, by, fix), STATUS, said_of(fix))
    if word == "archive":
        put = putting_aside(way, how)
        return _done("Archived", groups, lambda: put.archive(groups, by), STATUS, put.said)
    if verb == "reopen":
        return _done("Reopened", groups, lambda: reopen(groups, by), STATUS)
    if verb == "review":
        return _done("Reviewed", groups, lambda: review(groups, by), "")
    raise RuleBroken(f"There is no action {verb[:40]!r}.")


def hand_over(access: Access, groups: Sequence[Group], assignee: str) -> Done:
    """Assign to whom `assignee` names, or to nobody where it is empty. Raises `RuleBroken`."""
    to = parse_assignee(assignee, access.organization, access.user)
    word = f"Assigned to {to.name}:" if to else "Unassigned"
    return _done(word, groups, lambda: assign(groups, to, access.user), "assignee")


def take_back(access: Access, note: str) -> Done:
    """Undo what `note` tells of. Raises `RuleBroken` for a note that is old or not ours."""
    try:
        kind, entries = signing.loads(note, salt=_SALT, max_age=_DAY)
    except signing.BadSignature:
        raise RuleBroken("That can no longer be undone.") from None
    before = {entry[0]: Before(*entry) for entry in entries}
    groups = writable_groups(access, [str(group_id) for group_id in before])
    changed = [group for group in groups if _restore(access, kind, group, before[group.pk], access.user)]
    return Done(tuple(changed), f"Undone: {_named(changed)}." if changed else "There was nothing to undo.")


def choices(groups: Sequence[Group]) -> list[Assignee]:
    """Everybody to whom all of these issues can be given."""
    projects: list[Project] = list({group.project_id: group.project for group in groups}.values())
    if not projects:
        return []
    first, *others = [assignable(project) for project in projects[:50]]
    return [who for who in first if all(who in found for found in others)]


def _restore(access: Access, kind: str, group: Group, before: Before, by: User | None) -> bool:
    if kind == STATUS:
        return restore_status(group, before, by)
    try:
        to = parse_assignee(before.assignee, access.organization, by)
    except RuleBroken:  # who it belonged to has left meanwhile
        to = None
    return restore_assignee(group, to, by)


def _done(word: str, groups: Sequence[Group], act: Callable[[], list[int]], kind: str, how: str = "") -> Done:
    before = {entry.group_id: entry for entry in remember(groups)}
    changed_ids = set(act())
    changed = tuple(group for group in groups if group.pk in changed_ids)
    if not changed:
        return Done((), "Nothing changed: it was so already." if groups else "Choose at least one issue first.")
    entries = [astuple(before[group.pk]) for group in changed]
    note = signing.dumps((kind, entries), salt=_SALT, compress=True) if kind else ""
    return Done(changed, f"{word} {_named(changed)}{how}.", note, moved=kind == STATUS)


def _named(groups: Sequence[Group]) -> str:
    return groups[0].qualified_short_id if len(groups) == 1 else plural(len(groups), "issue")
