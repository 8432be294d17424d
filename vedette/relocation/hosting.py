"""The job that does what owners asked for on a page (`hosted`): exports, trials of imports, imports.

Each may be repeated: an export begins anew, a trial writes nothing, and an import is known by its uuid. What fails says
why on the page; what a store that is away keeps from being done is tried again.
"""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.errors import RuleBroken, TryAgain
from vedette.core.files import FileStore
from vedette.core.relocation import RelocationScope
from vedette.events.client import EventStore
from vedette.orgs.models import InviteStatus, Organization, OrganizationMember
from vedette.relocation import hosted
from vedette.relocation.companion.container import BLOCK, looks_like_archive
from vedette.relocation.companion.exporting import export_full
from vedette.relocation.companion.importing import import_full
from vedette.relocation.exporting.options import ExportOptions
from vedette.relocation.exporting.run import export_rows
from vedette.relocation.files.findings import FindingKind, FindingLog, Severity, write_findings
from vedette.relocation.files.sealing import LocalPrivateKey, LocalPublicKey, seal, unseal
from vedette.relocation.importing.options import ImportOptions, ImportScope
from vedette.relocation.importing.result import Counts, ImportResult
from vedette.relocation.importing.run import import_rows
from vedette.relocation.models import Move, MoveKind, MoveState, RegionImportChunk
from vedette.relocation.progress import ProgressFile
from vedette.tasks import work
from vedette.tasks.models import Work
from vedette.tasks.names import MOVES

log = logging.getLogger(__name__)

ATTEMPTS = 5
LEASE = timedelta(hours=1)
RETRY_AFTER = timedelta(minutes=2)
ROWS_KEPT = timedelta(days=90)
MOST_ORGANIZATIONS, MOST_USERS = 20, 2_000  # in one import; more is for `vedette import`
MOST_TOLD = 100  # warnings and renames that a page shows
EXPORT = "export"
INTERNAL = "An internal error; the server's log says more."
_ORGANIZATION, _USER = "sentry.organization", "sentry.user"
NOT_HERE = "Its files are not on the node that was to do it: all nodes have to share the directory of files."
_GIVEN_UP = (MoveState.CANCELLED, MoveState.REJECTED, MoveState.EXPIRED)
_TOLD = (MoveState.FAILED, MoveState.APPROVED)


def move_due(store: EventStore | None, now: datetime) -> int:
    """Do what waits, and throw away what nobody fetched; how many moves were worked on. `store` holds the events."""
    clean_up(now)
    began, done = clock.monotonic(), 0
    while one := work.take(MOVES, now + timedelta(seconds=clock.monotonic() - began), LEASE):
        done += 1
        try:
            _do(one, store)
        except (InterfaceError, OperationalError):
            raise  # the database is away, and the others need it as well
        except Exception:
            log.exception("move %s", one.subject)
            _fail(one, INTERNAL)
    return done


def clean_up(now: datetime) -> None:
    """Files go when their time is over, rows much later; what is left of a deleted organization's goes at once."""
    for move in Move.objects.filter(organization=None, state=MoveState.PENDING):
        hosted.reject(move, None)
    lost = Move.objects.filter(organization=None).exclude(state=MoveState.PENDING)
    for move in [*lost, *Move.objects.filter(state__in=_GIVEN_UP)]:
        hosted.forget_files(move)
    lost.delete()
    for move in Move.objects.filter(state__in=_TOLD):  # what was found may be looked at for as long as the rest is kept
        for name in (hosted.UPLOAD, hosted.KEY, EXPORT):
            (hosted.directory_of(move) / name).unlink(missing_ok=True)
    late = Move.objects.filter(expires_at__lt=now).exclude(state__in=(MoveState.RUNNING, MoveState.WRITING))
    for move in late:
        hosted.forget_files(move)
    still_open = late.exclude(state__in=(*_GIVEN_UP, *_TOLD, MoveState.PENDING))
    still_open.update(state=MoveState.EXPIRED, ended_at=now)
    Move.objects.filter(date_added__lt=now - ROWS_KEPT, state__in=(*_GIVEN_UP, *_TOLD)).delete()
    _forget_orphans(now)


def _forget_orphans(now: datetime) -> None:
    """Directories without a row: somebody died while asking."""
    if not hosted.root().is_dir():
        return
    known = set(Move.objects.values_list("uuid", flat=True))
    for path in hosted.root().iterdir():
        if path.name not in known and path.stat().st_mtime < (now - hosted.EXPORT_KEPT).timestamp():
            shutil.rmtree(path, ignore_errors=True)


