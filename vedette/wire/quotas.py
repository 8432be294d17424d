"""Quotas: how many items of which categories a key, a project or an organization may send in how long.

Source: the ingest specification, 12.1 and 12.2.
"""

from dataclasses import dataclass

from vedette.wire.outcomes import Category

KEY_QUOTA = "key_quota"
PROJECT_QUOTA = "project_quota"
ORG_QUOTA = "org_quota"
PROJECT_ABUSE = "project_abuse_limit"
ORG_ABUSE = "org_abuse_limit"
SPIKE_PROTECTION = "spike_protection"

ERRORS = (Category.DEFAULT, Category.ERROR, Category.SECURITY)
MINUTE = 60
ABUSE_SECONDS = 10
# What an abuse limit may be set for, by the word of its option.
ABUSE_GROUPS: dict[str, tuple[Category, ...]] = {
    "errors": ERRORS,
    "transactions": (Category.TRANSACTION,),
    "attachments": (Category.ATTACHMENT_ITEM,),
    "attachment_bytes": (Category.ATTACHMENT,),
    "sessions": (Category.SESSION,),
    "feedback": (Category.FEEDBACK,),
}
# What holds in a project that says nothing (0: no limit): far more than people need, and less than fills a disk in a
# night. The largest envelope, 200 MiB of files, still goes in at once.
ABUSE_DEFAULTS = {"attachments": 100, "attachment_bytes": 25 * 2**20, "feedback": 10}
ABUSE_MOST = {"attachment_bytes": 10**10}  # a second; 10**6 of the others


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `limit` items of `categories` (none: of all) in each window of `seconds`; 0 forbids them.

    `id` names its counter, on every node alike. `scope` is key, project or organization. `shift` moves the windows,
    so that not all organizations begin theirs at the same moment.
    """

    id: str
    scope: str
    limit: int
    seconds: int
    reason: str
    categories: tuple[Category, ...] = ERRORS
    shift: int = 0

    def counts(self, category: Category) -> bool:
        """Whether items of this category are counted by it."""
        return not self.categories or category in self.categories

    def window(self, now: float) -> int:
        """The number of the window that the moment (Unix seconds) is in."""
        return int((now - self.shift) // self.seconds)

    def left(self, now: float) -> float:
        """For how many seconds that window still lasts."""
        return (self.window(now) + 1) * self.seconds + self.shift - now


def shift_of(organization_id: int, seconds: int) -> int:
    """The shift of an organization's windows of this length: its id, well mixed."""
    return organization_id * 2_654_435_761 % seconds


def quota(owner: str, scope: str, limit: int, seconds: int, reason: str, organization_id: int) -> Quota:
    """A quota of errors in the windows of its organization."""
    return Quota(f"{owner}:{reason}", scope, limit, seconds, reason, ERRORS, shift_of(organization_id, seconds))


def abuse_quota(owner: str, scope: str, group: str, per_second: int, organization_id: int) -> Quota:
    """A limit against floods: so many a second of one kind of items, taken over ten seconds."""
    reason = PROJECT_ABUSE if scope == "project" else ORG_ABUSE
    return Quota(
        f"{owner}:{reason}:{group}",
        scope,
        per_second * ABUSE_SECONDS,
        ABUSE_SECONDS,
        reason,
        ABUSE_GROUPS[group],
        shift_of(organization_id, ABUSE_SECONDS),
    )
