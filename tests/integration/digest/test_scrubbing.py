"""The settings of an organization and its projects, applied before anything is stored; the spool keeps what came."""

from uuid import uuid4

import pytest

from tests.support.factories import NOON
from vedette.core import json
from vedette.core.files import FileStore
from vedette.issues.models import EventAttachment, Group
from vedette.orgs import options as org_options
from vedette.projects import options

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "VEDETTE-SECRET"
EVENT = {
    "platform": "python",
    "timestamp": NOON.timestamp(),
    "logentry": {"message": "card %s", "params": ["4111 1111 1111 1111"]},
    "user": {"shoe": SECRET, "ip_address": "10.0.0.7"},
    "request": {"url": f"https://bob:{SECRET}@shop.example/", "env": {"REMOTE_ADDR": "10.0.0.7"}},
    "extra": {"shoe_size": SECRET, "password": SECRET, "peer": "10.0.0.7"},
    "contexts": {"shoe": {"type": "runtime", "name": SECRET}},
}


def on(owner, project):
    """Switch everything on, for the project itself or for its organization alone."""
    if owner == "project":
        options.set_option(project, options.SCRUB_IP_ADDRESSES, True)
        options.set_option(project, options.SENSITIVE_FIELDS, ["shoe"])
        return
    for option in (options.DATA_SCRUBBER, options.DATA_SCRUBBER_DEFAULTS):
        options.set_option(project, option, False)
    organization = project.organization
    for option in (org_options.DATA_SCRUBBER, org_options.DATA_SCRUBBER_DEFAULTS, org_options.SCRUB_IP_ADDRESSES):
        org_options.set_option(organization, option, True)
    org_options.set_option(organization, org_options.SENSITIVE_FIELDS, ["shoe"])


@pytest.mark.parametrize("owner", ["project", "organization"])
def test_nothing_that_is_stored_tells_what_the_settings_hide(owner, accept, stream, events, project, tmp_path):
    on(owner, project)
    view = {"text": "x", "password": SECRET}
    event_id = uuid4().hex
    envelope = (
        b'{"event_id":"%s"}\n{"type":"event"}\n%s\n'
        b'{"type":"attachment","filename":"v.json","attachment_type":"event.view_hierarchy"}\n%s\n'
        % (event_id.encode(), json.dumps(EVENT), json.dumps(view))
    )
    accept(body=envelope)

    stream().digest()

    [row] = events.rows("SELECT * FROM errors")
    kept = repr(row) + repr(list(Group.objects.values()))
    assert SECRET not in kept
    assert "10.0.0.7" not in kept
    assert "4111" not in kept
    assert Group.objects.get().title == "card [creditcard]"
    attachment = EventAttachment.objects.get()
    assert SECRET.encode() not in FileStore(tmp_path / "files").path(attachment.sha1).read_bytes()
    spooled = b"".join(path.read_bytes() for path in (tmp_path / "spool").rglob("*") if path.is_file())
    assert SECRET.encode() in spooled


def test_a_project_that_wants_everything_gets_everything(accept, stream, events, project):
    options.set_option(project, options.DATA_SCRUBBER, False)
    accept(("event", EVENT), event_id=uuid4().hex)

    stream().digest()

    [(payload,)] = events.rows("SELECT payload FROM errors")
    kept = json.loads(payload)
    assert kept["extra"] == EVENT["extra"]
    assert kept["request"]["url"] == EVENT["request"]["url"]
    assert Group.objects.get().title == "card 4111 1111 1111 1111"
