"""The addresses of users: each exported user leaves with a `useremail` row of their own, and each of those with an
`email` row.

Rows that the tables lack are made up, told of, and the same in each export. Source: the relocation specification,
5.5 and 10.2.
"""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef, QuerySet

from vedette.accounts.models import Email, User, UserEmail
from vedette.core.relocation import Encoding
from vedette.relocation.exporting.keys import USER, Fields
from vedette.relocation.exporting.pks import PkSet
from vedette.relocation.exporting.rules import Rule
from vedette.relocation.exporting.selection import FEW
from vedette.relocation.exporting.sources import PAGE_ROWS, Page, pages_of
from vedette.relocation.files.encodings import encode
from vedette.relocation.files.findings import FindingKind, note

_SCRATCH = "addresses.sqlite3"


def users_without_their_address() -> QuerySet[User]:
    """Users with an address that none of their `UserEmail` rows has."""
    same = UserEmail._base_manager.filter(user=OuterRef("pk"), email__iexact=OuterRef("email"))
    return User._base_manager.exclude(email="").filter(~Exists(same))


class Emails(Rule):
    """Outside of a full export, only the addresses of exported users leave."""

    needs = frozenset({"email"})

    @property
    def narrows(self) -> bool:
        """Addresses of nobody stay."""
        return not self.context.options.is_global

    def begin(self) -> None:
        """Collect the addresses that have to be there."""
        self._path = self.context.work_dir / _SCRATCH
        self._path.unlink(missing_ok=True)
        self._scratch = sqlite3.connect(self._path, isolation_level=None)
        self._scratch.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-4096;"
            "CREATE TABLE address (folded TEXT PRIMARY KEY, email TEXT, since TEXT, seen INT DEFAULT 0)"
            " WITHOUT ROWID; BEGIN"
        )
        try:
            self._collect_of_users()
        except BaseException:
            self.close()
            raise

    def _collect_of_users(self) -> None:
        users = self.context.ledger.exported.get(USER, PkSet())
        with_address = User._base_manager.exclude(email="")
        for page in pages_of(_of(users, with_address, "pk"), "email", "date_joined"):
            self._collect(row[1:] for row in page if row[0] in users)
        for page in pages_of(_of(users, UserEmail._base_manager.all()), "user_id", "email", "date_hash_added"):
            self._collect(row[2:] for row in page if row[1] in users)

    def select(self, rows: Page) -> Page:
        """Those of exported users, in whatever case they are written."""
        folded = [fields["email"].lower() for _, fields in rows]
        marks = ",".join("?" * len(folded))
        statement = f"UPDATE address SET seen = 1 WHERE folded IN ({marks}) RETURNING folded"  # noqa: S608
        wanted = {found for (found,) in self._scratch.execute(statement, folded)}
        if self.context.options.is_global:
            return rows
        return [row for row, address in zip(rows, folded, strict=True) if address in wanted]

    def more(self) -> Iterator[Page]:
        """A row for each address of theirs that has none, as every import would make one."""
        pk = Email._base_manager.aggregate(most=Max("pk"))["most"] or 0
        missing = self._scratch.execute("SELECT email, since FROM address WHERE NOT seen ORDER BY folded")
        while some := missing.fetchmany(PAGE_ROWS):
            page: Page = []
            for email, since in some:
                pk += 1
                page.append((pk, {"date_added": since, "email": email}))
                self._tell(pk, f"made up, for a user has the address {_shown(email)}")
            yield page

    def close(self) -> None:
        """Take the scratch file away."""
        self._scratch.close()
        self._path.unlink(missing_ok=True)

    def _collect(self, rows: Iterator[tuple[str, datetime]]) -> None:
        self._scratch.executemany(
            "INSERT OR IGNORE INTO address (folded, email, since) VALUES (?, ?, ?)",
            ((email.lower(), email, encode(Encoding.MOMENT, since)) for email, since in rows if email),
        )

    def _tell(self, pk: int, reason: str) -> None:
        self.context.tell(note(FindingKind.ADDED_ROW, reason, model=self.model, right_pk=pk))


class UserEmails(Rule):
    """Each user's own address is among them."""

    def more(self) -> Iterator[Page]:
        """A row, not verified, for each exported user whose address has none."""
        users = self.context.ledger.exported.get(USER, PkSet())
        pk = UserEmail._base_manager.aggregate(most=Max("pk"))["most"] or 0
        for users_page in pages_of(_of(users, users_without_their_address(), "pk"), "email", "date_joined"):
            page: Page = []
            for user, email, since in users_page:
                if user in users:
                    pk += 1
                    page.append((pk, _user_email(user, email, since)))
                    reason = f"made up, for user {user} has the address {_shown(email)}"
                    self.context.tell(note(FindingKind.ADDED_ROW, reason, model=self.model, right_pk=pk))
            yield page


def _of(users: PkSet, rows: QuerySet[Any], column: str = "user_id") -> QuerySet[Any]:
    """The rows of these users, as far as a query can name them; the others are looked up."""
    few = users.if_few(FEW)
    return rows if few is None else rows.filter(**{f"{column}__in": few})


def _user_email(user: int, email: str, since: Any) -> Fields:
    """Without a hash: none was ever sent to this address."""
    return {
        "date_hash_added": encode(Encoding.MOMENT, since),
        "email": email,
        "is_verified": False,
        "user": user,
        "validation_hash": "",
    }


def _shown(email: str) -> str:
    """As findings show addresses (7.3)."""
    name, _, host = email.rpartition("@")
    return f"{name[:1]}...@...{host[-6:]}"
