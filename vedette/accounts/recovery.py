"""Recovery codes: ten words that each let somebody in once, in place of a code of the app.

They lie in the row of type 0, as `{"salt": text, "used": bits, "hashes": [hex, …]}`: a code is good while its hash is
there and its bit is not set. Nobody can read them there again, so they are shown when they are made. What came from
another server has `salt` and `used` and nothing else; how it makes its codes of that is its own affair, so those are
kept and not asked for until their owner makes new ones. Source: the relocation specification, 2.2 and 10.1.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from vedette.accounts.models import Authenticator, User
from vedette.core.ids import new_hex

RECOVERY = 0
CODES = 10
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LENGTH, _GROUP = 12, 4  # sixty bits, so that hashing fast is enough
_MISREAD = str.maketrans("018", "OIB")  # digits that no code has, and what they are read for
_MOST = 64
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of somebody's codes."""

    salt: str
    used: int
    hashes: tuple[str, ...]

    @property
    def left(self) -> int:
        """How many are still good."""
        return sum(not self.used >> position & 1 for position in range(len(self.hashes)))

    def position_of(self, typed: str) -> int | None:
        """Where among the codes `typed` is, if that is still good. Takes as long for every text."""
        hashed = hash_of(self.salt, typed)
        found = [place for place, one in enumerate(self.hashes) if hmac.compare_digest(one, hashed)]
        return found[0] if found and not self.used >> found[0] & 1 else None


def kept_in(config: Any) -> Kept | None:
    """The codes in what is kept of an authenticator; None where there are none that this server made."""
    if not isinstance(config, dict):
        return None
    salt, used, hashes = config.get("salt"), config.get("used"), config.get("hashes")
    if not isinstance(salt, str) or not isinstance(used, int) or not isinstance(hashes, list) or used < 0:
        return None
    if not hashes or len(hashes) > _MOST or not all(isinstance(one, str) and one.isascii() for one in hashes):
        return None
    return Kept(salt, used, tuple(hashes))


def hash_of(salt: str, typed: str) -> str:
    """How a code is kept. Small letters, spaces and dashes are fine: people type codes like that."""
    bare = "".join(letter for letter in typed.upper() if letter.isalnum()).translate(_MISREAD)
    return hmac.digest(salt.encode(errors="replace"), bare.encode(errors="replace"), "sha256").hex()


def make(user: User, now: datetime) -> list[str]:
    """Fresh codes, `ABCD-EFGH-IJKL`; those before end. Only while the user's row is locked."""
    codes = [_new_code() for _ in range(CODES)]
    salt = new_hex(16)
    config = {"salt": salt, "used": 0, "hashes": [hash_of(salt, code) for code in codes]}
    Authenticator.objects.filter(user=user, type=RECOVERY).delete()
    Authenticator.objects.create(user=user, type=RECOVERY, created_at=now, config=config)
    return codes


def left_of(user: User) -> int:
    """How many good codes somebody has."""
    _, kept = _row_of(user)
    return kept.left if kept else 0


def accept(user: User, typed: str, now: datetime) -> int | None:
    """Use a code up; how many are left then, or None where this is no good one.

    Of two who bring one code at once, one gets in; of two with different ones, both.
    """
    for _ in range(_MOST + 1):  # whoever comes between uses a code up, or makes new ones
        row, kept = _row_of(user)
        position = kept.position_of(typed) if kept else None
        if row is None or kept is None or position is None:
            return None
        used = Kept(kept.salt, kept.used | 1 << position, kept.hashes)
        moment = max(now, row.last_used_at + _TICK) if row.last_used_at else now
        unchanged = Authenticator.objects.filter(pk=row.pk, last_used_at=row.last_used_at)
        if unchanged.update(config={**row.config, "used": used.used}, last_used_at=moment):
            return used.left
    return None


def _row_of(user: User) -> tuple[Authenticator | None, Kept | None]:
    row = Authenticator.objects.filter(user=user, type=RECOVERY).first()
    return row, kept_in(row.config) if row else None


def _new_code() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return "-".join(letters[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))
