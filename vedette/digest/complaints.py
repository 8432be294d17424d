"""Telling a database that is away from one that refuses a batch: both raise the same errors."""

from dataclasses import dataclass

from django.db import DatabaseError, OperationalError, connection

from vedette.core import clock

EQUAL_COMPLAINTS = 20  # in a row, about one batch: some minutes, with the pauses between them
REMEMBERED_SECONDS = 600  # the halves of a batch that was refused need not be tried as often as the whole
_WAITING = ("locked", "busy", "disk", "full", "i/o", "readonly", "read-only", "timeout", "timed out", "deadlock")
# SQLSTATE classes: connection, rollback, resources, not ready, operator, system.
_AWAY_CLASSES = ("08", "40", "53", "55", "57", "58")


@dataclass(slots=True)
class Complaints:
    """How often the relational database has said the same thing, one time after the other."""

    _text: str = ""
    _count: int = 0
    _at: float = 0.0

    def is_defect(self, error: Exception) -> bool:
        """Whether it was said so often, while the database answers, that it is the batch which is wrong."""
        if not isinstance(error, OperationalError) or _is_absence(error):
            return False
        now = clock.monotonic()
        if str(error) != self._text or now - self._at > REMEMBERED_SECONDS:
            self._text, self._count = str(error), 0
        self._count, self._at = self._count + 1, now
        return self._count >= EQUAL_COMPLAINTS and _answers()


def _is_absence(error: OperationalError) -> bool:
    """Whether it is plainly about the database and not about what it was told to do."""
    state = getattr(error.__cause__, "sqlstate", None)
    if state:
        return str(state).startswith(_AWAY_CLASSES)
    said = str(error).lower()
    return any(word in said for word in _WAITING)


def _answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    except DatabaseError:
        return False
