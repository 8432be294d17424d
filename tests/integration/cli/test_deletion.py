import os
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import models

from tests.integration.events.factories import a_transaction, an_error
from tests.support.factories import NOON, a_member, a_project, an_organization
from vedette.cli import deletion
from vedette.cli.deletion import (
    ORGANIZATION_ROWS,
    PROJECT_ROWS,
    count_what_was_given_up,
    delete_what_was_given_up,
)
from vedette.core.files import FileStore
from vedette.digest.models import OutcomeCount
from vedette.events.tables import TABLES
from vedette.events.writer import write_errors, write_transactions
from vedette.issues.deletion import SECOND_LOOK
from vedette.issues.models import EventAttachment, Group, GroupDeletion, UserReport
from vedette.orgs.models import AuditLogEntry, Organization, OrganizationSlugReservation, OrganizationStatus
from vedette.projects.models import ObjectStatus, Project, ProjectOption

pytestmark = pytest.mark.django_db
SLIGHTLY_LATER, LATER = NOON + timedelta(minutes=1), NOON + SECOND_LOOK


@pytest.fixture
def files(tmp_path):
    return FileStore(tmp_path / "files")


def fill(store, files, project, content=b"own"):
    """Something of everything that a project has; where its file lies."""
    sha1 = files.put(content)
    os.utime(files.path(sha1), (time.time() - 86_400,) * 2)
    group = Group.objects.create(project=project, short_id=1)
    rest = {"name": "a", "content_type": "b", "size": 1, "sha1": sha1}
    EventAttachment.objects.create(project=project, event_id=uuid4().hex, group=group, **rest)
    UserReport.objects.create(project=project, event_id=uuid4().hex)
    OutcomeCount.objects.create(
        organization_id=project.organization_id, project_id=project.pk, outcome=0, category=1, hour=NOON, quantity=1
    )
    write_errors(store, [an_error(project_id=project.pk)], uuid4().hex)
    write_transactions(store, [a_transaction(project_id=project.pk)], uuid4().hex)
    return files.path(sha1)


def left_in_store(store, project):
    wanted = {"p": project.pk}
    return [
        table for table in TABLES if store.value(f"SELECT count() FROM {table} WHERE project_id = {{p:UInt64}}", wanted)
    ]


def left_in_database(**ids):
    """The models that have a row which names one of these ids by its column's name."""
    return [
        model._meta.label
        for model in apps.get_models()
        for name, pk in ids.items()
        if name in {field.attname for field in model._meta.concrete_fields}
        and model._default_manager.filter(**{name: pk})
    ]


def test_a_project_that_was_given_up_goes_with_all_that_it_sent(events, files):
    gone, stays = a_project(slug="gone", status=ObjectStatus.PENDING_DELETION), a_project(an_organization("other"))
    own, shared = fill(events, files, gone), fill(events, files, stays, b"shared")
    EventAttachment.objects.create(
        project=gone, event_id=uuid4().hex, name="a", content_type="b", size=1, sha1=shared.parent.name + shared.name
    )

    first = delete_what_was_given_up(events, files, NOON)
    left = left_in_database(project_id=gone.pk)
    second = delete_what_was_given_up(events, files, LATER)

    assert (first.projects, second.projects) == (0, 1)
    assert left == [ProjectOption._meta.label]
    assert left_in_database(project_id=gone.pk) == []
    assert left_in_store(events, gone) == []
    assert Project.objects.get() == stays
    assert (own.exists(), shared.exists()) == (False, True)
    assert "errors" in left_in_store(events, stays)
    assert Group.objects.get().project_id == stays.pk


def test_what_a_batch_under_way_wrote_after_the_deletion_goes_with_the_second_look(events, files):
    project = a_project(status=ObjectStatus.PENDING_DELETION)
    delete_what_was_given_up(events, files, NOON)
    write_errors(events, [an_error(project_id=project.pk)], uuid4().hex)

    assert delete_what_was_given_up(events, files, SLIGHTLY_LATER).projects == 0
    write_errors(events, [an_error(project_id=project.pk)], uuid4().hex)
    assert delete_what_was_given_up(events, files, LATER).projects == 1

    assert left_in_store(events, project) == []


def test_a_deletion_that_was_interrupted_is_finished_by_the_next_run(events, files, monkeypatch):
    project = a_project(status=ObjectStatus.PENDING_DELETION)
    fill(events, files, project)

    def away(*_):
        raise OSError("the event store is away")

    with monkeypatch.context() as patch:
        patch.setattr(deletion, "delete_project", away)
        with pytest.raises(OSError, match="away"):
            delete_what_was_given_up(events, files, NOON)
    project.refresh_from_db()

    assert project.status == ObjectStatus.DELETION_IN_PROGRESS
    assert count_what_was_given_up().projects == 1
    delete_what_was_given_up(events, files, NOON)
    assert delete_what_was_given_up(events, files, LATER).projects == 1
    assert left_in_store(events, project) == []


def test_an_organization_that_was_given_up_leaves_nothing(events, files):
    gone = an_organization("gone", status=OrganizationStatus.PENDING_DELETION)
    project, stays = a_project(gone), a_project(an_organization("stays"))
    path = fill(events, files, project)
    fill(events, files, stays, b"stays")
    user = a_member(gone)
    AuditLogEntry.objects.create(organization_id=gone.pk, event=1)
    OrganizationSlugReservation.objects.create(slug="gone", organization_id=gone.pk)

    delete_what_was_given_up(events, files, NOON)
    done = delete_what_was_given_up(events, files, LATER)

    assert (done.projects, done.organizations) == (1, 1)
    assert left_in_database(project_id=project.pk, organization_id=gone.pk) == []
    assert left_in_store(events, project) == []
    assert not path.exists()
    assert Organization.objects.get().slug == "stays"
    user.refresh_from_db()  # people belong to nobody, and stay


def test_the_lists_of_what_is_deleted_name_every_table_that_no_foreign_key_reaches():
    def forgotten(name, rows):
        """Models that name the owner by a plain number, and that go with no row that goes."""
        return {
            model._meta.label
            for model in set(apps.get_models()) - set(rows)
            for fields in [model._meta.concrete_fields]
            if name in {field.attname for field in fields}
            and not any(
                isinstance(field, models.ForeignKey)
                and (field.remote_field.on_delete is models.CASCADE or field.attname == name)  # or forgets its owner
                and field.related_model in {Project, Organization, *rows}
                for field in fields
            )
        }

    assert forgotten("project_id", PROJECT_ROWS) == set()
    assert forgotten("organization_id", ORGANIZATION_ROWS) == set()


def test_given_up_issues_of_a_given_up_project_are_no_obstacle(events, files):
    project = a_project(status=ObjectStatus.PENDING_DELETION)
    GroupDeletion.objects.create(group_id=7, project=project)

    delete_what_was_given_up(events, files, NOON)

    assert delete_what_was_given_up(events, files, LATER).projects == 1
