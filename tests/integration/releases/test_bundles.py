"""Files and bundles that several requests bring at the same moment."""

import pytest

from tests.support.factories import NOON, a_project, a_release
from tests.support.parts import an_archive, sha1
from tests.support.racing import at_once
from vedette.core.files import FileStore
from vedette.releases.bundles import BundleWish, State, assemble
from vedette.releases.files import FileExists, add_file, missing_chunks, put_chunk
from vedette.releases.models import ArtifactBundle, ArtifactBundleRelease, FileChunk, ReleaseFile


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
