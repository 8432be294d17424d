import pytest

from vedette.releases.ordering import Ordering, follows_semver

GOOD, BAD = "shop@1.2.3", "9d2f1c0e"


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        pytest.param([], False, id="no releases"),
        pytest.param([GOOD], True, id="one semver release"),
        pytest.param([BAD, GOOD], False, id="two, the newest is none"),
        pytest.param([BAD, BAD, GOOD], True, id="three, one of the newest three"),
        pytest.param([BAD, BAD, BAD, GOOD, GOOD], False, id="five, none of the newest three"),
        pytest.param([GOOD, *[BAD] * 9], False, id="ten, too few of them"),
        pytest.param([GOOD, *[BAD] * 7, GOOD, GOOD], True, id="ten, three of them"),
        pytest.param([*[BAD] * 3, *[GOOD] * 7], False, id="ten, none of the newest three"),
    ],
)
def test_a_project_follows_semver(newest: list[str], expected: bool) -> None:
    assert follows_semver(newest) is expected


@pytest.mark.parametrize(
    ("ordering", "version", "expected"),
    [
        pytest.param(Ordering(), GOOD, False, id="dates"),
        pytest.param(Ordering(by_version=True), GOOD, True, id="semver"),
        pytest.param(Ordering(by_version=True), "1.2.3", False, id="semver, no package"),
        pytest.param(Ordering(by_version=True, without_package=True), "1.2.3", True, id="set to semver, no package"),
        pytest.param(Ordering(by_version=True, without_package=True), BAD, False, id="set to semver, a commit"),
    ],
)
def test_a_release_is_ordered_by_its_version(ordering: Ordering, version: str, expected: bool) -> None:
    assert ordering.applies_to(version) is expected
