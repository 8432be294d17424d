"""Where a model lives and how it travels: declared once, on the model.

Exports, imports, comparisons, the sanitiser and the documentation read the declaration. It is written in the notation
of the specification's own tables, and parsed when it is made. Source: the relocation specification, 2.1, 5 and
appendix A.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType


class Silo(StrEnum):
    """Control data is about people and installations, region data about what organizations own.

    A region model refers to a control model by plain id, without a database constraint, so that the two can be
    kept in different databases later.
    """

    CONTROL = "Control"
    REGION = "Region"


class RelocationScope(StrEnum):
    """What an export must hold to carry a model."""

    EXCLUDED = "Excluded"
    USER = "User"
    ORGANIZATION = "Organization"
    CONFIG = "Config"
    GLOBAL = "Global"


class Encoding(StrEnum):
    """How a column is written in a file; the values are the codes of appendix A, with `e` for an e-mail column."""

    TEXT = "s"
    EMAIL = "e"
    INTEGER = "n"
    FLOAT = "f"
    BOOLEAN = "b"
    MOMENT = "d"
    UUID = "u"
    BITS = "B"
    JSON = "J"
    OPTION = "V"
    JSON_TEXT = "T"
    LITERAL_LIST = "L"
    TEXT_LIST = "P"


class Link(StrEnum):
    """What kind of foreign key it is; the values are the marks of the specification, 5.3."""

    ORDINARY = ""
    CROSS_SILO = "~"
    IMPLICIT = "#"
    ONE_TO_ONE = "!"


class Generation(IntEnum):
    """Which Sentry a file is written for. Older generations know fewer models and fields."""

    MID_2024 = 2024
    EARLY_2025 = 2025


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A field that holds the pk of a row of `target` (a wire name) in the same file."""

    target: str
    nullable: bool
    link: Link


class Comparator(StrEnum):
    """Rules that judge a difference between two files; the value is the kind of its findings (specification, 7.3)."""

    AUTO_SUFFIX = "AutoSuffixComparator"
    DATETIME_EQUALITY = "DatetimeEqualityComparator"
    DATE_UPDATED = "DateUpdatedComparator"
    EMAIL = "EmailObfuscatingComparator"
    EQUAL_OR_REMOVED = "EqualOrRemovedComparator"
    HASH = "HashObfuscatingComparator"
    FOREIGN_KEY = "ForeignKeyComparator"
    IGNORED = "IgnoredComparator"
    SECRET_HEX = "SecretHexComparator"  # noqa: S105  (the name of a rule)
    SUBSCRIPTION_ID = "SubscriptionIDComparator"
    UNORDERED_LIST = "UnorderedListComparator"
    UUID4 = "UUID4Comparator"
    USER_PASSWORD = "UserPasswordObfuscatingComparator"  # noqa: S105


_COMPARATOR_WORDS = {
    "auto-suffix": Comparator.AUTO_SUFFIX,
    "date-updated": Comparator.DATE_UPDATED,
    "e-mail": Comparator.EMAIL,
    "equal-or-removed": Comparator.EQUAL_OR_REMOVED,
    "hash": Comparator.HASH,
    "ignored": Comparator.IGNORED,
    "password": Comparator.USER_PASSWORD,
    "secret-hex": Comparator.SECRET_HEX,
    "subscription-id": Comparator.SUBSCRIPTION_ID,
    "unordered": Comparator.UNORDERED_LIST,
    "uuid4": Comparator.UUID4,
}


class Sanitiser(StrEnum):
    """What replaces a field of a file that is given away (specification, 8.1 and 8.2). `SAFE` stays as it is."""

    SAFE = "safe"
    STRING = "string"
    NAME = "name"
    SLUG = "slug"
    EMAIL = "email"
    IP = "ip"
    URL = "url"
    UUID = "uuid"
    HEX = "hex"
    MOMENT = "moment"
    EMPTY = "empty"
    COUNTRY = "country"
    SUBDIVISION = "subdivision"
    PASSWORD = "password"  # noqa: S105  (the name of a rule)
    TOKEN = "token"  # noqa: S105
    TOKEN_HASH = "token-hash"  # noqa: S105
    TOKEN_TAIL = "token-tail"  # noqa: S105
    OPTION = "option"
    JSON_TEXTS = "json-texts"
    JSON_EMPTY_OBJECT = "json-empty-object"
    JSON_EMPTY_LIST = "json-empty-list"


_SANITISED_BY_ENCODING = {
    Encoding.EMAIL: Sanitiser.EMAIL,
    Encoding.MOMENT: Sanitiser.MOMENT,
    Encoding.UUID: Sanitiser.UUID,
}

_KEY = re.compile(r"(?P<name>[a-z_]+)(?P<link>[~#!]?)>(?P<target>[a-z_.]+)(?P<nullable>\??)")
_UNIQUE = re.compile(r"\{([a-z_,]+)\}")


