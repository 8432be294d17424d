"""Sessions for tests, as items that went through `prepare`."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from vedette.core import clock
from vedette.digest.prepare import prepare
from vedette.digest.values import Prepared, ProjectConfig
from vedette.projects.models import Project
from vedette.spool.records import Receipt, SpooledEnvelope
from vedette.wire.envelope import write_envelope


def hours_ago(hours: float) -> datetime:
    """A moment in the middle of an hour, as many hours before this one."""
    return clock.now().replace(minute=30, second=0, microsecond=0) - timedelta(hours=hours)


def a_session(project: Project, started: datetime, **fields: Any) -> Prepared:
    """One update; it counts as a session unless `init` says otherwise."""
    attributes = _attributes(fields)
    update = {"sid": str(uuid4()), "init": True, "started": started.timestamp(), **fields}
    return _prepared(project, "session", {**update, "timestamp": started.timestamp(), "attrs": attributes}, started)


def some_sessions(project: Project, started: datetime, **counts: Any) -> Prepared:
    """Sessions as servers count them."""
    attributes = _attributes(counts)
    aggregates = [{"started": started.timestamp(), **counts}]
    return _prepared(project, "sessions", {"aggregates": aggregates, "attrs": attributes}, started)


def _attributes(fields: dict[str, Any]) -> dict[str, str]:
    return {"release": fields.pop("release", "shop@1.0"), "environment": fields.pop("environment", "prod")}


def _prepared(project: Project, kind: str, payload: dict[str, Any], received: datetime) -> Prepared:
    body = write_envelope({}, [({"type": kind}, msgspec.json.encode(payload))])
    receipt = Receipt(project.organization_id, project.pk, 1, received.timestamp())
    (value,) = prepare(SpooledEnvelope(1, receipt, body), ProjectConfig(project.pk, project.organization_id))
    return value
