"""What callers say about releases, checked: fields, commits, refs.

Commits are read by hand: a request may bring ten thousand of them with all their files, for which a serializer takes
longer than the database does. The first element of a list that is wrong says what is wrong, without its number.

Source: the release specification, 5.1 to 5.3 with its [V]: what is merely too long is cut, and `X-Vedette-Warnings`
says so.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from vedette.core import json
from vedette.releases import versions
from vedette.releases.models import ReleaseStatus
from vedette.shipping.commits import CommitInput, FileChange
from vedette.shipping.providers.base import MAX_MESSAGE
from vedette.shipping.refs import MAX_REFS, RefInput

STATUSES = {"open": ReleaseStatus.OPEN, "archived": ReleaseStatus.ARCHIVED}
WARNINGS = "X-Vedette-Warnings"
MAX_KEY = 64
MAX_REPOSITORY = 200
MAX_EMAIL = 200
MAX_NAME = 128
MAX_PATH = 510
MAX_TEXT = 200
MAX_PROJECTS = 1000
MAX_COMMITS = 50_000  # they are written in one transaction, for which everybody else waits where the database is SQLite
MAX_FILES = 250_000  # of all commits of a request
_PATCH_TYPES = frozenset("AMD")
_MOMENT = serializers.DateTimeField()
_REQUIRED = "This field is required."
_NULL = "This field may not be null."
_BLANK = "This field may not be blank."
_TOO_MANY = "Ensure this field has no more than {} elements."
_ENDS = "Commit cannot begin or end with .."
_RANGE_TOO_LONG = f"Start or end commit too long - max is {MAX_KEY} chars each"
_TOO_LONG = f"Commit too long - max is {MAX_KEY} chars"


@dataclass(slots=True)
class Leniency:
    """What was changed so that it could be taken: a sentence, and how often."""

    changes: Counter[str] = field(default_factory=Counter)

    def cut(self, name: str, value: str | None, longest: int) -> str | None:
        """`value`, at most `longest` characters of it."""
        if value is None or len(value) <= longest:
            return value
        self.changes[f"{name} was cut to {longest} characters"] += 1
        return value[:longest]

    @property
    def headers(self) -> dict[str, str]:
        """The header that tells it, if there is anything to tell. Nothing that was sent is in it."""
        if not self.changes:
            return {}
        said = [text if count == 1 else f"{text} ({count} times)" for text, count in sorted(self.changes.items())]
        return {WARNINGS: json.dump_text(said)}


class PatchBody(serializers.Serializer[Any]):
    """A file that a commit changed."""

    path = serializers.CharField()
    type = serializers.CharField()


class CommitBody(serializers.Serializer[Any]):
    """A commit of a release."""

    id = serializers.CharField(max_length=MAX_KEY)
    repository = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    message = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    author_name = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    author_email = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    timestamp = serializers.DateTimeField(required=False, allow_null=True)
    patch_set = PatchBody(many=True, required=False, allow_null=True)


class RefBody(serializers.Serializer[Any]):
    """The commit, or the range `A..B`, that a release was built from."""

    repository = serializers.CharField(max_length=MAX_REPOSITORY)
    commit = serializers.CharField()
    previousCommit = serializers.CharField(required=False, allow_null=True, allow_blank=True)


class HeadBody(serializers.Serializer[Any]):
    """What refs were called before."""

    repository = serializers.CharField(max_length=MAX_KEY)
    currentId = serializers.CharField(max_length=MAX_KEY)
    previousId = serializers.CharField(required=False, allow_null=True, allow_blank=True)


class _Listed(serializers.Field[Any, Any, Any, Any]):
    """A list whose first wrong element says what is wrong with it."""

    def to_internal_value(self, data: Any) -> list[Any]:
        """The elements, read. Raises `ValidationError`."""
        return [self.element(_mapping(one)) for one in _bounded_list(data, self.most)]

    @property
    def most(self) -> int:
        """How many elements there may be."""
        return MAX_REFS

    def element(self, data: Mapping[str, Any]) -> Any:
        """One element, read."""
        raise NotImplementedError

    def to_representation(self, value: Any) -> Any:
        """Only ever read."""
        return value


@extend_schema_field(CommitBody(many=True))
class CommitList(_Listed):
    """Commits, read into `CommitInput`."""

    def to_internal_value(self, data: Any) -> list[Any]:
        """The commits, read. Raises `ValidationError`, also for too many files of all of them."""
        commits: list[CommitInput] = super().to_internal_value(data)
        if sum(len(commit.patch_set) for commit in commits) > MAX_FILES:
            raise ValidationError({"patch_set": [f"{_TOO_MANY.format(MAX_FILES)[:-1]} in all commits."]})
        return commits

    @property
    def most(self) -> int:
        """How many commits there may be."""
        return MAX_COMMITS

    def element(self, data: Mapping[str, Any]) -> CommitInput:
        """One commit."""
        lenient: Leniency = self.context["leniency"]
        return CommitInput(
            key=_text(data, "id", longest=MAX_KEY),
            repository=lenient.cut("repository", _optional(data, "repository"), MAX_REPOSITORY),
            message=lenient.cut("message", _optional(data, "message", trim=False), MAX_MESSAGE),
            author_name=lenient.cut("author_name", _optional(data, "author_name"), MAX_NAME),
            author_email=lenient.cut("author_email", _optional(data, "author_email"), MAX_EMAIL),
            timestamp=_moment(data, "timestamp"),
            patch_set=tuple(_patches(data.get("patch_set"), lenient)),
            message_is_null="message" in data and data["message"] is None,
        )


@extend_schema_field(RefBody(many=True))
class RefList(_Listed):
    """Refs, read into `RefInput`; a range says both commits."""

    def element(self, data: Mapping[str, Any]) -> RefInput:
        """One ref."""
        repository = _text(data, "repository", longest=MAX_REPOSITORY)
        previous = _optional(data, "previousCommit", longest=MAX_KEY) or None
        commit = _text(data, "commit")
        if ".." not in commit:
            if len(commit) > MAX_KEY:
                raise ValidationError({"commit": [_TOO_LONG]})
            return RefInput(repository, commit, previous)
        start, _, end = commit.partition("..")
        if not start or not end or ".." in end or end.startswith("."):  # `a...b` is something else to git
            raise ValidationError({"commit": [_ENDS]})
        if max(len(start), len(end)) > MAX_KEY:
            raise ValidationError({"commit": [_RANGE_TOO_LONG]})
        return RefInput(repository, end, start)


@extend_schema_field(HeadBody(many=True))
class HeadList(_Listed):
    """Head commits, read into `RefInput`."""

    def element(self, data: Mapping[str, Any]) -> RefInput:
        """One head commit."""
        repository = _text(data, "repository", longest=MAX_KEY)
        current = _text(data, "currentId", longest=MAX_KEY)
        return RefInput(repository, current, _optional(data, "previousId", longest=MAX_KEY) or None)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class IdOrSlug(serializers.Field[Any, Any, Any, Any]):
    """A project's id (a number, or digits) or its slug."""

    default_error_messages = {"invalid": "Invalid project ids or slugs"}

    def to_internal_value(self, data: Any) -> int | str:
        """A number or a text."""
        if isinstance(data, bool) or not isinstance(data, int | str):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        """Only ever read."""
        return value