@dataclass(frozen=True, eq=False, init=False)
class Relocation:
    """How one model travels.

    `model` is the wire name in an export file; `scopes` has several entries where each row decides. `fields` are the
    columns that are no foreign key; `ordinal` is the natural key that comparisons go by, empty where it is the pk;
    `comparators` and `sanitisers` hold the automatic ones too. `since` and `until` are the first and the last
    generation whose files know the model, `newer_fields` those of its fields that only the newest knows, and
    `older_scopes` the scopes of the older generation, where they were others.
    """

    model: str
    silo: Silo
    scopes: tuple[RelocationScope, ...]
    fields: Mapping[str, Encoding]
    foreign_keys: Mapping[str, ForeignKey]
    uniques: tuple[frozenset[str], ...]
    after: tuple[str, ...]
    ordinal: tuple[str, ...]
    comparators: Mapping[str, tuple[Comparator, ...]]
    sanitisers: Mapping[str, Sanitiser]
    since: Generation
    until: Generation | None
    newer_fields: frozenset[str]
    older_scopes: tuple[RelocationScope, ...]

    def __init__(
        self,
        model: str,
        silo: Silo,
        scopes: tuple[RelocationScope, ...],
        *,
        columns: str = "",
        keys: str = "",
        uniques: str = "",
        after: str = "",
        ordinal: str = "",
        compared: str = "",
        sanitised: str = "",
        newer: str = "",
        since: Generation = Generation.MID_2024,
        until: Generation | None = None,
        older_scopes: tuple[RelocationScope, ...] | None = None,
    ) -> None:
        """Read the specification's notation.

        `columns` are written as in appendix A (`"name:s status:n"`), `keys` and `uniques` as in the table of 5.3
        (`"organization>organization user_id~>user?"`, `"{organization,slug}"`), `after`, `ordinal` and `newer` as
        names, `compared` as in 7.4 (`"hash: token; ignored: validation_hash"`), and `sanitised` likewise with the
        words of `Sanitiser`. A target without an app label is of `sentry`. Raises ValueError for what it cannot read.
        """
        fields = _columns(columns)
        foreign_keys = _foreign_keys(keys)
        _set = object.__setattr__
        _set(self, "model", model)
        _set(self, "silo", silo)
        _set(self, "scopes", scopes)
        _set(self, "fields", MappingProxyType(fields))
        _set(self, "foreign_keys", MappingProxyType(foreign_keys))
        _set(self, "uniques", _uniques(uniques))
        _set(self, "after", tuple(_wire_name(name) for name in after.split()))
        _set(self, "ordinal", tuple(ordinal.split()))
        _set(self, "comparators", MappingProxyType(_comparators(compared, fields, foreign_keys)))
        _set(self, "sanitisers", MappingProxyType(_sanitisers(sanitised, fields)))
        _set(self, "since", since)
        _set(self, "until", until)
        _set(self, "newer_fields", frozenset(newer.split()))
        _set(self, "older_scopes", older_scopes or scopes)

    def __repr__(self) -> str:
        return f"<Relocation {self.model}>"

    def exists_in(self, generation: Generation) -> bool:
        """Whether files of this generation may hold the model."""
        return self.since <= generation and (self.until is None or generation <= self.until)

    def names_in(self, generation: Generation) -> tuple[str, ...]:
        """The wire names of all fields, foreign keys included, that files of this generation hold; sorted."""
        names = {*self.fields, *self.foreign_keys}
        return tuple(sorted(names if generation >= Generation.EARLY_2025 else names - self.newer_fields))

    def scopes_in(self, generation: Generation) -> tuple[RelocationScope, ...]:
        """The scopes that the model had in this generation."""
        return self.scopes if generation >= Generation.EARLY_2025 else self.older_scopes


def _wire_name(name: str) -> str:
    return name if "." in name else f"sentry.{name}"


def _columns(text: str) -> dict[str, Encoding]:
    pairs = [part.partition(":") for part in text.split()]
    return {name: Encoding(code) for name, _, code in pairs}


def _foreign_keys(text: str) -> dict[str, ForeignKey]:
    found = {}
    for part in text.split():
        match = _KEY.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no foreign key")
        found[match["name"]] = ForeignKey(_wire_name(match["target"]), bool(match["nullable"]), Link(match["link"]))
    return found


def _uniques(text: str) -> tuple[frozenset[str], ...]:
    if _UNIQUE.sub("", text).strip():
        raise ValueError(f"{text!r} is no list of unique sets")
    return tuple(frozenset(names.split(",")) for names in _UNIQUE.findall(text))


def _spread(text: str) -> list[tuple[str, str]]:
    """The pairs (word, field) of `word: field field; word: field`."""
    pairs = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        word, _, names = part.partition(":")
        pairs += [(word.strip(), name) for name in names.split()]
    return pairs


def _comparators(
    text: str, fields: Mapping[str, Encoding], foreign_keys: Mapping[str, ForeignKey]
) -> dict[str, tuple[Comparator, ...]]:
    found: dict[str, list[Comparator]] = {}
    for word, name in _spread(text):
        if word not in _COMPARATOR_WORDS:
            raise ValueError(f"{word!r} is no comparator")
        found.setdefault(name, []).append(_COMPARATOR_WORDS[word])
    claimed = {name for name, rules in found.items() if {Comparator.DATE_UPDATED, Comparator.IGNORED} & {*rules}}
    for name, encoding in fields.items():
        if encoding is Encoding.EMAIL:
            found.setdefault(name, []).append(Comparator.EMAIL)
        # Models without a comparator of their own have their dates compared as texts (specification, 7.4).
        elif encoding is Encoding.MOMENT and text and name not in claimed:
            found.setdefault(name, []).append(Comparator.DATETIME_EQUALITY)
    for name in foreign_keys:
        found.setdefault(name, []).append(Comparator.FOREIGN_KEY)
    return {name: tuple(rules) for name, rules in found.items()}


def _sanitisers(text: str, fields: Mapping[str, Encoding]) -> dict[str, Sanitiser]:
    found = {name: _SANITISED_BY_ENCODING[code] for name, code in fields.items() if code in _SANITISED_BY_ENCODING}
    return found | {name: Sanitiser(word) for word, name in _spread(text)}
