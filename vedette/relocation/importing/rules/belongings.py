"""What hangs on accounts: addresses, settings, second factors, where they came from, what they may do.

What the file says of an account that turned out to be one that is here is left out: it belongs to whoever has that
account. Source: the relocation specification, 4.8 and 5.5.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower

from vedette.accounts.models import Email, User, UserEmail, UserOption
from vedette.core.ids import new_hex
from vedette.core.pieces import pieces
from vedette.core.relocation import Encoding
from vedette.relocation.files.encodings import BadValue, decode
from vedette.relocation.importing.rules.base import Context, Incoming, Kind, Rule, Written
from vedette.relocation.importing.rules.taking import upsert
from vedette.relocation.importing.rules.useroptions import complaint_about
from vedette.relocation.models import ControlImportChunk

MERGED = "it is of an account that is here already"


class OfNewUsers(Rule):
    """Rows that come along with new accounts only."""

    wants_kinds: ClassVar = ("user",)

    def normalise(self, incoming: Incoming, context: Context) -> bool:
        """Leave out what belongs to a merged account."""
        if incoming.kinds.get("user") is Kind.EXISTING:
            return context.skip(incoming, MERGED, "user")
        self.adapt(incoming.values, context)
        return True

    def adapt(self, values: dict[str, Any], context: Context) -> None:
        """Change the values of a row that stays."""


class Emails(Rule):
    """One row for each address in any letter case, whoever uses it; the file's values win."""

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """Insert or overwrite, in one statement for some hundred."""
        here = _addresses({_address(incoming) for incoming in batch}, context.using)
        names = ("email", "date_added")
        rows = [(_address(incoming), incoming.values.get("date_added") or context.now) for incoming in batch]
        pks = upsert(Email, names, rows, conflict='LOWER("email")', identity=_folded_address, using=context.using)
        results: list[Written | None] = []
        for row, pk in zip(rows, pks, strict=True):
            address = _folded_address(row)
            results.append(Written(pk, Kind.EXISTING if address in here else Kind.INSERTED))
            here.add(address)
        return results


class UserEmails(OfNewUsers):
    """Addresses are proven anew outside of a Global import."""

    def adapt(self, values: dict[str, Any], context: Context) -> None:
        """Nobody who has seen the file can confirm an address with what stands there."""
        if not context.options.is_global:
            values |= {"is_verified": False, "validation_hash": new_hex(16), "date_hash_added": context.now}

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """Insert; an address that the user has already takes the values."""
        names = ("user_id", "email", "validation_hash", "date_hash_added", "is_verified")
        rows = [_user_email(incoming, context) for incoming in batch]
        conflict = '"user_id", "email"'
        pks = upsert(UserEmail, names, rows, conflict=conflict, identity=lambda row: row[:2], using=context.using)
        return [Written(pk) for pk in pks]

    def finish(self, context: Context) -> None:
        """New users have their own address among theirs, and every address has its row, whatever the file left out."""
        for users in _new_users(context):
            _add_missing(users, context)


class UserOptions(OfNewUsers):
    """Settings. One for an organization or a project that is not here would hold everywhere, so it goes."""

    keeps: ClassVar = ("organization_id", "project_id")

    def complaint(self, fields: Mapping[str, Any]) -> tuple[str, str] | None:
        """Known settings are what the account settings take."""
        try:
            why = complaint_about(str(fields.get("key")), decode(Encoding.OPTION, fields.get("value")))
        except BadValue:
            return None  # said elsewhere
        return ("value", why) if why else None

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """Insert what the user has not set for everywhere."""
        everywhere = {_setting(incoming) for incoming in batch if _is_everywhere(incoming)}
        here = _settings({user for user, _ in everywhere}, context.using)
        results: list[Written | None] = [None] * len(batch)
        new = []
        for place, incoming in enumerate(batch):
            if _is_everywhere(incoming):
                if _setting(incoming) in here:
                    context.skip(incoming, "the user has this setting already", "key")
                    continue
                here.add(_setting(incoming))
            new.append(place)
        for place, written in zip(new, context.insert([batch[place] for place in new]), strict=True):
            results[place] = written
        return results