class ReleaseChanges(serializers.Serializer[Any]):
    """What may be said about a release that is there. Unknown keys are ignored."""

    ref = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=MAX_TEXT)
    url = serializers.URLField(required=False, allow_null=True, allow_blank=True, max_length=MAX_TEXT)
    dateReleased = serializers.DateTimeField(required=False, allow_null=True)
    commits = CommitList(required=False)
    status = serializers.CharField(required=False, allow_blank=True)

    def validate_status(self, value: str) -> ReleaseStatus:
        """One of the two words."""
        if value not in STATUSES:
            raise ValidationError(f"Invalid status {value[:50]}")
        return STATUSES[value]


class ReleaseChangesWithRefs(ReleaseChanges):
    """The same where refs may be told."""

    refs = RefList(required=False)
    headCommits = HeadList(required=False)


class _Named(serializers.Serializer[Any]):
    """A version, and who is responsible for it."""

    version = serializers.CharField(trim_whitespace=False, max_length=versions.WRITE_LIMIT)
    owner = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=MAX_TEXT)

    def validate_version(self, value: str) -> str:
        """What may name a release."""
        try:
            versions.check(value)
        except versions.InvalidVersion as error:
            raise ValidationError(error.errors["version"]) from None
        return value


class ProjectReleaseWish(_Named, ReleaseChanges):
    """A release to make in one project."""


