"""What `vedette import` does with what it was told: the question, the copy before a wipe, the import, the plan.

Source: the relocation specification, 3.2, 4 and 9.
"""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vedette.cli.relocating import (
    Report,
    Talk,
    give_up,
    is_archive,
    reading,
    replacing,
    reporting,
    scratch_dir,
    set_up,
    table,
    tell_findings,
    write_private,
)
from vedette.cli.relocationoptions import KeyFile

if TYPE_CHECKING:
    from vedette.relocation.importing.options import ImportOptions
    from vedette.relocation.importing.result import ImportResult

_COLUMNS = ("inserted", "existing", "overwritten", "preserved", "dropped", "out_of_scope")
_LONG_BYTES = 8 * 2**20  # files from here on keep the server's writers waiting for long enough to be noticed
_MOST_RENAMES = 50


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says."""

    scope: str
    src: str
    key: KeyFile | None
    map_users: dict[str, str]
    rename_orgs: dict[str, str]
    dry_run: bool
    strict: bool
    in_batches: bool
    import_uuid: str | None
    resume: bool
    secrets_file: Path | None
    no_mail: bool
    findings_file: Path | None
    silent: bool
    as_json: bool
    no_prompt: bool
    began: float
    usernames: frozenset[str] | None = None
    org_slugs: frozenset[str] | None = None
    project_slugs: frozenset[str] | None = None
    merge_users: bool = False
    overwrite_configs: bool = False
    wipe: bool = False
    no_safety_export: bool = False
    filters: tuple[str, ...] = field(default=("usernames", "org_slugs", "project_slugs"))


def run(wish: Wish) -> None:
    """Import, and say what became of it."""
    talk = Talk(silent=wish.silent, as_json=wish.as_json)
    set_up()
    from django.conf import settings

    from vedette.cli.alone import alone
    from vedette.relocation.files.findings import Origin

    with ExitStack() as later, reporting(wish.findings_file, Origin.IMPORT) as report, scratch_dir("source") as here:
        later.callback(_forget, report)
        for name in wish.filters:
            chosen = getattr(wish, name)
            if chosen is not None and not chosen:
                talk.warn(f"the filter of {name.replace('_', ' ')} names nothing, so nothing passes it")
        with reading(wish.src, wish.key, here) as stream, alone("relocation", settings.VEDETTE.data_dir / "run"):
            if wish.scope == "Global" and not _may_restore(wish, talk):
                return
            _warn_of_waiting(wish, talk)
            result = _import(wish, stream, talk)
            report.findings = result.findings
            tell_findings(talk, result.findings)
            _tell(wish, result, talk)


def _forget(report: Report) -> None:
    """The log of findings lies beside what an import keeps, and is told by now."""
    path = getattr(report.findings, "path", None)
    if path is not None:
        path.unlink(missing_ok=True)


def _options(wish: Wish, import_uuid: str | None) -> "ImportOptions":
    from vedette.relocation.importing.options import ImportOptions, ImportScope

    return ImportOptions(
        scope=ImportScope(wish.scope),
        org_slugs=wish.org_slugs,
        usernames=wish.usernames,
        project_slugs=wish.project_slugs,
        merge_users=wish.merge_users,
        overwrite_configs=wish.overwrite_configs,
        import_uuid=import_uuid,
        dry_run=wish.dry_run,
        strict=wish.strict,
        map_users=wish.map_users,
        rename_orgs=wish.rename_orgs,
        in_batches=wish.in_batches,
        wipe=wish.wipe,
    )


def _import(wish: Wish, stream: Any, talk: Talk) -> "ImportResult":
    from vedette.cli.companion import import_archive
    from vedette.relocation.importing.run import import_rows

    import_uuid = _uuid(wish)
    if is_archive(stream):  # whose content names its import, so that it can be repeated
        with talk.progress() as progress:
            options = _options(wish, import_uuid)
            return import_archive(stream, options, work_dir=_work_dir(), progress=progress)
    options = _options(wish, import_uuid or secrets.token_hex(16))
    if wish.in_batches and not wish.dry_run:
        talk.warn(f"this import is {options.import_uuid}: --resume --import-uuid {options.import_uuid} goes on with it")
    with _events_of_what_is_wiped(wish), talk.progress() as progress:
        return import_rows(stream, options, work_dir=_work_dir(), progress=progress)


@contextmanager
def _events_of_what_is_wiped(wish: Wish) -> Iterator[None]:
    """The event store, where events are deleted along with what they belong to."""
    from django.conf import settings

    from vedette.cli.stores import open_event_store
    from vedette.events.migrate import migrate

    if not wish.wipe or wish.dry_run:
        yield
        return
    with open_event_store(settings.VEDETTE, announced=True) as store:
        migrate(store)
        yield


def _work_dir() -> Path:
    """Where imports keep what they need to go on after they were cut off, one directory for each, by its uuid."""
    from django.conf import settings

    path: Path = settings.VEDETTE.data_dir / "relocation" / "imports"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def _uuid(wish: Wish) -> str | None:
    """Which import this is; None for a new one."""
    if wish.import_uuid:
        if wish.resume and not (_work_dir() / wish.import_uuid).is_dir():
            give_up(f"there is no import {wish.import_uuid} to go on with")
        return wish.import_uuid
    if not wish.resume:
        return None
    begun = sorted(path.name for path in _work_dir().glob("*") if path.is_dir() and len(path.name) == 32)
    if len(begun) != 1:
        give_up(f"say with --import-uuid which one: {', '.join(begun)}" if begun else "no import was cut off")
    return begun[0]


def _may_restore(wish: Wish, talk: Talk) -> bool:
    """Whether a full restore may go on: it is told to wipe what is in use, and whoever is asked says yes."""
    from vedette.accounts.models import User
    from vedette.orgs.models import Organization

    users, organizations = User.objects.count(), Organization.objects.count()
    in_use = bool(users or organizations) and not wish.resume
    here = f"users: {users:,}, organizations: {organizations:,}"
    if in_use and not wish.wipe:
        give_up(
            f"this installation is in use ({here}): --wipe deletes them first, and `vedette import organizations` "
            "adds to them"
        )
    if wish.dry_run:
        return True
    if not wish.no_prompt:
        threat = f"This deletes what is here ({here})" if in_use else "This installation is empty"
        question = f"{threat}. Restore {wish.src} into it, with all privileges that it holds?"
        if not click.confirm(question, err=True):
            click.echo("Import cancelled.")
            return False
    if in_use and not wish.no_safety_export:
        _keep_a_copy(talk)
    return True


def _keep_a_copy(talk: Talk) -> None:
    """Everything that is here, with events, in an archive that can be imported again. Raises when that fails: then
    nothing is deleted."""
    from django.conf import settings

    from vedette.cli.companion import export_archive
    from vedette.core.relocation import RelocationScope
    from vedette.relocation.exporting.options import ExportOptions

    name = time.strftime("before-wipe-%Y%m%dT%H%M%SZ.vedette", time.gmtime())
    path = settings.VEDETTE.data_dir / "relocation" / name
    options = ExportOptions(RelocationScope.GLOBAL, indent=None)
    with scratch_dir("copy") as work_dir, replacing(str(path)) as stream, talk.progress() as progress:
        export_archive(stream, options, with_events=True, work_dir=work_dir, progress=progress)
    talk.warn(f"what is here now is kept in {path}: `vedette import global --wipe {path}` brings it back")


def _warn_of_waiting(wish: Wish, talk: Talk) -> None:
    """SQLite has one writer: what the running server wants to write waits for the end of an import that is written
    all at once."""
    from django.conf import settings
    from django.db import connection

    from vedette.core import runtime

    if wish.in_batches or connection.vendor != "sqlite":
        return
    if (wish.src == "-" or Path(wish.src).stat().st_size >= _LONG_BYTES) and runtime.is_serving(
        settings.VEDETTE.runtime_file.parent
    ):
        talk.warn(
            "the server is running: it goes on taking events in and answering, but writes nothing until this import "
            "is done; with --in-batches it waits for a moment at a time"
        )


def _tell(wish: Wish, result: "ImportResult", talk: Talk) -> None:
    kept = _keep_secrets(wish, result)
    mails = 0 if wish.dry_run or wish.no_mail else _send_mail(result)
    rows = [
        [model, *(f"{number:,}" if (number := getattr(counts, name)) else "·" for name in _COLUMNS)]
        for model, counts in result.plan.items()
        if any(getattr(counts, name) for name in _COLUMNS)
    ]
    title = "What would be done (nothing is)" if wish.dry_run else "What was done"
    columns = ["model", *(name.replace("_", " ") for name in _COLUMNS)]
    if not wish.silent and not wish.as_json:
        talk.say(table(title, columns, rows) if rows else "there was nothing to import")
        for rename in result.renames[:_MOST_RENAMES]:
            talk.say(f"renamed {rename.model.partition('.')[2]} {rename.old} to {rename.new}")
        if len(result.renames) > _MOST_RENAMES:
            talk.say(f"and {len(result.renames) - _MOST_RENAMES} more renames: --json tells them all")
        if kept:
            talk.say(f"{len(result.secrets)} tokens were made anew; the new ones are in {kept}, and nowhere else")
        if mails:
            talk.say(f"{mails} people are told by mail how to claim their accounts")
    talk.result(
        {
            **result.as_dict(),
            "findings": len(result.findings),
            "secretsFile": str(kept) if kept else None,
            "mails": mails,
            "seconds": round(time.monotonic() - wish.began, 2),
        }
    )


def _keep_secrets(wish: Wish, result: "ImportResult") -> Path | None:
    """New tokens are handed out once, in a file that only its owner reads."""
    from django.conf import settings

    if wish.dry_run or not result.secrets:
        return None
    path = wish.secrets_file or settings.VEDETTE.data_dir / "relocation" / f"secrets-{result.import_uuid}.json"
    told = [{"model": one.model, "pk": one.pk, "label": one.label, "secret": one.secret} for one in result.secrets]
    write_private(path, json.dumps(told, indent=2).encode())
    return path


def _send_mail(result: "ImportResult") -> int:
    """Tell those whose accounts this import made that they can claim them."""
    from vedette.core import clock
    from vedette.mail.claims import send_claims
    from vedette.relocation.models import ControlImportChunk

    chunks = ControlImportChunk.objects.filter(import_uuid=result.import_uuid, model="sentry.user").order_by("pk")
    return sum(send_claims(list(made.values()), clock.now()) for made in chunks.values_list("inserted_map", flat=True))
