"""The outbox: mail is written down in the transaction of its cause, and sent by a job (`mail.sending`).

So whoever causes a mail does not wait for a mail server, what is undone tells nobody, and what is done tells everybody
once. More of one kind to one person within its `wait` goes into one mail.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, F, Func, IntegerField, JSONField, Q, Value, When

from vedette.accounts.models import User
from vedette.core import json
from vedette.core.pieces import pieces
from vedette.mail.addresses import address_of
from vedette.mail.letters import Letter
from vedette.mail.models import Mail
from vedette.mail.preferences import Preference
from vedette.tasks.names import MAIL
from vedette.tasks.schedule import hasten

MOST_ITEMS = 50  # in one mail; what comes beyond is counted
AT_ONCE = 500

Items = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of mail. `compose` makes what a person is to read of `items`, of which so many more were left out, when it
    is sent; None if there is nothing to tell them any more. `preference` is what switches it off, and its name; what
    somebody must be told has none, and a name of its own. `address` says where it goes; empty is nowhere. `recipient`
    says it instead for mail to somebody who may have no account: then the user is whoever causes it."""

    preference: Preference | None
    wait: timedelta
    compose: Callable[[User, Items, int], Letter | None]
    own_name: str = ""
    address: Callable[[User], str] = address_of
    recipient: Callable[[Items], str] | None = None

    @property
    def name(self) -> str:
        """The name in rows."""
        return self.own_name or (self.preference.kind if self.preference else "")

    def address_for(self, user: User, items: Items) -> str:
        """Where a mail of this kind goes; empty is nowhere."""
        return self.recipient(items) if self.recipient else self.address(user)


def put(kind: Kind, user_ids: Iterable[int], item: Mapping[str, Any], now: datetime) -> None:
    """Have these users told about `item`, which JSON can say. Nothing is kept where the server sends no mail.

    Only in the transaction of the cause, and as the last thing that it locks: two that tell the same people of
    different things wait for each other.
    """
    if not settings.VEDETTE.sends_mail:
        return
    for some in pieces(user_ids, AT_ONCE):
        left = some
        while left:
            left = _put(kind, left, item, now)
    if not kind.wait:
        hasten(MAIL, now)


def put_alone(kind: Kind, user_id: int, item: Mapping[str, Any], now: datetime) -> None:
    """Have a mail sent that nothing else goes into. Only in the transaction of the cause, like `put`."""
    if not settings.VEDETTE.sends_mail:
        return
    Mail.objects.create(kind=kind.name, user_id=user_id, items=[dict(item)], due_at=now, date_added=now)
    hasten(MAIL, now)


def _put(kind: Kind, user_ids: list[int], item: Mapping[str, Any], now: datetime) -> list[int]:
    """Put `item` into the open mails of these users, which are opened where there are none. Whoever's mail is taken to
    be sent at this moment comes back."""
    keys = {f"{kind.name}:{user}": user for user in user_ids}
    Mail.objects.bulk_create(
        [
            Mail(kind=kind.name, user_id=user, open_key=key, due_at=now + kind.wait, date_added=now)
            for key, user in keys.items()
        ],
        ignore_conflicts=True,
    )
    mails = Mail.objects.select_for_update().filter(open_key__in=list(keys)).order_by("user_id")
    found = dict(mails.values_list("pk", "user_id"))  # locked, in the order in which everybody locks them
    has_room = Q(size__lt=MOST_ITEMS)
    Mail.objects.filter(pk__in=list(found)).annotate(size=_Length(F("items"))).update(
        items=Case(When(has_room, then=_Appended(F("items"), Value(json.dump_text(item)))), default=F("items")),
        left_out=Case(When(has_room, then=F("left_out")), default=F("left_out") + 1),
    )
    told = set(found.values())
    return [user for user in user_ids if user not in told]


class _Appended(Func):
    """A JSON array with one more element: of a column, and a text."""

    output_field = JSONField()

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        """In SQLite's words."""
        return self._said(compiler, "json_insert({}, '$[#]', json({}))")

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        """In PostgreSQL's words."""
        return self._said(compiler, "({} || jsonb_build_array({}::jsonb))")

    def _said(self, compiler: Any, words: str) -> tuple[str, list[Any]]:
        (array, left), (element, right) = (compiler.compile(each) for each in self.get_source_expressions())
        return words.format(array, element), [*left, *right]


class _Length(Func):
    """How many elements a JSON array has."""

    function = "json_array_length"
    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        """Its name in PostgreSQL."""
        return self.as_sql(compiler, connection, function="jsonb_array_length")
