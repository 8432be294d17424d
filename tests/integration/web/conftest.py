"""Pages on the real databases: people who sign in, and events that went through the whole digest."""

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from tests.support.factories import a_member, a_project, an_organization
from vedette.core import clock, json
from vedette.core.files import FileStore
from vedette.digest import config
from vedette.digest.config import configs
from vedette.digest.preparing import Preparer
from vedette.digest.recall import Recalls
from vedette.digest.stream import Stream
from vedette.orgs.models import Team
from vedette.projects.models import ProjectTeam
from vedette.spool.park import Park
from vedette.spool.records import Receipt
from vedette.spool.writer import SpoolWriter
from vedette.web import firstrun


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch):
    """What a process remembers about the installation is forgotten between tests."""
    monkeypatch.setattr(firstrun, "_known_to_have_users", False)
    cache.clear()


@pytest.fixture
def organization(db):
    return an_organization("acme")


@pytest.fixture
def team(organization):
    return Team.objects.create(organization=organization, slug="crew", name="Crew")


@pytest.fixture
def project(organization, team):
    made = a_project(organization, "web", platform="python")
    ProjectTeam.objects.create(project=made, team=team)
    return made


@pytest.fixture
def ann(organization):
    """The owner of acme."""
    user = a_member(organization, "ann@example.com", "owner", name="Ann")
    user.set_password("a long enough password")
    user.save()
    return user


@pytest.fixture
def stranger(db):
    """A member of another organization."""
    return a_member(an_organization("other"), "eve@example.com", "owner")


@pytest.fixture
def visit():
    """A browser in which somebody is signed in, or nobody."""

    def _visit(user=None, **options):
        client = Client(**options)
        if user:
            client.force_login(user)
        return client

    return _visit


@pytest.fixture
def report(events, tmp_path):
    """Accept and digest events and transactions as SDKs send them, each with the same attachments."""
    config._cache.clear()
    spool, park = tmp_path / "spool" / "front", Park(tmp_path / "spool")
    writer = SpoolWriter(spool)
    stream = Stream(
        "node/front", spool, events, FileStore(settings.VEDETTE.files_dir), park, Preparer(configs), Recalls(events)
    )

    def _report(project, *sent, attachments=()):
        for event in sent:
            lines = [json.dumps({}), json.dumps({"type": event.get("type", "event")}), json.dumps(event)]
            for name, content in attachments:
                lines += [json.dumps({"type": "attachment", "length": len(content), "filename": name}), content]
            writer.append_now(
                Receipt(project.organization_id, project.pk, 1, clock.now().timestamp()), b"\n".join(lines)
            )
        while stream.digest():
            pass
        assert park.count() == 0

    yield _report
    stream.reader.close()
    writer.close()
    park.close()


@pytest.fixture
def an_error():
    """An error as `sentry_sdk` sends it."""

    def _error(kind="ValueError", value="bad", function="checkout", **more):
        frames = [
            {"filename": "django/core/handlers/base.py", "function": "get_response", "lineno": 1, "in_app": False},
            {
                "filename": f"shop/{function}.py",
                "module": f"shop.{function}",
                "function": function,
                "lineno": 42,
                "in_app": True,
                "context_line": f"    raise {kind}()",
                "pre_context": ["def it():"],
                "vars": {"cart": "<Cart>", "password": "hunter2"},
            },
        ]
        return {
            "platform": "python",
            "timestamp": clock.now().timestamp(),
            "exception": {"values": [{"type": kind, "value": value, "stacktrace": {"frames": frames}}]},
            **more,
        }

    return _error


@pytest.fixture
def a_transaction():
    """A transaction as `sentry_sdk` sends it, a minute ago; spans are (id, parent, op, description, start, end), in
    milliseconds from its beginning."""

    def _transaction(name="/cart", trace_id="a" * 32, span_id="b" * 16, spans=(), milliseconds=1000, **more):
        began = clock.now().timestamp() - 60
        trace = {"trace_id": trace_id, "span_id": span_id, "op": "http.server", "status": "ok", **more.pop("trace", {})}
        return {
            "type": "transaction",
            "platform": "python",
            "transaction": name,
            "start_timestamp": began,
            "timestamp": began + milliseconds / 1000,
            "contexts": {"trace": trace},
            "spans": [
                {
                    "trace_id": trace_id,
                    "span_id": own,
                    "parent_span_id": parent,
                    "op": op,
                    "description": description,
                    "start_timestamp": began + start / 1000,
                    "timestamp": began + end / 1000,
                    "data": {"db.system": "postgresql"},
                }
                for own, parent, op, description, start, end in spans
            ],
            **more,
        }

    return _transaction
