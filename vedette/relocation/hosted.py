"""Moves that owners ask for on a page: exports of their organization, imports of others, and who decides what.

An owner exports their own organization, without anybody's credentials. What an owner imports makes new organizations
and new accounts, joins nothing that is here, and is seen by nobody until somebody who runs the server approves it:
until then its accounts cannot be claimed, and nobody gets mail. A move belongs to the organization that it was asked
for in; callers have made sure that `by` owns that.

Source: the relocation specification, 2.4 and what 9 says of hosted relocation.
"""

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.mail.claims import send_claims
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import Organization, OrganizationStatus
from vedette.relocation.companion.container import BLOCK, looks_like_archive
from vedette.relocation.files.findings import BadFile
from vedette.relocation.files.sealing import LocalPrivateKey, LocalPublicKey, is_sealed
from vedette.relocation.models import ControlImportChunk, Move, MoveKind, MoveState
from vedette.tasks import work
from vedette.tasks.names import DELETIONS, MOVES
from vedette.tasks.schedule import hasten

EXPORT_KEPT = timedelta(days=1)
IMPORT_KEPT = timedelta(days=7)
MOST_BYTES = 36 * 2**20  # of an upload in one request; larger files come in pieces, or are for `vedette import`
MOST_KEY_BYTES = 64 * 2**10
MOST_OPEN = 3  # moves of one organization that are under way at once
UPLOAD, KEY, FINDINGS, PROGRESS = "upload", "key.pem", "findings.json", "progress.json"
_OPEN = (MoveState.WAITING, MoveState.RUNNING, MoveState.PLANNED, MoveState.CONFIRMED, MoveState.WRITING)


class NotNow(RuleBroken):
    """The move is not where this can be done: somebody was faster, or its time is over."""

    code = "not-now"


def root() -> Path:
    """Where moves have their directories: on the disk that all nodes share."""
    path: Path = settings.VEDETTE.files_dir / "relocation"
    return path


def directory_of(move: Move) -> Path:
    """Where the files of a move lie, for the server alone."""
    return root() / move.uuid


def ask_export(
    organization: Organization,
    by: User,
    *,
    full: bool = False,
    with_events: bool = False,
    public_key: bytes = b"",
    ip_address: str | None = None,
) -> Move:
    """Have the organization exported, encrypted if there is a public key (PEM). Raises `RuleBroken`."""
    if public_key:
        _checked_key(public_key, "public_key", LocalPublicKey)
    options = {"full": full or with_events, "with_events": with_events, "sealed": bool(public_key)}
    move = _new(organization, by, MoveKind.EXPORT, options)
    with _kept(move):
        if public_key:
            _write(directory_of(move) / KEY, [public_key], MOST_KEY_BYTES)
        _ask(move, by, AuditEvent.RELOCATION_EXPORT, ip_address)
    return move


def ask_import(
    organization: Organization,
    by: User,
    upload: Iterable[bytes],
    *,
    private_key: bytes = b"",
    ip_address: str | None = None,
    most_bytes: int | None = None,
) -> Move:
    """Have an uploaded file tried, of `MOST_BYTES` if nothing else is said; `private_key` (PEM) opens a sealed one.
    Raises `RuleBroken`."""
    if private_key:
        _checked_key(private_key, "private_key", LocalPrivateKey)
    move = _new(organization, by, MoveKind.IMPORT, {"sealed": bool(private_key)})
    with _kept(move):
        path = directory_of(move) / UPLOAD
        move.file_bytes = _write(path, upload, MOST_BYTES if most_bytes is None else most_bytes)
        _check_upload(path, is_opened=bool(private_key))
        if private_key:
            _write(directory_of(move) / KEY, [private_key], MOST_KEY_BYTES)
        _ask(move, by, AuditEvent.RELOCATION_UPLOAD, ip_address)
    return move


@transaction.atomic
def confirm(move: Move, by: User, ip_address: str | None = None) -> None:
    """Have a plan carried out. Raises `NotNow`."""
    _go(move, (MoveState.PLANNED,), MoveState.CONFIRMED, options={**move.options, "confirmed_by": by.pk})
    _note(move, AuditEvent.RELOCATION_CONFIRM, by, ip_address)
    _put(move)


@transaction.atomic
def cancel(move: Move, by: User, ip_address: str | None = None) -> None:
    """Give a move up that has not written anything, and its files with it. Raises `NotNow`."""
    _go(move, (MoveState.WAITING, MoveState.PLANNED, MoveState.READY), MoveState.CANCELLED, ended_at=clock.now())
    _note(move, AuditEvent.RELOCATION_CANCEL, by, ip_address)
    transaction.on_commit(lambda: forget_files(move))


def approve(move: Move, by: User, ip_address: str | None = None) -> None:
    """Let everybody see what was imported, and tell people by mail to claim their accounts. Raises `NotNow`, and
    `RuleBroken` unless `by` runs the server."""
    _only_superusers(by)
    with transaction.atomic():
        _go(move, (MoveState.PENDING,), MoveState.APPROVED, decided_by=by.pk, ended_at=clock.now())
        hidden = _imported(move)
        for organization in hidden:
            organization.status = OrganizationStatus.ACTIVE
            organization.save(update_fields=["status"])
            _record(organization, AuditEvent.RELOCATION_APPROVE, move, by, ip_address)
        User.objects.filter(pk__in=move.outcome.get("users", ())).update(is_active=True)
        _note(move, AuditEvent.RELOCATION_APPROVE, by, ip_address)
    send_claims(new_users(move), clock.now())


