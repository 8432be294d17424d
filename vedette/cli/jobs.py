"""The schedule: what an engine process does again and again, beside digesting.

On several nodes each run is done by one of them. A job must be safe to repeat, to interrupt, and to run twice at once.
"""

from dataclasses import dataclass
from datetime import datetime

from vedette.cli.deletion import GivenUp, delete_what_was_given_up
from vedette.cli.retention import Kept, Swept, sweep
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.digest.linking import link_late
from vedette.digest.models import DigestBatch
from vedette.events.client import EventStore
from vedette.events.connection import event_store
from vedette.hooks.delivering import deliver_due
from vedette.issues.ageing import resolve_by_age
from vedette.issues.escalation import rebuild
from vedette.issues.inbox import clean_up
from vedette.issues.merging import move_merged
from vedette.issues.ongoing import go_on
from vedette.issues.storms import end_quiet
from vedette.issues.unmerged import move_unmerged
from vedette.issues.velocity import make_thresholds
from vedette.issues.waking import end_expired
from vedette.mail.claims import CLAIM_MAIL
from vedette.mail.passwords import PASSWORD_MAIL
from vedette.mail.security import SECURITY_MAIL
from vedette.mail.sending import Sent, send_due
from vedette.orgs.invitemail import INVITATION_MAIL
from vedette.releases.adoption import note_adoption
from vedette.relocation.hosting import move_due
from vedette.settings import Settings
from vedette.shipping.deploymail import DEPLOY_MAIL
from vedette.shipping.fetching import fetch_due
from vedette.shipping.fetchmail import FETCH_MAIL
from vedette.shipping.suspicion import look_at_due
from vedette.tasks.names import DELETIONS, FETCH_COMMITS, MAIL, MERGES, MOVES, SUSPECTS, UNMERGES, WEBHOOKS
from vedette.tasks.schedule import Job

MINUTE, HOUR = 60, 3600
# Every kind of mail that there is.
MAILS = (DEPLOY_MAIL, FETCH_MAIL, CLAIM_MAIL, INVITATION_MAIL, PASSWORD_MAIL, SECURITY_MAIL)


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job works with. `now` is the moment at which it was started."""

    events: EventStore
    files: FileStore
    now: datetime
    settings: Settings


def context(settings: Settings) -> JobContext:
    """What a job is given that starts now."""
    return JobContext(event_store(), FileStore(settings.files_dir), clock.now(), settings)


def kept_by(settings: Settings) -> Kept:
    """For how many days the server keeps things, where an organization says nothing."""
    return Kept(settings.retention_days, settings.attachment_retention_days, settings.artifact_retention_days)


def _sweep(context: JobContext) -> Swept:
    return sweep(context.events, context.files, context.now, kept_by(context.settings))


def _end_storms(context: JobContext) -> str:
    ended = end_quiet(context.now)
    return f"{ended} storms ended" if ended else ""


def _delete(context: JobContext) -> GivenUp:
    return delete_what_was_given_up(context.events, context.files, context.now)


def _resolve_by_age(context: JobContext) -> str:
    resolved = resolve_by_age(context.now)
    return f"resolved {resolved} issues" if resolved else ""


def _clean_inbox(context: JobContext) -> str:
    removed = clean_up(context.now)
    return f"{removed} issues wait no longer" if removed else ""


def _end_archives(context: JobContext) -> str:
    ended = end_expired(context.now)
    return f"{ended} archives are over" if ended else ""


def _move_merged(context: JobContext) -> str:
    moved = move_merged(context.events, context.now)
    return f"{moved} merged issues moved" if moved else ""


def _in_hand() -> set[int]:
    return set(DigestBatch.objects.values_list("pk", flat=True))


def _move_unmerged(context: JobContext) -> str:
    settled = move_unmerged(context.events, _in_hand, context.now)
    return f"{settled} issues split" if settled else ""


def _go_on(context: JobContext) -> str:
    changed = go_on(context.now)
    return f"{changed} issues go on" if changed else ""


def _forecast(context: JobContext) -> str:
    made = rebuild(context.events, context.now)
    return f"{made} forecasts made" if made else ""


def _measure_velocity(context: JobContext) -> str:
    measured = make_thresholds(context.events, context.now)
    return f"measured how fast issues of {measured} projects come" if measured else ""


def _find_suspects(context: JobContext) -> str:
    found = look_at_due(context.events, context.now)
    return f"somebody is suspected of {found} issues" if found else ""


def _note_adoption(context: JobContext) -> str:
    adopted = note_adoption(context.events, context.now)
    return f"{adopted} adopted" if adopted else ""


def _link_late(context: JobContext) -> str:
    linked = link_late(context.events, context.now)
    return f"linked {linked} files and reports" if linked else ""


def _fetch_commits(context: JobContext) -> str:
    fetched = fetch_due(context.settings, context.now)
    return f"looked for the commits of {fetched} releases" if fetched else ""


def _send_mail(context: JobContext) -> Sent:
    return send_due(MAILS, context.now)


def _deliver(context: JobContext) -> str:
    return str(deliver_due(context.settings, context.now))


def _move(context: JobContext) -> str:
    moved = move_due(context.events, context.now)
    return f"worked on {moved} exports and imports" if moved else ""


JOBS: tuple[Job[JobContext], ...] = (
    # name (also that of its row), period, what is done
    Job("retention", HOUR, _sweep),
    Job("adoption", HOUR, _note_adoption),
    Job("resolve-by-age", 10 * MINUTE, _resolve_by_age),
    Job("inbox", 15 * MINUTE, _clean_inbox),
    Job("archives", 5 * MINUTE, _end_archives),
    Job("ongoing", 5 * MINUTE, _go_on),
    Job("forecasts", 6 * HOUR, _forecast),
    Job("velocity", 10 * MINUTE, _measure_velocity),
    Job(DELETIONS, MINUTE, _delete),
    Job(MERGES, MINUTE, _move_merged),
    Job(UNMERGES, MINUTE, _move_unmerged),
    Job(FETCH_COMMITS, MINUTE, _fetch_commits),
    Job(MAIL, MINUTE, _send_mail),
    Job(WEBHOOKS, MINUTE, _deliver),
    Job(SUSPECTS, MINUTE, _find_suspects),
    Job(MOVES, MINUTE, _move),
    Job("storms", MINUTE, _end_storms),
    Job("late-files", MINUTE, _link_late),
)