def _do(one: Work, store: EventStore | None) -> None:
    move = Move.objects.select_related("organization").filter(pk=one.subject).first()
    if move is None or move.organization is None or not _begin(move):
        work.finish(one)
        return
    if not hosted.directory_of(move).is_dir():
        _end(one, move, MoveState.FAILED, error=NOT_HERE)
        return
    if one.attempts > ATTEMPTS:
        _end(one, move, MoveState.FAILED, error=INTERNAL)
        return
    try:
        with ProgressFile(hosted.directory_of(move) / hosted.PROGRESS) as progress:
            _step(move)(one, move, store, progress)
    except TryAgain as error:
        log.warning("move %s is tried again: %s", move.uuid, error)
        work.put_off(one, str(error), clock.now() + RETRY_AFTER)
    except (RuleBroken, OSError) as error:
        finding = getattr(error, "finding", None)
        if finding is not None and finding.kind is FindingKind.DATABASE_ERROR and one.attempts < ATTEMPTS:
            work.put_off(one, str(error), clock.now() + RETRY_AFTER)
            return
        logged = getattr(error, "findings", None)
        _keep_findings(move, logged if logged is not None else [finding] if finding else [])
        _end(one, move, MoveState.FAILED, error=_sentence(error))


def _begin(move: Move) -> bool:
    """Whether there is anything to do; the page says so from now on."""
    writes = move.state in (MoveState.CONFIRMED, MoveState.WRITING)
    before = (MoveState.CONFIRMED, MoveState.WRITING) if writes else (MoveState.WAITING, MoveState.RUNNING)
    after = MoveState.WRITING if writes else MoveState.RUNNING
    move.state, begun = after, Move.objects.filter(pk=move.pk, state__in=before).update(state=after)
    return bool(begun)


def _step(move: Move) -> Any:
    if move.kind == MoveKind.EXPORT:
        return _export
    return _import if move.state == MoveState.WRITING else _plan


def _export(one: Work, move: Move, store: EventStore | None, progress: ProgressFile) -> None:
    """The organization as a file that its owners can fetch for a day."""
    directory, said = hosted.directory_of(move), move.options
    assert move.organization is not None  # noqa: S101 (looked at before)
    options = ExportOptions(
        RelocationScope.ORGANIZATION,
        org_slugs=frozenset({move.organization.slug}),
        indent=None if said["full"] or said["sealed"] else 2,
        withholds=True,
    )
    draft = directory / f"draft-{os.getpid()}"
    with _private(draft) as file, ExitStack() as stack:
        stream: BinaryIO = file
        if said["sealed"]:
            key = LocalPublicKey((directory / hosted.KEY).read_bytes())
            stream = stack.enter_context(seal(file, key, work_dir=directory))
        if said["full"]:
            events = store if said["with_events"] else None
            full = export_full(
                stream,
                options,
                store=events,
                files=FileStore(settings.VEDETTE.files_dir),
                work_dir=directory,
                progress=progress,
                with_events=said["with_events"],
            )
            counts, findings = {**full.counts, **full.more}, full.findings
        else:
            result = export_rows(stream, options, work_dir=directory, progress=progress)
            counts, findings = result.counts, result.findings
    draft.replace(directory / EXPORT)
    _keep_findings(move, findings)
    outcome = {"counts": counts, "warnings": _warnings(findings)}
    findings.close()
    size = (directory / EXPORT).stat().st_size
    expires_at = clock.now() + hosted.EXPORT_KEPT
    _end(one, move, MoveState.READY, outcome=outcome, file_bytes=size, expires_at=expires_at)


def _plan(one: Work, move: Move, store: EventStore | None, progress: ProgressFile) -> None:
    """Do everything and undo it, to see what it would be."""
    result = _imported(move, store, progress, dry_run=True)
    organizations, users = (_new(result.plan.get(model)) for model in (_ORGANIZATION, _USER))
    outcome = _outcome(move, result)
    if not organizations:
        raise RuleBroken("The file holds no organization.")
    if organizations > MOST_ORGANIZATIONS or users > MOST_USERS:
        raise RuleBroken(
            f"The file holds {organizations} organizations and {users} users; at most {MOST_ORGANIZATIONS} and "
            f"{MOST_USERS} come this way, more with vedette import."
        )
    _end(one, move, MoveState.PLANNED, outcome=outcome)


