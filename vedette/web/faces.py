"""People as pages show them: a round sign with their picture or initials, and the name behind it.

An author is a member of the organization where a member has the author's address, whatever the letter case.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

from vedette.accounts.avatars import ident_of
from vedette.accounts.models import User
from vedette.orgs.addresses import members_by_address
from vedette.releases.models import CommitAuthor
from vedette.web.text import visible

TINTS = 8


@dataclass(frozen=True, slots=True)
class Face:
    """One person. `user` is the member whom the address belongs to, if any."""

    name: str
    email: str
    user: User | None = None

    @property
    def key(self) -> str:
        """What tells two people apart: a member may write from several addresses."""
        return f"user:{self.user.pk}" if self.user else self.email

    @property
    def initials(self) -> str:
        """One or two letters: of the first and the last word of the name."""
        words = [word for word in self.name.partition("@")[0].replace(".", " ").replace("-", " ").split() if word]
        letters = [word[0] for word in (*words[:1], *words[1:][-1:]) if word[0].isalnum()]
        return "".join(letters).upper() or "?"

    @property
    def tint(self) -> int:
        """Which of the colours of `_face.html` it has: always the same one for the same person."""
        return crc32(self.key.encode()) % TINTS

    @property
    def picture(self) -> str:
        """The path of the picture that they have chosen; empty where initials stand for them."""
        ident = ident_of(self.user) if self.user else None
        return f"/avatar/{ident}/" if ident else ""

    @property
    def label(self) -> str:
        """Name and address."""
        return self.name if self.email in ("", self.name) else f"{self.name} <{self.email}>"


def face_of(user: User) -> Face:
    """Somebody who has an account."""
    return Face(visible(user.display_name), visible(user.email), user)


def faces(organization_id: int, author_ids: Iterable[int]) -> dict[int, Face]:
    """The authors of commits by the ids of their rows: three queries, however many. Unknown ids are missing."""
    wanted = set(author_ids)
    if not wanted:
        return {}
    authors = list(CommitAuthor.objects.filter(organization_id=organization_id, pk__in=wanted))
    members = members_by_address(organization_id, {author.email for author in authors})
    users = User.objects.in_bulk({ids[0] for ids in members.values() if ids})
    found = {}
    for author in authors:
        ids = members.get(author.email, [])
        user = users.get(ids[0]) if ids else None
        name = user.display_name if user else (author.name or author.email)
        found[author.pk] = Face(visible(name), visible(author.email), user)
    return found


def distinct(people: Iterable[Face | None]) -> Sequence[Face]:
    """Each person once, in the order in which they come."""
    found: dict[str, Face] = {}
    for face in people:
        if face is not None:
            found.setdefault(face.key, face)
    return tuple(found.values())
