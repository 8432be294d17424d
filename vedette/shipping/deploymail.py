"""The mail about deploys: to whom they matter, several of some minutes in one.

What it says is looked up when it is sent, so it tells nothing of what is gone by then, and nobody who left.
Source: the release specification, 11.3.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models.functions import Left

from vedette.accounts.models import User
from vedette.core.text import one_line
from vedette.mail.letters import Letter
from vedette.mail.outbox import Items, Kind, put
from vedette.mail.preferences import DEPLOYS
from vedette.releases.models import Commit, CommitAuthor, Deploy, Release
from vedette.releases.versions import parse
from vedette.shipping.audience import audience, projects_named
from vedette.shipping.links import release_url

WAIT = timedelta(minutes=5)
MOST_SHOWN = 20
MOST_COMMITS = 10
LONGEST_TITLE = 100
LONGEST_LOOKED_AT = 2000  # characters of a message
SHORT_KEY = 12


@dataclass(frozen=True, slots=True)
class OwnCommit:
    """A commit of the reader."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class DeployTold:
    """What the mail says of a deploy. `link` is `url` if a browser can open it; `own` are commits of the reader, newest
    first, of which so many more were left out."""

    version: str
    organization: str
    environment: str
    name: str
    url: str
    finished: datetime
    projects: str
    commits: int
    authors: int
    page: str
    own: tuple[OwnCommit, ...] = ()
    own_left_out: int = 0

    @property
    def link(self) -> str:
        """The deploy's address, where it leads somewhere on the web."""
        return self.url if self.url.startswith(("https://", "http://")) else ""


def tell_people(deploy: Deploy, now: datetime) -> None:
    """Have everybody told whom the deploy concerns. Only in the transaction that announces it."""
    put(DEPLOY_MAIL, audience(deploy.release), {"deploy": deploy.pk}, now)


def compose(user: User, items: Items, left_out: int) -> Letter | None:
    """The mail to `user` about those of the deploys that are still there and still concern them."""
    wanted = Deploy.objects.filter(pk__in=[item["deploy"] for item in items])
    deploys = list(wanted.select_related("environment", "release__organization").order_by("-date_finished", "-pk"))
    releases = {deploy.release_id: deploy.release for deploy in deploys}
    reach = {pk: audience(release, user.pk).get(user.pk) for pk, release in releases.items()}
    told = [deploy for deploy in deploys if reach[deploy.release_id]]
    if not told:
        return None
    first, shown = told[0], told[:MOST_SHOWN]
    own = {pk: _own_commits(releases[pk], user) for pk in {deploy.release_id for deploy in shown}}
    projects = {pk: projects_named(reach[pk] or ()) for pk in own}
    subject = f"Deployed version {parse(first.release.version).description} to {first.environment.name}"
    more = len(told) - 1 + left_out
    return Letter(
        subject=f"{subject} (and {more} more)" if more else subject,
        template="deploys",
        context={
            "deploys": [_told(deploy, projects[deploy.release_id], *own[deploy.release_id]) for deploy in shown],
            "left_out": max(len(told) - MOST_SHOWN, 0) + left_out,
        },
    )


DEPLOY_MAIL = Kind(DEPLOYS, WAIT, compose)


def _told(deploy: Deploy, projects: str, own: tuple[OwnCommit, ...], left_out: int) -> DeployTold:
    release = deploy.release
    return DeployTold(
        version=release.version,
        organization=release.organization.name,
        environment=deploy.environment.name,
        name=deploy.name or "",
        url=deploy.url or "",
        finished=deploy.date_finished,
        projects=projects,
        commits=release.commit_count or 0,
        authors=len(release.authors or ()),
        page=release_url(release.organization, release.version, deploy.environment.name),
        own=own,
        own_left_out=left_out,
    )


def _own_commits(release: Release, user: User) -> tuple[tuple[OwnCommit, ...], int]:
    """The newest commits of `user` in the release, and how many more there are."""
    addresses = [address.lower() for address in user.emails.filter(is_verified=True).values_list("email", flat=True)]
    authors = CommitAuthor.objects.filter(organization_id=release.organization_id, email__in=addresses)
    rows = Commit.objects.filter(release_links__release=release, author__in=authors)
    newest = rows.order_by("release_links__order").values_list("key", Left("message", LONGEST_LOOKED_AT))
    shown = tuple(
        OwnCommit(key[:SHORT_KEY], one_line(text or "", LONGEST_TITLE)) for key, text in newest[:MOST_COMMITS]
    )
    return shown, rows.count() - len(shown) if len(shown) == MOST_COMMITS else 0
