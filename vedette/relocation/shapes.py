"""The known shapes in which ids hide: where they are in rows of each model, and what they lead to.

Source: the relocation specification, 5.6 and 9 (#6).
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from vedette.core import json
from vedette.relocation.named import NAMED, named_references
from vedette.relocation.references import Fields, Missing, Path, Reference, at, number_of

_TEAM, _USER, _PROJECT = "sentry.team", "sentry.user", "sentry.project"
_INTEGRATION, _APP = "sentry.integration", "sentry.sentryapp"
_TARGET_TYPES = {1: _USER, 2: _TEAM, 3: _APP}  # of actions; 0 is a specific target by its name
_TARGET_WORDS = {"Member": _USER, "Team": _TEAM}  # of rules
_OWNER_WORDS = {"user": _USER, "team": _TEAM}  # of ownership rules
_INTEGRATION_FIELDS = ("workspace", "account", "integration", "server")
# In searches; other fields of them are told by names, which stay.
_SEARCHED = re.compile(r"(?<![\w.])(?:project\.id|project_id):(?:\"?(\d{1,18})\b\"?|\[([\d,\s\"]{1,2000})\])")
_DIGITS = re.compile(r"\d{1,18}")
_LONGEST_SEARCH = 100_000  # characters

_Finder = Callable[[Fields], Iterator[Reference]]


def references_of(model: str, fields: Fields) -> list[Reference]:
    """The references in one row of `model` as it stands in a file."""
    finder = FINDERS.get(model)
    return list(finder(fields)) if finder else []


def _document(value: Any) -> Any:
    """A JSON value, also where it is a text of one; None for a text that is not."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return None
    return value


def _of_monitor(fields: Fields) -> Iterator[Reference]:
    yield from at(("owner_team_id",), _TEAM, fields.get("owner_team_id"))
    config = fields.get("config")
    if isinstance(config, dict):
        yield from at(("config", "alert_rule_id"), "sentry.rule", config.get("alert_rule_id"))


def _of_service_hook(fields: Fields) -> Iterator[Reference]:
    """The actor is the installation that made the hook, or the person who did."""
    actor, installation = fields.get("actor_id"), fields.get("installation_id")
    is_app = installation is not None and actor == installation
    target = "sentry.sentryappinstallation" if is_app else _USER
    yield from at(("actor_id",), target, actor)


def _of_organization_integration(fields: Fields) -> Iterator[Reference]:
    """An identity, which never travels; services of a pager name the integration that they belong to."""
    yield from at(("default_auth_id",), "sentry.identity", fields.get("default_auth_id"))
    config = _document(fields.get("config"))
    services = config.get("pagerduty_services") if isinstance(config, dict) else None
    for place, service in enumerate(services if isinstance(services, list) else ()):
        if isinstance(service, dict):
            path = ("config", "pagerduty_services", place, "integration_id")
            yield from at(path, _INTEGRATION, service.get("integration_id"))


def _of_action(fields: Fields) -> Iterator[Reference]:
    kind = fields.get("target_type")
    target = _TARGET_TYPES.get(kind) if isinstance(kind, int) else None
    if target is not None:
        yield from at(("target_identifier",), target, fields.get("target_identifier"))


def _of_rule(fields: Fields) -> Iterator[Reference]:
    data = _document(fields.get("data"))
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
        yield from at((*path, "targetIdentifier"), _TARGET_WORDS[kind], step.get("targetIdentifier"))
    for name in _INTEGRATION_FIELDS:
        yield from at((*path, name), _INTEGRATION, step.get(name))
    if ".msteams." in str(step.get("id", "")):
        yield from at((*path, "team"), _INTEGRATION, step.get("team"))


def _of_dashboard(fields: Fields) -> Iterator[Reference]:
    filters = fields.get("filters")
    projects = filters.get("project") if isinstance(filters, dict) else None
    for place, project in enumerate(projects if isinstance(projects, list) else ()):
        yield from at(("filters", "project", place), _PROJECT, project, Missing.REMOVE)


def _of_data_source(fields: Fields) -> Iterator[Reference]:
    kind = str(fields.get("type", ""))
    if "query" in kind and "subscription" in kind:
        target, missing = "sentry.querysubscription", Missing.DROP_ROW
    elif "monitor" in kind or "cron" in kind:
        target, missing = "sentry.monitor", Missing.DROP_ROW
    else:
        target, missing = "", Missing.KEEP
    yield from at(("source_id",), target, fields.get("source_id"), missing)


