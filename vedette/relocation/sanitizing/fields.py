"""What becomes of each field of a model's rows, decided once for the model.

A field does what its declaration says; a text-like field that is not declared is replaced by the type of its value, as
a field is that nobody knows. Numbers, booleans, bits and foreign keys of known fields stay: they say which row belongs
to which, and what is switched on. Source: the relocation specification, 8.2 and 9 (#18).
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from vedette.core.relocation import Encoding, Relocation, Sanitiser
from vedette.relocation.files.encodings import decode, encode
from vedette.relocation.files.values import BadValue
from vedette.relocation.sanitizing.interning import Interning
from vedette.relocation.sanitizing.moments import Moments, as_milliseconds
from vedette.relocation.sanitizing.safe import looks_safe
from vedette.relocation.sanitizing.structures import Structures, texts_of
from vedette.relocation.sanitizing.vocabulary import is_public

Fields = dict[str, Any]
Replace = Callable[[str, Any, Fields], Any]  # (name, old value, the row as far as it is replaced) → new value

PLAIN = frozenset({Encoding.INTEGER, Encoding.FLOAT, Encoding.BOOLEAN, Encoding.BITS})
PACKED = frozenset({Encoding.OPTION, Encoding.JSON_TEXT})
LISTS = frozenset({Encoding.LITERAL_LIST, Encoding.TEXT_LIST})

_DIGITS = re.compile(r"-?\d{1,20}")
_DJANGO_HASH = re.compile(r"(pbkdf2_sha256|pbkdf2_sha1|scrypt|argon2|bcrypt_sha256)\$(\d+)\$([^$]*)\$(.*)", re.DOTALL)
_TOKEN = re.compile(r"(sntry[a-z]_)(.+)")
_HASHED_FROM = MappingProxyType({"hashed_token": "token", "hashed_refresh_token": "refresh_token"})
_COUNTRY, _SUBDIVISION = "CA", "BC"
# What a row of a model that nobody knows belongs to, if it says so as all others do.
_USUAL_KEYS = frozenset("organization organization_id project project_id user user_id".split())

# Later ones may read what earlier ones left: a slug its name, a digest its token.
_TURNS: Mapping[Sanitiser, int] = MappingProxyType(
    {Sanitiser.NAME: 1, Sanitiser.SLUG: 2, Sanitiser.TOKEN_HASH: 2, Sanitiser.TOKEN_TAIL: 2}
)


def unpacked(encoding: Encoding | None, value: Any) -> Any:
    """The JSON value that a field holds, for looking at its texts. What cannot be read is the text that it is."""
    if encoding is None or encoding not in PACKED | LISTS or not isinstance(value, str):
        return value
    try:
        return decode(encoding, value)
    except BadValue:
        return value


class ModelFields:
    """Replaces the fields of one model. `wire` is None for a model that nobody knows."""

    def __init__(self, wire: Relocation | None, interning: Interning, moments: Moments, structures: Structures) -> None:
        self._wire = wire
        self._interning = interning
        self._moments = moments
        self._structures = structures
        self._plan: dict[str, Replace] = {}
        self._turns: dict[str, int] = {}

    def replace(self, row: Fields) -> Fields:
        """The row as it may be given away, its fields in their order."""
        new: Fields = dict.fromkeys(row)
        for name in sorted(row, key=self._turn):
            value = row[name]
            if value is not None:
                replace = self._plan.get(name) or self._decide(name)
                new[name] = replace(name, value, new)
        return new

    def texts(self, row: Fields) -> Iterator[tuple[str, str]]:
        """(field, text) of everything that the row says, but what stays for its shape."""
        for name, value in row.items():
            if type(value) is int or value is None or type(value) is bool:
                continue
            encoding = self._encoding(name)
            if encoding is Encoding.MOMENT and isinstance(value, str) and as_milliseconds(value) is not None:
                continue
            if encoding is Encoding.BITS and isinstance(value, str) and _DIGITS.fullmatch(value):
                continue
            if self._sanitiser(name) is Sanitiser.PASSWORD and isinstance(value, str):
                value = _secret_parts(value)
            for text in texts_of(unpacked(encoding, value), _key_of(name, row)):
                if not self._stays(name, text):
                    yield name, text

    def _encoding(self, name: str) -> Encoding | None:
        return self._wire.fields.get(name) if self._wire else None

    def _stays(self, name: str, text: str) -> bool:
        return (
            self._wire is not None
            and self._sanitiser(name) is Sanitiser.SAFE
            and bool(looks_safe(self._wire.model, name, text))
        )

    def _sanitiser(self, name: str) -> Sanitiser | None:
        return self._wire.sanitisers.get(name) if self._wire else None

    # ------------------------------------------------------------ the plan

    def _turn(self, name: str) -> int:
        turn = self._turns.get(name)
        if turn is None:
            turn = self._turns[name] = _TURNS.get(self._sanitiser(name), 0) if self._sanitiser(name) else 0  # type: ignore[arg-type]
        return turn

    def _decide(self, name: str) -> Replace:
        """What to do with a field, remembered."""
        if self._wire is None or (name not in self._wire.fields and name not in self._wire.foreign_keys):
            chosen: Replace = self._numbers if name in _USUAL_KEYS else self._wholesale
            if name == "type":  # the word for a kind, which decides what the row's other fields mean
                chosen = self._public(Encoding.JSON)
        elif name in self._wire.foreign_keys:
            chosen = self._numbers
        else:
            chosen = self._declared(self._wire.fields[name], self._wire.sanitisers.get(name))
        self._plan[name] = chosen
        return chosen

    def _declared(self, encoding: Encoding, how: Sanitiser | None) -> Replace:
        if encoding in PLAIN:
            return self._numbers
        one: Mapping[Sanitiser, Callable[[str], str]] = {
            Sanitiser.NAME: self._interning.name,
            Sanitiser.EMAIL: self._interning.email,
            Sanitiser.IP: self._interning.address,
            Sanitiser.URL: self._interning.url,
            Sanitiser.UUID: self._interning.uuid,
            Sanitiser.HEX: self._interning.hexadecimal,
            Sanitiser.MOMENT: self._structures.text,
            Sanitiser.PASSWORD: self._password,
            Sanitiser.TOKEN: self._token,
            Sanitiser.COUNTRY: lambda old: _COUNTRY if old else old,
            Sanitiser.SUBDIVISION: lambda old: _SUBDIVISION if old else old,
        }
        rows: Mapping[Sanitiser, Replace] = {
            Sanitiser.SLUG: self._slug,
            Sanitiser.TOKEN_HASH: self._token_hash,
            Sanitiser.TOKEN_TAIL: self._token_tail,
            Sanitiser.EMPTY: lambda name, old, row: encode(encoding, ""),
            Sanitiser.JSON_EMPTY_OBJECT: lambda name, old, row: encode(encoding, {}),
            Sanitiser.JSON_EMPTY_LIST: lambda name, old, row: encode(encoding, []),
        }
        if how is not None and how in rows:
            return rows[how]
        if how is not None and how in one:
            return self._each(encoding, one[how])
        if how is Sanitiser.SAFE:
            return self._safe(encoding)
        if how in (Sanitiser.OPTION, Sanitiser.JSON_TEXTS) or (how is None and encoding in PACKED | {Encoding.JSON}):
            return self._public(encoding)
        return self._each(encoding, self._interning.text)

    # ------------------------------------------------------------ by kind

    def _numbers(self, name: str, old: Any, row: Fields) -> Any:
        """Fields that hold numbers: whatever else stands there is replaced like a field that nobody knows."""
        if isinstance(old, int | float) or (isinstance(old, str) and _DIGITS.fullmatch(old)):
            return old
        return self._structures.wholesale(old)

    def _wholesale(self, name: str, old: Any, row: Fields) -> Any:
        return self._structures.wholesale(old)

    def _each(self, encoding: Encoding, replace: Callable[[str], str]) -> Replace:
        """One text, or each text of a list or of any other structure."""

        def each(value: Any) -> Any:
            if isinstance(value, str):
                return replace(value)
            if isinstance(value, list):
                return [each(part) for part in value]
            return self._structures.wholesale(value)

        def field(name: str, old: Any, row: Fields) -> Any:
            return self._through(encoding, old, each)

        return field

    def _public(self, encoding: Encoding) -> Replace:
        def field(name: str, old: Any, row: Fields) -> Any:
            return self._through(encoding, old, lambda value: self._structures.public(value, _key_of(name, row)))

        return field

    def _safe(self, encoding: Encoding) -> Replace:
        model = self._wire.model if self._wire else ""

        def field(name: str, old: Any, row: Fields) -> Any:
            def keep(value: Any) -> Any:
                if isinstance(value, str):
                    looks = looks_safe(model, name, value)
                    stays = is_public(value) if looks is None else looks
                    return value if stays else self._structures.text(value)
                if isinstance(value, list):
                    return [keep(part) for part in value]
                return self._structures.public(value)

            return self._through(encoding, old, keep)

        return field

    def _through(self, encoding: Encoding, old: Any, replace: Callable[[Any], Any]) -> Any:
        """Unpack, replace, pack again. What cannot be unpacked is replaced as the text that it is."""
        if encoding in PACKED | LISTS and isinstance(old, str):
            try:
                return encode(encoding, replace(decode(encoding, old)))
            except BadValue:
                return encode(encoding, [] if encoding in LISTS else self._interning.text(old))
        return replace(old)

    # ------------------------------------------------------------ fields that depend on their row

    def _slug(self, name: str, old: Any, row: Fields) -> Any:
        if not isinstance(old, str):
            return self._structures.wholesale(old)
        named = self._sanitiser("name") is Sanitiser.NAME and name == "slug"
        new_name = row.get("name") if named else None
        return self._interning.slug(old, new_name if isinstance(new_name, str) else None)

    def _password(self, old: str) -> str:
        """Of a Django hash the algorithm and the work stay, so that what reads it can; nobody can sign in with it."""
        found = _DJANGO_HASH.fullmatch(old)
        if found is None:
            return self._interning.text(old)
        salt, digest = self._interning.text(found[3]), self._interning.text(found[4])
        return f"{found[1]}${found[2]}${salt}${digest}"

    def _token(self, old: str) -> str:
        """The prefix that tells what kind of token it is stays."""
        found = _TOKEN.fullmatch(old)
        return f"{found[1]}{self._interning.text(found[2])}" if found else self._interning.text(old)

    def _token_hash(self, name: str, old: Any, row: Fields) -> Any:
        token = row.get(_HASHED_FROM.get(name, ""))
        if isinstance(token, str) and token:
            return hashlib.sha256(token.encode()).hexdigest()
        return self._each(Encoding.TEXT, self._interning.text)(name, old, row)

    def _token_tail(self, name: str, old: Any, row: Fields) -> Any:
        token = row.get("token")
        if isinstance(token, str) and len(token) >= 4:
            return token[-4:]
        return self._each(Encoding.TEXT, self._interning.tail)(name, old, row)


def _secret_parts(password: str) -> str | list[str]:
    found = _DJANGO_HASH.fullmatch(password)
    return [found[3], found[4]] if found else password


def _key_of(name: str, row: Fields) -> str | None:
    """What the value of an option stands under: its own key."""
    key = row.get("key")
    return key if name == "value" and isinstance(key, str) else None
