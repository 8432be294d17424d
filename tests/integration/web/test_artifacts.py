"""What pipelines sent for a release, on its page."""

import pytest

from tests.support.factories import a_project, a_release
from vedette.releases.models import (
    ArtifactBundle,
    ArtifactBundleProject,
    ArtifactBundleRelease,
    Distribution,
    ReleaseFile,
)
from vedette.web.views import releases

PAGE = "/organizations/acme/releases/web@1.0/"
BUNDLE = "67e9247c-814e-392b-a027-dbde6748fcbf"


@pytest.fixture
def shown(visit, ann):
    return lambda: visit(ann).get(PAGE).content.decode().partition('id="artifacts"')[2]


@pytest.fixture
def release(project):
    return a_release("web@1.0", project)


def a_bundle(project, version="web@1.0", bundle_id=BUNDLE):
    bundle = ArtifactBundle.objects.create(
        organization=project.organization, bundle_id=bundle_id, sha1="a" * 40, size=2048, file_count=12
    )
    ArtifactBundleProject.objects.create(bundle=bundle, project=project)
    ArtifactBundleRelease.objects.create(bundle=bundle, version=version, dist="7")


def test_a_release_without_artifacts_says_how_they_come(events, release, shown):
    assert "sentry-cli sourcemaps upload --release web@1.0" in shown()


def test_files_and_bundles_are_listed_with_dist_size_and_date(events, project, release, shown):
    dist = Distribution.objects.create(organization_id=project.organization_id, release=release, name="8")
    ReleaseFile.objects.create(release=release, dist=dist, name="~/<b>.js", ident="a", sha1="b" * 40, size=1024)
    a_bundle(project)
    a_bundle(project, "web@2.0", "0" * 32)

    page = shown()

    assert f"Bundle {BUNDLE}" in page
    assert "dist 7 · 12 files · 2.0" in page
    assert "~/&lt;b&gt;.js" in page
    assert "dist 8 · 1.0" in page
    assert "0000" not in page


def test_a_bundle_for_projects_out_of_reach_is_not_shown(events, project, release, shown):
    a_bundle(a_project(project.organization, "hidden"))

    assert BUNDLE not in shown()


def test_many_artifacts_are_cut(events, release, shown, monkeypatch):
    monkeypatch.setattr(releases, "MOST_ARTIFACTS", 1)
    for name in ("a", "b"):
        ReleaseFile.objects.create(release=release, name=f"~/{name}.js", ident=name, sha1="b" * 40, size=1)

    page = shown()

    assert "~/a.js" in page
    assert "~/b.js" not in page
    assert "Only the first 1 are shown" in page
