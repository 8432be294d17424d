"""Accounts on their way in: what they may do, whether their password comes along, and whom they turn out to be.

Source: the relocation specification, 4.8, and 9 (case variants of user names; mapping by hand).
"""

import secrets
import string
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models.functions import Lower

from vedette.accounts.models import LostPasswordHash, User
from vedette.core.pieces import pieces
from vedette.core.suffixes import free_names
from vedette.relocation.files.findings import FindingKind, Severity
from vedette.relocation.importing.options import ImportScope
from vedette.relocation.importing.rules.base import Context, Incoming, Kind, Rule, Written
from vedette.relocation.importing.rules.passwords import complaint_about_hash
from vedette.relocation.importing.rules.taking import ROUNDS
from vedette.relocation.importing.tables import Table

LONGEST_NAME = 128
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_PRIVILEGES = ("is_staff", "is_superuser", "is_managed")


class Users(Rule):
    """Outside of a Global import nobody brings a password, and outside of a Config import nobody brings powers."""

    def complaint(self, fields: Mapping[str, Any]) -> tuple[str, str] | None:
        """User names have 1 to 128 characters."""
        name = fields.get("username")
        if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME:
            return None
        return "username", f"a user name has 1 to {LONGEST_NAME} characters"

    def normalise(self, incoming: Incoming, context: Context) -> bool:
        """Take away what the scope does not let in."""
        values, options = incoming.values, context.options
        if options.scope not in (ImportScope.CONFIG, ImportScope.GLOBAL):
            values |= dict.fromkeys(_PRIVILEGES, False)
        if not options.is_global or values.get("is_unclaimed"):
            _unclaim(values, context)
        elif complaint := complaint_about_hash(values.get("password") or ""):
            _unclaim(values, context)
            reason = f"the password cannot be used here ({complaint}), so the account has to be claimed"
            context.tell(incoming, FindingKind.BAD_VALUE, reason, field="password")
        return True

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """New accounts with free names, but for those that accounts which are here stand for, as was asked. Where
        somebody takes a name meanwhile, it is as if they had had it before."""
        results: list[Written | None] = [None] * len(batch)
        first: dict[str, int] = {}  # the place of the new account of this name
        twins: dict[int, int] = {}  # a place, and that of the row before it that is the same account
        waiting = list(range(len(batch)))
        for _ in range(ROUNDS):
            here = _here(batch, waiting, context)
            new = _to_be_made(batch, waiting, results, first, twins, here, context)
            for place, written in zip(new, _insert([batch[place] for place in new], here, context), strict=True):
                results[place] = written
            waiting = [place for place in new if results[place] is None]
            if not waiting:
                break
        for place in waiting:
            reason = "others take every name that it is given: import the file again"
            context.refuse(batch[place], reason, "username", FindingKind.INTEGRITY_ERROR)
        for place, earlier in twins.items():
            same = results[earlier]
            if same is not None:
                results[place] = Written(same.pk, Kind.EXISTING)
                _tell_of_merge(batch[place], same.pk, context)
        made = [(batch[place], each) for place, each in enumerate(results) if each and each.kind is Kind.INSERTED]
        _tell_of_names([incoming for incoming, _ in made], context)
        _let_claim(made, context)
        return results


def _here(batch: Sequence[Incoming], places: Sequence[int], context: Context) -> "Accounts":
    """The accounts that are called as these, or that these are to be mapped to."""
    names = {_name(batch[place]) for place in places}
    return named(names | {wish for name in names if (wish := context.options.map_users.get(name))}, context.using)


def _name(incoming: Incoming) -> str:
    return str(incoming.row.fields["username"])


def _to_be_made(
    batch: Sequence[Incoming],
    places: Sequence[int],
    results: list[Written | None],
    first: dict[str, int],
    twins: dict[int, int],
    here: "Accounts",
    context: Context,
) -> list[int]:
    """Those of the places whose accounts are new. What stands for the others is in `results`, and who is the same as an
    earlier one in `twins`."""
    options = context.options
    new: list[int] = []
    for place in places:
        name = _name(batch[place])
        target = options.map_users.get(name)
        if (account := _account(batch[place], name, target, here, context)) is not None:
            results[place] = Written(account, Kind.EXISTING)
            _tell_of_merge(batch[place], account, context)
        elif options.merge_users and first.setdefault(fold(name), place) != place:
            twins[place] = first[fold(name)]
        else:
            new.append(place)
    return new


Accounts = dict[str, list[tuple[int, str]]]  # those of each folded name: pk and name, the oldest first


def fold(name: str) -> str:
    """What is the same in all spellings of a name."""
    return name.lower()


def named(names: Collection[str], using: str) -> Accounts:
    """The accounts with these names in any letter case."""
    found: Accounts = {}
    rows = User.objects.using(using).annotate(lower=Lower("username"))
    # SQLite knows the letters of ASCII only, PostgreSQL all: look for both forms.
    for some in pieces({form for name in names for form in (fold(name), name.translate(_ASCII_LOWER))}):
        for pk, name in rows.filter(lower__in=some).order_by("pk").values_list("pk", "username"):
            known = found.setdefault(fold(name), [])
            if (pk, name) not in known:
                known.append((pk, name))
    return found


def _account(incoming: Incoming, name: str, target: str | None, here: Accounts, context: Context) -> int | None:
    """The account that stands for the incoming one, because that was asked."""
    if target is None and not context.options.merge_users:
        return None
    wish = name if target is None else target
    accounts = here.get(fold(wish), [])
    if not accounts and target is not None:
        context.refuse(incoming, f"it is to be mapped to {target!r}, and nobody is called so", "username")
    exact = [pk for pk, own in accounts if own == wish]
    return next(iter(exact or [pk for pk, _ in accounts]), None)


def _insert(new: Sequence[Incoming], here: Accounts, context: Context) -> list[Written | None]:
    """Write new accounts under names that are free; None where somebody took one in between."""
    wishes = [_name(incoming) for incoming in new]
    known = {fold(wish) for wish in wishes}

    def taken(names: Collection[str]) -> set[str]:
        return set(here) | set(named(set(names) - known, context.using))

    for incoming, name in zip(new, free_names(wishes, taken, LONGEST_NAME, fold=fold), strict=True):
        incoming.values["username"] = name
    return [None if pk is None else Written(pk) for pk in context.try_insert(new)]


def _tell_of_names(new: Sequence[Incoming], context: Context) -> None:
    for incoming in new:
        wish, name = _name(incoming), incoming.values["username"]
        if name != wish:
            context.renamed(incoming, wish, name, "username")


def _let_claim(made: Sequence[tuple[Incoming, Written]], context: Context) -> None:
    """What their owners need to claim them."""
    claims = [
        {"user_id": written.pk, "date_added": context.now}
        for incoming, written in made
        if incoming.values.get("is_unclaimed") and not incoming.values.get("is_sentry_app")
    ]
    table = Table(LostPasswordHash, context.using)
    table.insert(claims, table.new_pks([context.now] * len(claims)))


def _tell_of_merge(incoming: Incoming, pk: int, context: Context) -> None:
    context.tell(
        incoming,
        FindingKind.MERGED,
        "an account that is here stands for it",
        field="username",
        right_pk=pk,
        severity=Severity.NOTE,
    )


def _unclaim(values: dict[str, Any], context: Context) -> None:
    """Nobody knows the new password: whoever claims the account chooses one."""
    values |= {
        "is_unclaimed": True,
        "password": UNUSABLE_PASSWORD_PREFIX + secrets.token_urlsafe(30),
        "is_password_expired": False,
        "last_password_change": context.now,
    }
