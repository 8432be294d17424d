"""Rows and values for tests, with everything that a test does not care about filled in."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

from vedette.accounts.models import User
from vedette.accounts.users import create_user
from vedette.core import clock, json
from vedette.digest.values import (
    EventUser,
    PreparedAttachment,
    PreparedEvent,
    PreparedSpans,
    PreparedTransaction,
    PreparedUserReport,
)
from vedette.orgs.models import Organization, OrganizationMember
from vedette.projects.models import Project
from vedette.releases.models import Release, ReleaseProject
from vedette.releases.versions import semver_columns

# Two days ago: within every retention, and on a day that is over.
NOON = clock.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)


def an_organization(slug: str = "acme", **fields: Any) -> Organization:
    """An organization with nobody in it."""
    return Organization.objects.create(name=fields.pop("name", slug.title()), slug=slug, **fields)


def a_project(organization: Organization | None = None, slug: str = "web", **fields: Any) -> Project:
    """An active project, in an organization of its own unless one is given."""
    return Project.objects.create(
        organization=organization or an_organization(), slug=slug, name=slug.title(), **fields
    )


def a_member(organization: Organization, email: str = "ann@example.com", role: str = "member", **fields: Any) -> User:
    """A user who belongs to the organization."""
    user = create_user(email, None, **fields)
    OrganizationMember.objects.create(organization=organization, user_id=user.pk, role=role, user_email=email)
    return user


def a_release(version: str, *projects: Project, **fields: Any) -> Release:
    """A release of these projects, which are of one organization, with the columns that its version gives it."""
    columns = semver_columns(version)
    release = Release.objects.create(
        organization_id=projects[0].organization_id, version=version, **{**columns, **fields}
    )
    for project in projects:
        ReleaseProject.objects.create(project=project, release=release)
    return release


def hash_of(text: str) -> str:
    """A hash as grouping makes them."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def an_event(project: Project, title: str = "ValueError: bad", **fields: Any) -> PreparedEvent:
    """A prepared event; its only hash is that of its title unless `hashes` are given."""
    event_id = fields.pop("event_id", uuid4().hex)
    timestamp = fields.pop("timestamp", NOON)
    payload = {"event_id": event_id, "title": title, "timestamp": timestamp.timestamp()}
    values: dict[str, Any] = {
        "project_id": project.pk,
        "organization_id": project.organization_id,
        "key_id": 1,
        "event_id": event_id,
        "type": "error",
        "timestamp": timestamp,
        "received_at": timestamp,
        "platform": "python",
        "level": "error",
        "logger": "",
        "title": title,
        "culprit": "app.views in checkout",
        "location": "app/views.py",
        "message": title,
        "metadata": {"type": title.partition(":")[0], "value": title.partition(": ")[2]},
        "release": "",
        "dist": "",
        "environment": "",
        "transaction": "",
        "user": EventUser(),
        "tags": (("level", "error"),),
        "hashes": (hash_of(title),),
        "sdk_name": "sentry.python",
        "sdk_version": "2.0",
        "handled": None,
        "exception_types": (title.partition(":")[0],),
        "exception_values": (title.partition(": ")[2],),
        "frame_filenames": ("app/views.py",),
        "frame_functions": ("checkout",),
        "trace_id": "",
        "span_id": "",
        "error_count": 0,
        "payload": json.dumps(payload),
    }
    return PreparedEvent(**{**values, **fields})


def a_prepared_transaction(project: Project, name: str = "/cart", **fields: Any) -> PreparedTransaction:
    """A prepared transaction without spans but itself."""
    timestamp = fields.pop("timestamp", NOON)
    began = timestamp - timedelta(seconds=1)
    values: dict[str, Any] = {
        "project_id": project.pk,
        "organization_id": project.organization_id,
        "key_id": 1,
        "event_id": uuid4().hex,
        "started_at": began,
        "timestamp": timestamp,
        "received_at": timestamp,
        "transaction": name,
        "op": "http.server",
        "status": "ok",
        "source": "route",
        "duration_ms": 1000.0,
        "trace_id": uuid4().hex,
        "span_id": "b" * 16,
        "parent_span_id": "",
        "platform": "python",
        "release": "",
        "dist": "",
        "environment": "",
        "user": EventUser(),
        "tags": (),
        "measurements": (),
        "sdk_name": "sentry.python",
        "sdk_version": "2.0",
        "span_count": 0,
        "spans": PreparedSpans(
            span_ids=["b" * 16],
            parent_span_ids=[""],
            started_us=[round(began.timestamp() * 1_000_000)],
            duration_us=[1_000_000],
            exclusive_us=[1_000_000],
            ops=["http.server"],
            statuses=["ok"],
            descriptions=[name],
            raw_descriptions=[""],
            group_hashes=[hash_of(name)[:16]],
            details=[b""],
        ),
        "payload": b"{}",
    }
    return PreparedTransaction(**{**values, **fields})


def a_user_report(project: Project, event_id: str, comments: str = "it broke") -> PreparedUserReport:
    """What somebody said about an event."""
    return PreparedUserReport(
        project.pk, project.organization_id, 1, event_id, "Ann", "ann@example.com", comments, NOON
    )


def a_prepared_attachment(project: Project, event_id: str, content: bytes = b"log line\n") -> PreparedAttachment:
    """A file of an event."""
    return PreparedAttachment(
        project.pk, project.organization_id, 1, event_id, "app.log", "text/plain", "event.attachment", NOON, content
    )
