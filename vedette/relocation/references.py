"""Ids that hide in JSON, in texts and in plain integers, which no foreign key declares: the known shapes.

Imports remap them and comparisons look through them. Source: the relocation specification, 5.6.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vedette.core import json

Path = tuple[str | int, ...]

_TEAM, _USER, _PROJECT = "sentry.team", "sentry.user", "sentry.project"
_INTEGRATION, _APP = "sentry.integration", "sentry.sentryapp"
_TARGET_TYPES = {1: _USER, 2: _TEAM, 3: _APP}  # of actions; 0 is a specific target by its name
_TARGET_WORDS = {"Member": _USER, "Team": _TEAM}  # of rules
_INTEGRATION_FIELDS = ("workspace", "account", "integration", "server")


class Missing(StrEnum):
    """What becomes of a reference that leads nowhere."""

    EMPTY = "empty"  # null; "" where a text was
    REMOVE = "remove"  # out of its list
    KEEP = "keep"  # nobody knows what it means
    DROP_ROW = "drop"


@dataclass(frozen=True, slots=True)
class Reference:
    """An id at `path` (the field, then what leads into its JSON) that is the pk of a row of `target`.

    `target` is "" where nobody knows it. `is_text` says that the digits stand in a string.
    """

    path: Path
    target: str
    pk: int
    is_text: bool = False
    missing: Missing = Missing.EMPTY


Fields = Mapping[str, Any]
_Finder = Callable[[Fields], Iterator[Reference]]


def references_of(model: str, fields: Fields) -> list[Reference]:
    """The references in one row of `model` as it stands in a file."""
    finder = FINDERS.get(model)
    return list(finder(fields)) if finder else []


def with_references(fields: Fields, found: Iterable[tuple[Reference, int | str | None]]) -> dict[str, Any]:
    """A copy of `fields` in which each reference has this pk (or another name of its row), or what `missing` says where
    that is None."""
    changed = dict(fields)
    texts: set[str] = set()
    pairs = sorted(found, key=lambda pair: [str(part) for part in pair[0].path], reverse=True)
    for name in {str(reference.path[0]) for reference, _ in pairs if len(reference.path) > 1}:
        value = changed[name]
        if isinstance(value, str):
            texts.add(name)
        changed[name] = json.loads(value if isinstance(value, str) else json.dumps(value))
    removals: list[tuple[list[Any], int]] = []
    for reference, new in pairs:
        _put(changed, reference, new, removals)
    for listed, place in sorted(removals, key=lambda pair: -pair[1]):
        del listed[place]
    for name in texts:
        changed[name] = json.dump_text(changed[name])
    return changed


def _put(document: Any, reference: Reference, new: int | str | None, removals: list[tuple[list[Any], int]]) -> None:
    *way, last = reference.path
    for part in way:
        document = document[part]
    if new is not None:
        document[last] = str(new) if reference.is_text else new
    elif reference.missing is Missing.REMOVE:
        removals.append((document, int(last)))
    elif reference.missing is Missing.EMPTY:
        document[last] = "" if reference.is_text else None


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 < value < 2**63 else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return None


def _at(path: Path, target: str, value: Any, missing: Missing = Missing.EMPTY) -> Iterator[Reference]:
    number = _number(value)
    if number is not None:
        yield Reference(path, target, number, isinstance(value, str), missing)


def _of_monitor(fields: Fields) -> Iterator[Reference]:
    yield from _at(("owner_team_id",), _TEAM, fields.get("owner_team_id"))
    config = fields.get("config")
    if isinstance(config, dict):
        yield from _at(("config", "alert_rule_id"), "sentry.rule", config.get("alert_rule_id"))


def _of_service_hook(fields: Fields) -> Iterator[Reference]:
    """The actor is the installation that made the hook, or the person who did."""
    actor, installation = fields.get("actor_id"), fields.get("installation_id")
    is_app = installation is not None and actor == installation
    target = "sentry.sentryappinstallation" if is_app else _USER
    yield from _at(("actor_id",), target, actor)


def _of_organization_integration(fields: Fields) -> Iterator[Reference]:
    """An identity, which never travels."""
    yield from _at(("default_auth_id",), "sentry.identity", fields.get("default_auth_id"))


def _of_action(fields: Fields) -> Iterator[Reference]:
    kind = fields.get("target_type")
    target = _TARGET_TYPES.get(kind) if isinstance(kind, int) else None
    if target is not None:
        yield from _at(("target_identifier",), target, fields.get("target_identifier"))


def _of_rule(fields: Fields) -> Iterator[Reference]:
    data = fields.get("data")
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except json.JSONDecodeError:
            return
    if not isinstance(data, dict):
        return
    for part in ("actions", "conditions", "filters"):
        steps = data.get(part)
        for place, step in enumerate(steps if isinstance(steps, list) else ()):
            if isinstance(step, dict):
                yield from _of_step(("data", part, place), step)


def _of_step(path: Path, step: dict[str, Any]) -> Iterator[Reference]:
    """One action or condition of an issue rule."""
    kind = step.get("targetType")
    if isinstance(kind, str) and kind in _TARGET_WORDS:
        yield from _at((*path, "targetIdentifier"), _TARGET_WORDS[kind], step.get("targetIdentifier"))
    for name in _INTEGRATION_FIELDS:
        yield from _at((*path, name), _INTEGRATION, step.get(name))
    if ".msteams." in str(step.get("id", "")):
        yield from _at((*path, "team"), _INTEGRATION, step.get("team"))


def _of_dashboard(fields: Fields) -> Iterator[Reference]:
    filters = fields.get("filters")
    projects = filters.get("project") if isinstance(filters, dict) else None
    for place, project in enumerate(projects if isinstance(projects, list) else ()):
        yield from _at(("filters", "project", place), _PROJECT, project, Missing.REMOVE)


def _of_data_source(fields: Fields) -> Iterator[Reference]:
    kind = str(fields.get("type", ""))
    if "query" in kind and "subscription" in kind:
        target, missing = "sentry.querysubscription", Missing.DROP_ROW
    elif "monitor" in kind or "cron" in kind:
        target, missing = "sentry.monitor", Missing.DROP_ROW
    else:
        target, missing = "", Missing.KEEP
    yield from _at(("source_id",), target, fields.get("source_id"), missing)


FINDERS: dict[str, _Finder] = {
    "sentry.monitor": _of_monitor,
    "sentry.servicehook": _of_service_hook,
    "sentry.organizationintegration": _of_organization_integration,
    "sentry.notificationaction": _of_action,
    "sentry.alertruletriggeraction": _of_action,
    "sentry.rule": _of_rule,
    "sentry.dashboard": _of_dashboard,
    "workflow_engine.datasource": _of_data_source,
}

# What a reference leads to has to be written first, in addition to what foreign keys ask for.
HIDDEN_NEEDS: dict[str, tuple[str, ...]] = {
    "sentry.monitor": ("sentry.rule",),
    "workflow_engine.datasource": ("sentry.querysubscription", "sentry.monitor"),
}
