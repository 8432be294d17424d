"""Fetching the commits of releases from where their repositories are hosted: a job over what `fetchqueue` asks for.

What fails for one ref does not stop the others. A provider that is away is asked again, five times, five minutes apart
or when it said that it would answer; one that refuses is not. In the end the deploys that waited for the commits are
announced, whether any came or not, and whoever asked for them gets a mail about what did not come.

Source: the release specification, 10.2.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction

from vedette.core import clock
from vedette.releases.models import Release, ReleaseHeadCommit, Repository
from vedette.settings import Settings
from vedette.shipping.commits import CommitInput, CommitsBusy, UnknownRelease, set_commits
from vedette.shipping.deploys import announce, lock, record_latest
from vedette.shipping.fetchmail import INTERNAL, Complaint, tell_failure
from vedette.shipping.fetchqueue import FetchRef, FetchWish
from vedette.shipping.providers import provider_of
from vedette.shipping.providers.base import ProviderAway, ProviderRefused
from vedette.shipping.refs import active_repositories
from vedette.tasks import work
from vedette.tasks.models import Work
from vedette.tasks.names import FETCH_COMMITS

log = logging.getLogger(__name__)

ATTEMPTS = 6  # the first, and five retries
RETRY_AFTER = timedelta(minutes=5)
LEASE = timedelta(minutes=30)
SHARE_SECONDS = 60.0  # of an organization, until others come first
BUDGET_SECONDS = 600.0  # for all refs of a release; a repository that is not reached in it counts as away


@dataclass(slots=True)
class _Haul:
    """What the refs of a release brought: commits, the repositories that did not answer and those that refused.
    `again_after`: when it is worth asking again, at the earliest."""

    commits: list[CommitInput] = field(default_factory=list)
    away: list[Complaint] = field(default_factory=list)
    refused: list[Complaint] = field(default_factory=list)
    again_after: timedelta = RETRY_AFTER


def fetch_due(settings: Settings, now: datetime) -> int:
    """Fetch the commits of the releases that wait for it; of how many.

    An organization whose hosts take their time waits behind all others from then on. What one release raises costs no
    other: it is tried again when its lease ends.
    """
    done, began, slow = 0, clock.monotonic(), set[int]()
    while one := work.take(FETCH_COMMITS, now + timedelta(seconds=clock.monotonic() - began), LEASE, last=slow):
        done, started = done + 1, clock.monotonic()
        try:
            _do(one, settings, now)
        except (InterfaceError, OperationalError):
            raise  # the database is away, and the others need it as well
        except Exception:
            log.exception("commits of release %s", one.subject)
        if clock.monotonic() - started > SHARE_SECONDS:
            slow.add(one.organization_id)
    return done


def _do(one: Work, settings: Settings, now: datetime) -> None:
    release = Release.objects.select_related("organization").filter(pk=one.subject).first()
    if release is None:
        work.finish(one)
    elif one.attempts > ATTEMPTS:  # whoever tried died over it each time
        log.warning("commits of release %s are not fetched: %d attempts did not end", release.pk, ATTEMPTS)
        wish = FetchWish.of(one.payload)
        _end(one, release, wish, [Complaint(ref.repository, INTERNAL) for ref in wish.refs], now)
    else:
        _fetch(one, release, settings, now)


def _fetch(one: Work, release: Release, settings: Settings, now: datetime) -> None:
    wish = FetchWish.of(one.payload)
    haul = _haul(release, wish, settings)
    if not work.is_current(one):
        return  # asked for anew meanwhile: what came is of yesterday
    if haul.commits:
        try:
            set_commits(release, haul.commits, now=now)
        except CommitsBusy:
            log.info("commits of release %s are being set by somebody else", release.pk)
        except UnknownRelease:
            work.finish(one)  # deleted meanwhile
            return
    if haul.away and one.attempts < ATTEMPTS:
        work.put_off(one, "; ".join(f"{away.repository}: {away.text}" for away in haul.away), now + haul.again_after)
    else:
        _end(one, release, wish, haul.away + haul.refused, now)


def _haul(release: Release, wish: FetchWish, settings: Settings) -> _Haul:
    """The commits of all refs, one ref after the other."""
    known = active_repositories(release.organization_id, {ref.repository for ref in wish.refs})
    haul, until = _Haul(), clock.monotonic() + BUDGET_SECONDS
    for ref, repository in _asked(wish, known, release):
        try:
            provider = provider_of(repository, settings)
            if provider is None:
                continue
            if clock.monotonic() > until:
                raise ProviderAway("the other repositories took too long")
            haul.commits += provider.commits(repository, _start(ref, repository, wish), ref.commit)
        except ProviderAway as error:
            log.warning("commits of release %s, repository %s: %s", release.pk, repository.pk, error)
            haul.away.append(Complaint(repository.name, str(error)))
            haul.again_after = max(haul.again_after, timedelta(seconds=error.again_after_seconds))
        except ProviderRefused as error:
            log.warning("commits of release %s, repository %s are not fetched: %s", release.pk, repository.pk, error)
            haul.refused.append(Complaint(repository.name, str(error)))
        except Exception:
            # A defect that one repository meets must not cost the others their commits. It may be gone next time.
            log.exception("commits of release %s, repository %s", release.pk, repository.pk)
            haul.away.append(Complaint(repository.name, INTERNAL))
    return haul


def _asked(wish: FetchWish, known: dict[str, Repository], release: Release) -> Iterator[tuple[FetchRef, Repository]]:
    for ref in wish.refs:
        if ref.repository in known:
            yield ref, known[ref.repository]
        else:
            log.warning("commits of release %s: a repository is gone", release.pk)


def _start(ref: FetchRef, repository: Repository, wish: FetchWish) -> str | None:
    """After which commit to begin: as somebody said, else the head of the release before; None if nobody knows."""
    if ref.previous_commit:
        return ref.previous_commit
    heads = ReleaseHeadCommit.objects.filter(release_id=wish.previous_id or 0, repository=repository)
    return heads.values_list("commit__key", flat=True).first()


def _end(one: Work, release: Release, wish: FetchWish, complaints: Sequence[Complaint], now: datetime) -> None:
    """The fetch is over: what runs where is noted, the deploys that waited for it are announced, and `complaints` are
    told to whoever asked.

    Under the lock of the release's deploys: one that comes at this moment sees that nothing is fetched any more.
    """
    with transaction.atomic():
        if not lock(release) or not work.finish(one):
            return
        deploys = list(release.deploys.select_related("environment", "release").order_by("date_finished", "pk"))
        record_latest(release, deploys)
        for deploy in deploys:
            if not deploy.notified:
                announce(deploy, now)
        tell_failure(release, complaints, wish.user_id, now)
