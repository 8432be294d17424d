"""Tokens on their way in. Only their hashes are kept, and those let them go on working.

Source: the relocation specification, 5.5, and 9 (#19, #20: tokens are made after slugs are final, and handed out once).
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings

from vedette.accounts.models import ApiToken
from vedette.accounts.tokens import PREFIX, hash_token
from vedette.core.ids import new_hex
from vedette.core.pieces import pieces
from vedette.core.relocation import RelocationScope
from vedette.orgs import reservations
from vedette.orgs.models import OrgAuthToken
from vedette.orgs.tokens import token_text
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.importing.rules.base import Context, Incoming, Kind, Rule, Written

_FRESH_FOR = timedelta(days=30)
_SECRETS = {"token": "hashed_token", "refresh_token": "hashed_refresh_token"}


def scope_by_application(fields: Mapping[str, Any], scopes: tuple[RelocationScope, ...]) -> RelocationScope | None:
    """What belongs to an application is bound to this instance (2.1)."""
    return RelocationScope.CONFIG if fields.get("application") is None else RelocationScope.GLOBAL


class ApiTokens(Rule):
    """Tokens of users. Without its application or its organization a token could do more than it could, so it goes."""

    wants_kinds: ClassVar = ("user",)
    keeps: ClassVar = ("application", "scoping_organization_id")
    adjusts: ClassVar = ("token", "refresh_token")

    def scope_of(self, fields: Mapping[str, Any], scopes: tuple[RelocationScope, ...]) -> RelocationScope | None:
        """The scope of this token."""
        return scope_by_application(fields, scopes)

    def normalise(self, incoming: Incoming, context: Context) -> bool:
        """Keep the hashes of what the file has in plain text."""
        values = incoming.values
        for plain, hashed in _SECRETS.items():
            text = values.get(plain)
            values[hashed] = hash_token(text) if text else values.get(hashed) or None
            if text and plain == "token":
                values["token_last_characters"] = text[-4:]
            values[plain] = None
        if incoming.kinds.get("user") is Kind.EXISTING:
            context.tell(incoming, FindingKind.MERGED, "the token opens an account that was here before", field="user")
        _check_scopes(incoming, context)
        return True

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """Insert them; where a hash is somebody's, both secrets are made anew, and handed out."""
        used = {hashed: _used(ApiToken, hashed, batch, context) for hashed in _SECRETS.values()}
        fresh: dict[int, list[tuple[str, str]]] = {}
        for place, incoming in enumerate(batch):
            hashes = {hashed: incoming.values.get(hashed) for hashed in _SECRETS.values()}
            if not hashes["hashed_token"] or any(hashes[name] in used[name] for name in hashes if hashes[name]):
                fresh[place] = _make_anew(incoming.values, context)
            for name in hashes:
                used[name].add(incoming.values[name])
        results = context.insert(batch)
        for place, secrets in fresh.items():
            written = results[place]
            for label, text in secrets if written else ():
                context.secret(batch[place], written.pk if written else 0, text, label)
        return results


class OrgAuthTokens(Rule):
    """Tokens of organizations, once all slugs are final: a token tells its bearer the slug."""

    deferred: ClassVar = True
    adjusts: ClassVar = ("token_hashed",)
    quietly_nulled: ClassVar = ("project_last_used_id",)

    def normalise(self, incoming: Incoming, context: Context) -> bool:
        """Scopes are names."""
        _check_scopes(incoming, context)
        return True

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """Insert them; one without a hash, or with the hash of another one, is made anew, and handed out."""
        used = _used(OrgAuthToken, "token_hashed", batch, context)
        slugs = reservations.slugs_of({incoming.values["organization_id"] for incoming in batch})
        stays: list[int] = []
        fresh: dict[int, str] = {}
        for place, incoming in enumerate(batch):
            values = incoming.values
            if not values.get("token_hashed") or values["token_hashed"] in used:
                slug = slugs.get(values["organization_id"])
                if not slug or not settings.VEDETTE.url:
                    context.drop(incoming, "its hash is another token's, and a new one cannot be made", "token_hashed")
                    continue
                fresh[place] = text = token_text(slug, settings.VEDETTE.url)
                values |= {"token_hashed": hash_token(text), "token_last_characters": text[-4:]}
            used.add(values["token_hashed"])
            stays.append(place)
        results: list[Written | None] = [None] * len(batch)
        for place, written in zip(stays, context.insert([batch[place] for place in stays]), strict=True):
            results[place] = written
            if written is not None and place in fresh:
                context.secret(batch[place], written.pk, fresh[place], _label(batch[place], "organization token"))
        return results


def _make_anew(values: dict[str, Any], context: Context) -> list[tuple[str, str]]:
    """Another token, of the same kind, and another refresh token and time to end where there were any; (label, text)
    of each."""
    token = f"{values.get('token_type') or PREFIX}{new_hex(32)}"
    made = [("token", token)]
    values |= {"hashed_token": hash_token(token), "token_last_characters": token[-4:]}
    if values.get("hashed_refresh_token"):
        refresh = new_hex(32)
        values["hashed_refresh_token"] = hash_token(refresh)
        made.append(("refresh token", refresh))
    if values.get("expires_at"):
        values["expires_at"] = context.now + _FRESH_FOR
    return made


def _used(table: Any, name: str, batch: Sequence[Incoming], context: Context) -> set[Any]:
    wanted = {incoming.values[name] for incoming in batch if incoming.values.get(name)}
    found: set[Any] = set()
    for some in pieces(wanted):
        rows = table.objects.using(context.using).filter(**{f"{name}__in": some})
        found.update(rows.values_list(name, flat=True))
    return found


def _check_scopes(incoming: Incoming, context: Context) -> None:
    scopes = incoming.values.get("scope_list")
    if scopes is not None and not (isinstance(scopes, list) and all(isinstance(scope, str) for scope in scopes)):
        context.refuse(incoming, "it is no list of names", "scope_list")


def _label(incoming: Incoming, what: str) -> str:
    return f"{what} {str(incoming.values.get('name') or '')[:60]!r}"