def _of_ownership(fields: Fields) -> Iterator[Reference]:
    """Who owns what, by rule: beside their names, owners have ids."""
    schema = _document(fields.get("schema"))
    rules = schema.get("rules") if isinstance(schema, dict) else None
    for place, rule in enumerate(rules if isinstance(rules, list) else ()):
        owners = rule.get("owners") if isinstance(rule, dict) else None
        for at_owner, owner in enumerate(owners if isinstance(owners, list) else ()):
            kind = owner.get("type") if isinstance(owner, dict) else None
            if isinstance(kind, str) and kind in _OWNER_WORDS:
                path = ("schema", "rules", place, "owners", at_owner, "id")
                yield from at(path, _OWNER_WORDS[kind], owner.get("id"))


def _of_option(fields: Fields) -> Iterator[Reference]:
    """A setting of an organization, a project or a person, by what it is called."""
    yield from _of_setting(fields, None)


def _of_instance_option(fields: Fields) -> Iterator[Reference]:
    """A setting of the instance. It may come without what it names (a Config import has no projects), to an instance
    where that is: so it stays as it is, and is told of."""
    yield from _of_setting(fields, Missing.KEEP)


def _of_setting(fields: Fields, missing: Missing | None) -> Iterator[Reference]:
    key, value = fields.get("key"), fields.get("value")
    if isinstance(value, str) and value[:1] in ("[", "{"):
        value = _document(value)
    if isinstance(key, str):
        yield from named_references(("value",), key, value, missing)


def _of_data_condition(fields: Fields) -> Iterator[Reference]:
    """Whom an issue has to be assigned to, above all."""
    for name in ("comparison", "condition_result"):
        value = _document(fields.get(name)) if isinstance(fields.get(name), str) else fields.get(name)
        if isinstance(value, (dict, list)):
            yield from named_references((name,), "", value)
        if isinstance(value, dict):
            kind = value.get("target_type", value.get("targetType"))
            target = _TARGET_WORDS.get(kind) if isinstance(kind, str) else None
            target = _TARGET_TYPES.get(kind) if type(kind) is int else target
            for key in ("target_identifier", "targetIdentifier"):
                if target is not None:
                    yield from at((name, key), target, value.get(key))


def _of_config(fields: Fields) -> Iterator[Reference]:
    config = _document(fields.get("config"))
    if isinstance(config, dict):
        yield from named_references(("config",), "", config)


def _searching(*names: str) -> _Finder:
    """Searches for events or issues, in which projects may stand by their ids."""

    def find(fields: Fields) -> Iterator[Reference]:
        for name in names:
            text = fields.get(name)
            if isinstance(text, str) and "project" in text and len(text) <= _LONGEST_SEARCH:
                yield from _of_search(name, text)

    return find


def _of_search(name: str, text: str) -> Iterator[Reference]:
    for match in _SEARCHED.finditer(text):
        for digits in _DIGITS.finditer(text, *match.span(1 if match[1] else 2)):
            number = number_of(digits[0])
            if number is not None:
                yield Reference((name,), _PROJECT, number, True, Missing.KEEP, digits.span())


FINDERS: dict[str, _Finder] = {
    "sentry.monitor": _of_monitor,
    "sentry.servicehook": _of_service_hook,
    "sentry.organizationintegration": _of_organization_integration,
    "sentry.notificationaction": _of_action,
    "sentry.alertruletriggeraction": _of_action,
    "sentry.rule": _of_rule,
    "sentry.dashboard": _of_dashboard,
    "sentry.projectownership": _of_ownership,
    "sentry.option": _of_instance_option,
    "sentry.controloption": _of_instance_option,
    "sentry.organizationoption": _of_option,
    "sentry.projectoption": _of_option,
    "sentry.projecttemplateoption": _of_option,
    "sentry.useroption": _of_option,
    "sentry.savedsearch": _searching("query"),
    "sentry.groupsearchview": _searching("query"),
    "sentry.snubaquery": _searching("query"),
    "sentry.customdynamicsamplingrule": _searching("query"),
    "sentry.dashboardwidgetquery": _searching("conditions"),
    "workflow_engine.datasource": _of_data_source,
    "workflow_engine.datacondition": _of_data_condition,
    "workflow_engine.detector": _of_config,
    "workflow_engine.workflow": _of_config,
}

# What a reference leads to has to be written first, in addition to what foreign keys ask for.
HIDDEN_NEEDS: dict[str, tuple[str, ...]] = {
    "sentry.monitor": ("sentry.rule",),
    "sentry.projectownership": (_TEAM, _USER),
    "workflow_engine.datasource": ("sentry.querysubscription", "sentry.monitor"),
    **dict.fromkeys((name for name in FINDERS if name.endswith("option")), NAMED),
    **dict.fromkeys((f"workflow_engine.{name}" for name in ("datacondition", "detector", "workflow")), NAMED),
    **dict.fromkeys(
        (f"sentry.{name}" for name in ("savedsearch", "groupsearchview", "snubaquery", "customdynamicsamplingrule")),
        (_PROJECT,),
    ),
}
