"""Files and bundles that several requests bring at the same moment."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.support.factories import NOON, a_project, a_release, an_organization
from tests.support.parts import an_archive, sha1
from tests.support.racing import at_once
from vedette.core.files import FileStore
from vedette.projects.models import Environment
from vedette.releases.ageing import delete_old_bundles, old_bundles
from vedette.releases.bundles import BundleWish, State, assemble
from vedette.releases.files import FileExists, add_file, missing_chunks, put_chunk
from vedette.releases.models import ArtifactBundle, ArtifactBundleRelease, FileChunk, ReleaseEnvironment, ReleaseFile


@pytest.mark.django_db(transaction=True)
def test_of_what_comes_several_times_at_once_one_is_kept(tmp_path, monkeypatch):
    files, content, project = FileStore(tmp_path), an_archive(), a_project()
    release, organization = a_release("web@1.0", project), project.organization
    monkeypatch.setattr("vedette.releases.files.clock.now", lambda: NOON)
    wish, states = BundleWish(sha1(content), [sha1(content)], [project], "web@1.0"), []

    chunks = at_once(*[lambda: put_chunk(files, organization.pk, content, NOON)] * 4)
    added = at_once(*[lambda: add_file(files, release, "~/a.js", "7", {}, b"go()")] * 4)
    raised = at_once(
        *[lambda: states.append(assemble(files, organization, wish, reach={project.pk}, now=NOON).state)] * 4
    )

    assert chunks == raised == [None] * 4
    assert missing_chunks(files, organization.pk, wish.chunks, NOON) == []
    assert sorted(type(error).__name__ for error in added if error) == [FileExists.__name__] * 3
    assert State.OK in states
    assert set(states) <= {State.OK, State.ASSEMBLING}
    assert [rows.objects.count() for rows in (FileChunk, ReleaseFile, ArtifactBundle, ArtifactBundleRelease)] == [1] * 4


MONTHS_AGO = NOON - timedelta(days=100)
SINCE = NOON - timedelta(days=90)


def a_bundle(organization, version="", uploaded_at=MONTHS_AGO):
    bundle = ArtifactBundle.objects.create(
        organization=organization, bundle_id=uuid4(), sha1="a" * 40, size=1, file_count=1, date_uploaded=uploaded_at
    )
    if version:
        ArtifactBundleRelease.objects.create(bundle=bundle, version=version)
    return bundle


def seen(release, at):
    environment = Environment.objects.get_or_create(organization_id=release.organization_id, name="production")[0]
    ReleaseEnvironment.objects.create(
        organization_id=release.organization_id, release=release, environment=environment, first_seen=at, last_seen=at
    )


@pytest.mark.django_db
def test_old_bundles_go_and_those_of_releases_that_still_run_stay():
    project = a_project()
    organization, other = project.organization, an_organization("other")
    seen(a_release("web@1.0", project), SINCE)
    seen(a_release("web@0.9", project), SINCE - timedelta(seconds=1))
    a_bundle(organization)
    a_bundle(organization, "web@0.9")
    a_bundle(other, "web@1.0")  # which runs in another organization
    stay = {a_bundle(organization, "web@1.0"), a_bundle(organization, "web@0.9", uploaded_at=SINCE)}

    assert old_bundles(SINCE).count() == 3
    assert delete_old_bundles(SINCE) == 3
    assert set(ArtifactBundle.objects.all()) == stay
    assert delete_old_bundles(SINCE) == 0


@pytest.mark.django_db
def test_a_bundle_that_is_uploaded_again_is_young_again(tmp_path, monkeypatch):
    monkeypatch.setattr("vedette.releases.files.clock.now", lambda: NOON)
    files, content, project = FileStore(tmp_path), an_archive(), a_project()
    wish = BundleWish(sha1(content), [sha1(content)], [project], "web@1.0")
    put_chunk(files, project.organization_id, content, NOON)
    for at in (MONTHS_AGO, NOON):
        assemble(files, project.organization, wish, reach={project.pk}, now=at)

    assert delete_old_bundles(SINCE) == 0


@pytest.mark.django_db
def test_a_bundle_that_grows_old_while_it_is_assembled_is_asked_for_again(tmp_path, monkeypatch):
    files, content, project = FileStore(tmp_path), an_archive(), a_project()
    wish = BundleWish(sha1(content), [sha1(content)], [project], "web@1.0")
    put_chunk(files, project.organization_id, content, NOON)

    def gone(*_):
        raise ArtifactBundle.DoesNotExist

    monkeypatch.setattr("vedette.releases.bundles._keep", gone)

    assert assemble(files, project.organization, wish, reach={project.pk}, now=NOON).state is State.ASSEMBLING