def _import(one: Work, move: Move, store: EventStore | None, progress: ProgressFile) -> None:
    """Write it, hidden; who confirmed it becomes an owner of each organization."""
    result = _imported(move, store, progress, dry_run=False)
    outcome = _outcome(move, result)
    chunks = RegionImportChunk.objects.filter(import_uuid=move.uuid, model=_ORGANIZATION)
    made = [pk for chunk in chunks for pk in chunk.inserted_map.values()]
    users = User.objects.filter(pk__in=hosted.new_users(move), is_active=True, is_unclaimed=True)
    with transaction.atomic():
        organizations = list(Organization.objects.filter(pk__in=made).order_by("pk"))
        for organization in organizations:
            OrganizationMember.objects.get_or_create(
                organization=organization,
                user_id=move.options["confirmed_by"],
                defaults={"role": "owner", "invite_status": InviteStatus.APPROVED},
            )
        outcome["organizations"] = [{"id": row.pk, "slug": row.slug, "name": row.name} for row in organizations]
        outcome["users"] = list(users.values_list("pk", flat=True))
        users.update(is_active=False)
        _end(one, move, MoveState.PENDING, outcome=outcome)
    (hosted.directory_of(move) / hosted.UPLOAD).unlink(missing_ok=True)
    (hosted.directory_of(move) / hosted.KEY).unlink(missing_ok=True)


def _imported(move: Move, store: EventStore | None, progress: ProgressFile, *, dry_run: bool) -> ImportResult:
    """Import the upload, or try to. It never touches what is here: nothing is merged, nothing overwritten."""
    directory = hosted.directory_of(move)
    options = ImportOptions(ImportScope.ORGANIZATION, import_uuid=move.uuid, hide_organizations=True, dry_run=dry_run)
    with _opened(directory, is_sealed=move.options["sealed"]) as stream:
        if not looks_like_archive(stream.peek(BLOCK)[:BLOCK]):  # type: ignore[attr-defined]
            return import_rows(stream, options, work_dir=directory, progress=progress)
        files = FileStore(settings.VEDETTE.files_dir)
        full = import_full(
            stream, options, store=None if dry_run else store, files=files, work_dir=directory, progress=progress
        )
        full.sentry.plan.update(full.plan)
        for name, told in full.events.items():
            full.sentry.plan[f"events.{name}"] = Counts(inserted=told["inserted"], existing=told["existing"])
        return full.sentry


@contextmanager
def _opened(directory: Path, *, is_sealed: bool) -> Iterator[BinaryIO]:
    with (directory / hosted.UPLOAD).open("rb") as file:
        if not is_sealed:
            yield file
            return
        key = LocalPrivateKey((directory / hosted.KEY).read_bytes())
        with unseal(file, key, work_dir=directory) as plain:
            yield plain


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _outcome(move: Move, result: ImportResult) -> dict[str, Any]:
    """What the page shows. User names that are taken here are nobody's business who does not run the server."""
    plan = {model: counts.as_dict() for model, counts in result.plan.items()}
    renames = [one for one in result.renames if one.model != _USER]
    _keep_findings(move, result.findings, hides_users=True)
    outcome = {
        "plan": {model: counts for model, counts in plan.items() if any(counts.values())},
        "renames": [{"model": one.model, "old": one.old, "new": one.new} for one in renames[:MOST_TOLD]],
        "renamed_users": len(result.renames) - len(renames),
        "warnings": _warnings(result.findings, hides_users=True),
    }
    result.findings.close()
    result.findings.path.unlink(missing_ok=True)
    return outcome


def _warnings(findings: FindingLog, *, hides_users: bool = False) -> list[str]:
    told = (one for one in findings.first if one.severity is not Severity.NOTE)
    return [one.sentence() for one in told if not (hides_users and one.model == _USER)][:MOST_TOLD]


def _keep_findings(move: Move, findings: Any, *, hides_users: bool = False) -> None:
    kept = (one for one in findings if not (hides_users and one.model == _USER))
    write_findings(hosted.directory_of(move) / hosted.FINDINGS, kept)


def _new(counts: Counts | None) -> int:
    return counts.inserted if counts else 0


def _end(one: Work, move: Move, state: MoveState, **changes: Any) -> None:
    """The step is done. Somebody else may have done it meanwhile; then their word stands."""
    if state is MoveState.FAILED:
        changes["ended_at"] = clock.now()
    Move.objects.filter(pk=move.pk, state=move.state).update(state=state, **changes)
    work.finish(one)


def _fail(one: Work, error: str) -> None:
    running = Move.objects.filter(pk=one.subject, state__in=(MoveState.RUNNING, MoveState.WRITING))
    running.update(state=MoveState.FAILED, error=error, ended_at=clock.now())
    work.finish(one)


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__}."
    return str(error)[:2000]
