"""Each row of the table of resolutions, as events meet it: what the check says is what the digest does.

The table is that of the issue workflow specification, 6.2, and of docs/resolutions.md.
"""

import re
from datetime import timedelta

import pytest

from tests.support.factories import NOON, a_release, an_event
from tests.support.reference import ROOT
from vedette.api.regression_check import _REASONS
from vedette.issues.models import Group, GroupResolution, GroupStatus, ResolutionStatus, ResolutionType
from vedette.issues.regressions import explain
from vedette.projects import options
from vedette.projects.options import set_option
from vedette.releases.models import Release

THEN = NOON + timedelta(hours=1)
VERSIONS = ("web@1.0.0", "web@1.1.0-rc.1", "web@1.1.0", "web@2.0.0", "other@9.0.0")
OLDEST_FIRST = ("web@2.0.0", "web@1.1.0", "web@1.1.0-rc.1", "other@9.0.0", "web@1.0.0")  # against the versions
NEXT = {"type": ResolutionType.IN_NEXT_RELEASE, "status": ResolutionStatus.PENDING}


@pytest.fixture
def resolved(project, take):
    """An issue with a resolution of this release, in a project whose dates and versions disagree."""

    def _resolved(ordering, release, current=None, **fields):
        set_option(project, options.RELEASE_ORDERING, ordering)
        for day, version in enumerate(OLDEST_FIRST):
            a_release(version, project, date_added=NOON - timedelta(days=9 - day))
        [pk] = take(an_event(project))
        Group.objects.filter(pk=pk).update(status=GroupStatus.RESOLVED, substatus=None, resolved_at=THEN)
        if release:
            row = Release.objects.get(version=release)
            GroupResolution.objects.create(group_id=pk, release=row, current_release_version=current, **fields)
        return Group.objects.get(pk=pk)

    return _resolved


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("how", "version", "row", "stays"),
    [
        pytest.param(("auto", None), "web@1.0.0", 1, False, id="1"),
        pytest.param(("auto", "web@1.1.0"), "", 2, True, id="2"),
        pytest.param(("auto", "web@1.1.0", "web@1.1.0"), "web@1.1.0", 3, True, id="3 the current one"),
        pytest.param(("auto", "web@1.1.0", "web@1.1.0"), "web@1.1.0-rc.1", 3, True, id="3 its candidate"),
        pytest.param(("semver", "web@1.1.0", "web@1.1.0"), "web@2.0.0", 3, False, id="3 greater, though older"),
        pytest.param(("semver", "web@2.0.0", "web@1.0.0"), "web@1.1.0", 3, True, id="3 smaller than the row's"),
        pytest.param(("semver", "web@1.1.0", "gone@1.0.0"), "web@1.1.0", 6, False, id="3 and 4 fail: it is gone"),
        pytest.param(("semver", "web@1.1.0", "web@1.1.0"), "other@9.0.0", 4, False, id="4 another package"),
        pytest.param(("date", "web@1.1.0", "web@1.1.0"), "web@1.1.0", 4, True, id="4 the current one"),
        pytest.param(("date", "web@1.1.0", "web@1.1.0"), "web@2.0.0", 4, True, id="4 older, though greater"),
        pytest.param(("date", "web@1.1.0", "web@1.1.0"), "web@1.0.0", 4, False, id="4 later, though smaller"),
        pytest.param(("date", "web@1.1.0", None, NEXT), "web@1.1.0", 5, True, id="5 the same"),
        pytest.param(("date", "web@1.1.0", None, NEXT), "web@1.0.0", 5, False, id="5 later"),
        pytest.param(("semver", "web@1.1.0"), "web@1.1.0", 6, False, id="6"),
        pytest.param(("auto", "web@1.1.0"), "web@1.0.0", 7, True, id="7 smaller, though later"),
        pytest.param(("auto", "web@1.1.0"), "web@2.0.0", 7, False, id="7 greater, though older"),
        pytest.param(("date", "web@1.1.0"), "web@2.0.0", 8, True, id="8 older, though greater"),
        pytest.param(("date", "web@1.1.0"), "web@1.0.0", 8, False, id="8 later, though smaller"),
        pytest.param(("semver", "web@1.1.0"), "other@9.0.0", 8, False, id="8 another package"),
    ],
)
def test_what_the_check_says_is_what_an_event_does(project, take, resolved, how, version, row, stays):
    ordering, release, *rest = how
    current = rest[0] if rest else None
    group = resolved(ordering, release, current, **(rest[1] if len(rest) > 1 else {}))
    said = explain(group, Release.objects.filter(version=version).first(), version, NOON + timedelta(hours=2))

    take(an_event(project, release=version, timestamp=NOON + timedelta(hours=2)))

    group.refresh_from_db()
    assert (said.row, said.regresses) == (row, not stays)
    assert (group.status == GroupStatus.RESOLVED) is stays


def test_the_page_about_resolutions_has_the_rows_that_the_check_names():
    page = (ROOT / "docs/resolutions.md").read_text()

    assert [int(row) for row in re.findall(r"^\| (\d) \|", page, re.MULTILINE)] == list(_REASONS)
