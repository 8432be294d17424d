"""Ids that hide in text, in JSON and in plain integers, told by the row that they lead to.

The same reference has another number in another installation. So that two files can be compared, each id that is known
for one is replaced by the model and the ordinal of its row; one that leads to no row of its file stays a number.
Source: the relocation specification, 5.6.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import orjson

Fields = dict[str, Any]
OrdinalOf = Callable[[str, int], int | None]

# `target_type` of notification actions and trigger actions; 0 is a channel, which has a name and no id.
TARGETS: Mapping[Any, str] = MappingProxyType(
    {
        1: "sentry.user",
        2: "sentry.team",
        3: "sentry.sentryapp",
        "Member": "sentry.user",
        "Team": "sentry.team",
    }
)
_INTEGRATION_KEYS = ("workspace", "account", "integration")
_SOURCES: Mapping[Any, str] = MappingProxyType(
    {
        "snuba_query_subscription": "sentry.querysubscription",
        "cron_monitor": "sentry.monitor",
        "cron_subscription": "sentry.monitor",
    }
)


def by_ordinal(model: str, fields: Fields, ordinal_of: OrdinalOf) -> Fields:
    """The fields with their hidden references resolved; the same object where the model has none."""
    resolve = _RESOLVERS.get(model)
    return fields if resolve is None else resolve(fields, ordinal_of)


def _led(target: str | None, value: Any, ordinal_of: OrdinalOf) -> Any:
    if target is None or isinstance(value, bool):
        return value
    pk = value if isinstance(value, int) else int(value) if isinstance(value, str) and _is_pk(value) else None
    ordinal = ordinal_of(target, pk) if pk is not None else None
    return value if ordinal is None else f"{target} #{ordinal}"


def _is_pk(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _monitor(fields: Fields, ordinal_of: OrdinalOf) -> Fields:
    config = fields.get("config")
    if isinstance(config, dict) and "alert_rule_id" in config:
        config = {**config, "alert_rule_id": _led("sentry.rule", config["alert_rule_id"], ordinal_of)}
        fields = {**fields, "config": config}
    if "owner_team_id" in fields:
        fields = {**fields, "owner_team_id": _led("sentry.team", fields["owner_team_id"], ordinal_of)}
    return fields


def _target(fields: Fields, ordinal_of: OrdinalOf) -> Fields:
    kind = fields.get("target_type")
    if "target_identifier" not in fields or isinstance(kind, list | dict):
        return fields
    return {**fields, "target_identifier": _led(TARGETS.get(kind), fields["target_identifier"], ordinal_of)}


def _source(fields: Fields, ordinal_of: OrdinalOf) -> Fields:
    kind = fields.get("type")
    if "source_id" not in fields or isinstance(kind, list | dict):
        return fields
    return {**fields, "source_id": _led(_SOURCES.get(kind), fields["source_id"], ordinal_of)}


def _filters(fields: Fields, ordinal_of: OrdinalOf) -> Fields:
    filters = fields.get("filters")
    if not isinstance(filters, dict) or not isinstance(filters.get("project"), list):
        return fields
    projects = [_led("sentry.project", pk, ordinal_of) for pk in filters["project"]]
    return {**fields, "filters": {**filters, "project": projects}}


def _rule(fields: Fields, ordinal_of: OrdinalOf) -> Fields:
    data = fields.get("data")
    try:
        rule = orjson.loads(data) if isinstance(data, str) else data
    except orjson.JSONDecodeError:
        return fields
    if not isinstance(rule, dict):
        return fields
    for part in ("actions", "conditions", "filters"):
        if isinstance(rule.get(part), list):
            rule = {**rule, part: [_step(step, ordinal_of) for step in rule[part]]}
    return {**fields, "data": orjson.dumps(rule).decode() if isinstance(data, str) else rule}


def _step(step: Any, ordinal_of: OrdinalOf) -> Any:
    """One action, condition or filter of an issue alert."""
    if not isinstance(step, dict):
        return step
    kind = step.get("targetType")
    if "targetIdentifier" in step and isinstance(kind, str):
        step = {**step, "targetIdentifier": _led(TARGETS.get(kind), step["targetIdentifier"], ordinal_of)}
    for name in _INTEGRATION_KEYS:
        if name in step:
            step = {**step, name: _led("sentry.integration", step[name], ordinal_of)}
    return step


_RESOLVERS: Mapping[str, Callable[[Fields, OrdinalOf], Fields]] = MappingProxyType(
    {
        "sentry.monitor": _monitor,
        "sentry.notificationaction": _target,
        "sentry.alertruletriggeraction": _target,
        "workflow_engine.datasource": _source,
        "sentry.dashboard": _filters,
        "sentry.rule": _rule,
    }
)