class UserIps(OfNewUsers):
    """Where users came from. What a country was said to be is asked anew."""

    def complaint(self, fields: Mapping[str, Any]) -> tuple[str, str] | None:
        """Addresses are addresses."""
        try:
            ipaddress.ip_address(str(fields.get("ip_address")))
        except ValueError:
            return "ip_address", "it is no IP address"
        return None

    def adapt(self, values: dict[str, Any], context: Context) -> None:
        """Forget the place."""
        values |= {"country_code": None, "region_code": None}


class Authenticators(OfNewUsers):
    """Second factors, their secrets as they are."""

    caution: ClassVar = (
        "codes of authenticator apps are asked for; recovery codes, text messages and security keys are kept and not "
        "asked for yet: whoever knows the password gets in to an account that has only those"
    )

    def complaint(self, fields: Mapping[str, Any]) -> tuple[str, str] | None:
        """Without its kind nobody could ask for it."""
        return None if fields.get("type") is not None else ("type", "it must not be empty")


def _address(incoming: Incoming) -> str:
    return str(incoming.values.get("email") or "")


def _folded_address(row: Sequence[Any]) -> str:
    return str(row[0]).lower()


def _addresses(addresses: set[str], using: str) -> set[str]:
    found: set[str] = set()
    rows = Email.objects.using(using).annotate(lower=Lower("email"))
    for some in pieces({address.lower() for address in addresses}):
        found.update(address.lower() for address in rows.filter(lower__in=some).values_list("email", flat=True))
    return found


def _user_email(incoming: Incoming, context: Context) -> tuple[Any, ...]:
    values = incoming.values
    return (
        values["user"],
        _address(incoming),
        values.get("validation_hash") or "",
        values.get("date_hash_added") or context.now,
        bool(values.get("is_verified")),
    )


def _new_users(context: Context) -> Iterator[list[int]]:
    """The pks of the accounts that this import has made, some hundred at a time."""
    chunks = ControlImportChunk.objects.using(context.using).filter(
        import_uuid=context.import_uuid, model="sentry.user"
    )
    for pks in chunks.values_list("inserted_map", flat=True).iterator(chunk_size=10):
        yield from pieces(pks.values())


def _add_missing(users: list[int], context: Context) -> None:
    own = UserEmail.objects.using(context.using).filter(user=OuterRef("pk"), email=OuterRef("email"))
    without = User.objects.using(context.using).filter(~Exists(own), pk__in=users).exclude(email="")
    missing = [UserEmail(user_id=pk, email=address) for pk, address in without.values_list("pk", "email")]
    UserEmail.objects.using(context.using).bulk_create(missing, batch_size=500)
    row = Email.objects.using(context.using).annotate(lower=Lower("email")).filter(lower=Lower(OuterRef("email")))
    unlisted = UserEmail.objects.using(context.using).filter(~Exists(row), user_id__in=users).exclude(email="")
    addresses = {address.lower(): address for address in unlisted.values_list("email", flat=True)}
    Email.objects.using(context.using).bulk_create(
        (Email(email=address, date_added=context.now) for address in addresses.values()),
        batch_size=500,
        ignore_conflicts=True,
    )


def _is_everywhere(incoming: Incoming) -> bool:
    return incoming.values.get("organization_id") is None and incoming.values.get("project_id") is None


def _setting(incoming: Incoming) -> tuple[int, str]:
    return incoming.values["user"], str(incoming.values.get("key") or "")


def _settings(users: set[int], using: str) -> set[tuple[int, str]]:
    found: set[tuple[int, str]] = set()
    rows = UserOption.objects.using(using).filter(organization_id=None, project_id=None)
    for some in pieces(users):
        found.update(rows.filter(user_id__in=some).values_list("user_id", "key"))
    return found