class ReleaseWish(_Named, ReleaseChangesWithRefs):
    """A release to make, and the projects that it belongs to."""

    projects = serializers.ListField(child=IdOrSlug(), max_length=MAX_PROJECTS)

    def to_internal_value(self, data: Any) -> Any:
        """The checked values; what is wrong with an element of `projects` is said about the list."""
        try:
            return super().to_internal_value(data)
        except ValidationError as error:
            detail: Any = error.detail
            if isinstance(detail.get("projects"), dict):
                detail["projects"] = [IdOrSlug.default_error_messages["invalid"]]
            raise


@dataclass(frozen=True, slots=True)
class Read:
    """A checked body: the values of the keys that are present, and what was changed to take them."""

    values: dict[str, Any]
    leniency: Leniency

    @property
    def commits(self) -> list[CommitInput] | None:
        """The commits; None when the body says nothing about them."""
        return self.values.get("commits")

    @property
    def refs(self) -> list[RefInput] | None:
        """The refs, also those by their old name; None when the body says nothing about them."""
        told: list[RefInput] | None = self.values.get("refs")
        return told or self.values.get("headCommits") or told

    @property
    def status(self) -> ReleaseStatus | None:
        """Open or archived; None when the body does not say."""
        return self.values.get("status")

    def columns(self, *, clearing: bool) -> dict[str, Any]:
        """What the body says about the columns of the release. A null clears one where `clearing`; "" never does."""
        names = {"ref": "ref", "url": "url", "date_released": "dateReleased"}
        told = {column: self.values[name] for column, name in names.items() if name in self.values}
        return {column: value for column, value in told.items() if value or (clearing and value is None)}


def read(shape: type[serializers.Serializer[Any]], data: Any) -> Read:
    """The body, checked. Raises `ValidationError`, field by field."""
    leniency = Leniency()
    reader = shape(data=data, context={"leniency": leniency})
    reader.is_valid(raise_exception=True)
    return Read(reader.validated_data, leniency)


def _list(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise ValidationError(f'Expected a list of items but got type "{type(data).__name__}".')
    return data


def _bounded_list(data: Any, most: int) -> list[Any]:
    told = _list(data)
    if len(told) > most:
        raise ValidationError(_TOO_MANY.format(most))
    return told


def _mapping(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        kind = type(data).__name__
        raise ValidationError({"nonFieldErrors": [f"Invalid data. Expected a dictionary, but got {kind}."]})
    return data


def _text(data: Mapping[str, Any], name: str, *, longest: int | None = None) -> str:
    """A text that has to be there."""
    if name not in data:
        raise ValidationError({name: [_REQUIRED]})
    value = data[name]
    if value is None:
        raise ValidationError({name: [_NULL]})
    text = _string(name, value).strip()
    if not text:
        raise ValidationError({name: [_BLANK]})
    return _bounded(name, text, longest)


def _optional(data: Mapping[str, Any], name: str, *, longest: int | None = None, trim: bool = True) -> str | None:
    """A text that may be absent, null or empty."""
    value = data.get(name)
    if value is None:
        return None
    text = _string(name, value)
    return _bounded(name, text.strip() if trim else text, longest)


def _string(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValidationError({name: ["Not a valid string."]})
    return str(value)


def _bounded(name: str, text: str, longest: int | None) -> str:
    if longest is not None and len(text) > longest:
        raise ValidationError({name: [f"Ensure this field has no more than {longest} characters."]})
    return text


def _moment(data: Mapping[str, Any], name: str) -> datetime | None:
    value = data.get(name)
    if value is None:
        return None
    try:
        found: datetime = _MOMENT.to_internal_value(value)
    except ValidationError as error:
        raise ValidationError({name: error.detail}) from None
    return found


def _patches(data: Any, lenient: Leniency) -> Iterator[FileChange]:
    """The files of a commit. What git calls renamed, copied, of another type, or anything else, is modified."""
    try:
        for patch in _list(data) if data is not None else ():
            told = _mapping(patch)
            path = lenient.cut("patch_set path", _text(told, "path"), MAX_PATH) or ""
            kind = _text(told, "type")
            if kind not in _PATCH_TYPES:
                lenient.changes["patch_set type was taken for M"] += 1
                kind = "M"
            yield FileChange(path, kind)
    except ValidationError as error:
        raise ValidationError({"patch_set": error.detail}) from None