@transaction.atomic
def reject(move: Move, by: User | None, ip_address: str | None = None) -> None:
    """Delete what was imported, and the accounts that came with it. Raises as `approve`; without `by` it is the
    server's own doing."""
    if by is not None:
        _only_superusers(by)
    decided_by = by.pk if by else None
    _go(move, (MoveState.PENDING,), MoveState.REJECTED, decided_by=decided_by, ended_at=clock.now())
    for organization in _imported(move):
        organization.status = OrganizationStatus.PENDING_DELETION
        organization.save(update_fields=["status"])
    User.objects.filter(pk__in=new_users(move), is_unclaimed=True, is_superuser=False).delete()
    _note(move, AuditEvent.RELOCATION_REJECT, by, ip_address)
    hasten(DELETIONS, clock.now())


def new_users(move: Move) -> list[int]:
    """The ids of the accounts that an import made."""
    chunks = ControlImportChunk.objects.filter(import_uuid=move.uuid, model="sentry.user").order_by("pk")
    return [pk for made in chunks.values_list("inserted_map", flat=True) for pk in made.values()]


def forget_files(move: Move) -> None:
    """Delete everything that lies on the disk because of a move."""
    shutil.rmtree(directory_of(move), ignore_errors=True)


def _new(organization: Organization, by: User, kind: MoveKind, options: dict[str, Any]) -> Move:
    """A row that is not kept yet. Raises `RuleBroken` when too many are under way."""
    if Move.objects.filter(organization=organization, state__in=_OPEN).count() >= MOST_OPEN:
        raise RuleBroken(f"{MOST_OPEN} moves of this organization are under way: finish or cancel one first")
    now = clock.now()
    kept = EXPORT_KEPT if kind is MoveKind.EXPORT else IMPORT_KEPT
    return Move(
        uuid=secrets.token_hex(16),
        organization=organization,
        user_id=by.pk,
        kind=kind,
        options=options,
        date_added=now,
        expires_at=now + kept,
    )


@contextmanager
def _kept(move: Move) -> Iterator[None]:
    """The directory of a move that is being asked for; it goes when asking fails."""
    directory_of(move).mkdir(mode=0o700, parents=True)
    try:
        yield
    except BaseException:
        forget_files(move)
        raise


@transaction.atomic
def _ask(move: Move, by: User, event: AuditEvent, ip_address: str | None) -> None:
    move.save()
    _note(move, event, by, ip_address)
    _put(move)


def _put(move: Move) -> None:
    organization_id = move.organization_id or 0
    work.put(MOVES, move.pk, {}, organization_id=organization_id, now=clock.now())


def _go(move: Move, before: tuple[MoveState, ...], after: MoveState, **changes: Any) -> None:
    """Of two who decide at once, one does. Raises `NotNow`."""
    if not Move.objects.filter(pk=move.pk, state__in=before).update(state=after, **changes):
        raise NotNow("somebody was faster, or it is too late for that")
    move.state = after
    for name, value in changes.items():
        setattr(move, name, value)


def _write(path: Path, pieces: Iterable[bytes], limit: int) -> int:
    """Write a file of the server's own, and give its size. Raises `RuleBroken` beyond `limit` bytes."""
    size = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for piece in pieces:
            size += len(piece)
            if size > limit:
                raise RuleBroken({"file": [f"The file is larger than {limit // 2**20} MB."]})
            file.write(piece)
    return size


def _check_upload(path: Path, *, is_opened: bool) -> None:
    """What can be told at once, without reading the whole."""
    with path.open("rb") as stream:
        start = stream.read(BLOCK)
        stream.seek(0)
        sealed = not looks_like_archive(start) and is_sealed(stream)
    if not start:
        raise RuleBroken({"file": ["The file is empty."]})
    if sealed and not is_opened:
        raise RuleBroken({"private_key": ["The file is encrypted: its private key is needed."]})
    if is_opened and not sealed:
        raise RuleBroken({"private_key": ["The file is not encrypted, so it needs no key."]})


def _checked_key(pem: bytes, field: str, kind: type[LocalPublicKey] | type[LocalPrivateKey]) -> None:
    try:
        kind(pem)
    except BadFile as error:
        raise RuleBroken({field: [f"{error.finding.reason}.".capitalize()]}) from error


def _imported(move: Move) -> list[Organization]:
    """The organizations that the import made, as long as they are hidden."""
    ids = [one["id"] for one in move.outcome.get("organizations", ())]
    hidden = Organization.objects.filter(pk__in=ids, status=OrganizationStatus.RELOCATION_PENDING_APPROVAL)
    return list(hidden.order_by("pk"))


def _only_superusers(by: User) -> None:
    if not (by.is_superuser and by.is_active):
        raise RuleBroken("only who runs the server decides that")


def _note(move: Move, event: AuditEvent, by: User | None, ip_address: str | None) -> None:
    """In the log of the organization in which the move was asked for."""
    if move.organization is not None:
        _record(move.organization, event, move, by, ip_address)


def _record(organization: Organization, event: AuditEvent, move: Move, by: User | None, ip_address: str | None) -> None:
    slugs = [one["slug"] for one in move.outcome.get("organizations", ())]
    data = {"uuid": move.uuid, "organizations": slugs}
    record(event, organization, by=by, target=move.pk, data=data, ip_address=ip_address)


def note_download(move: Move, by: User, ip_address: str | None) -> None:
    """Write down who took an export away."""
    _note(move, AuditEvent.RELOCATION_DOWNLOAD, by, ip_address)
