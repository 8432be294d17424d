"""The mail about commits that could not be fetched, to whoever asked for them.

Source: the release specification, 10.2.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from vedette.accounts.models import User
from vedette.core.text import clip
from vedette.mail.letters import Letter
from vedette.mail.outbox import Items, Kind, put
from vedette.mail.preferences import FETCHES, NEVER, choices_of, who_chose
from vedette.orgs.models import InviteStatus, Organization, OrganizationMember, OrganizationStatus
from vedette.releases.models import Release
from vedette.shipping.links import release_url

SUBJECT = "Unable to Fetch Commits"
INTERNAL = "An internal system error occurred."
MOST_COMPLAINTS = 20
LONGEST_COMPLAINT = 300


@dataclass(frozen=True, slots=True)
class Complaint:
    """A repository by its name, and what kept us from its commits."""

    repository: str
    text: str


def tell_failure(release: Release, complaints: Sequence[Complaint], user_id: int | None, now: datetime) -> None:
    """Have those told who are to know why commits of `release` are missing. `user_id` is who asked for them.

    Only in the transaction that gives the commits up.
    """
    asked = User.objects.filter(pk=user_id or 0, is_active=True).first()
    if not complaints or asked is None:
        return
    item = {
        "release": release.pk,
        "complaints": [
            asdict(Complaint(one.repository, clip(one.text, LONGEST_COMPLAINT))) for one in complaints[:MOST_COMPLAINTS]
        ],
        "left_out": max(len(complaints) - MOST_COMPLAINTS, 0),
    }
    people = _owners(release.organization) if asked.is_sentry_app else {asked.pk}
    put(FETCH_MAIL, people - who_chose(FETCHES, NEVER, people), item, now)


def compose(user: User, items: Items, left_out: int) -> Letter | None:
    """The mail to `user` about those of the releases that are still there for them."""
    releases = Release.objects.select_related("organization").in_bulk([item["release"] for item in items])
    failures = [
        {
            "version": release.version,
            "organization": release.organization.name,
            "page": release_url(release.organization, release.version),
            "complaints": item["complaints"],
            "left_out": item["left_out"],
        }
        for item in items
        if (release := releases.get(item["release"])) and _belongs(user, release.organization)
    ]
    if not failures or choices_of(user.pk)[FETCHES.kind] == NEVER:
        return None
    return Letter(subject=SUBJECT, template="fetches", context={"failures": failures, "left_out": left_out})


FETCH_MAIL = Kind(FETCHES, timedelta(0), compose)


def _owners(organization: Organization) -> set[int]:
    """What an application asked for, its organization's owners hear of."""
    rows = OrganizationMember.objects.filter(
        organization=organization, role="owner", invite_status=InviteStatus.APPROVED, user_id__isnull=False
    )
    return {user for user in rows.values_list("user_id", flat=True) if user is not None}


def _belongs(user: User, organization: Organization) -> bool:
    if organization.status != OrganizationStatus.ACTIVE:
        return False
    rows = OrganizationMember.objects.filter(organization=organization, user_id=user.pk)
    return user.is_superuser or rows.filter(invite_status=InviteStatus.APPROVED).exists()
