"""What a search of releases may say, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.errors import RuleBroken
from vedette.releases.adoption import Stage
from vedette.releases.search import (
    NO_LIST,
    NO_SEMVER,
    NO_STAGE,
    Build,
    Builds,
    Created,
    Finalized,
    FreeText,
    Names,
    Packages,
    Stages,
    Term,
    VersionBound,
    parse,
)
from vedette.releases.versions import prerelease_key

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = datetime(2026, 2, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
FINAL = prerelease_key(None)


def bound(operator, *numbers, package=None, pre=None):
    return VersionBound(operator, numbers, prerelease_key(pre), package)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("1.2 rc (45)", FreeText("1.2 rc (45)")),
        ("release:web@1.0", Names(("web@1.0",))),
        ("release:[a, latest]", Names(("a", "latest"))),
        ("release:*1.0*", Names(("*1.0*",))),
        ("release.version:1.2.3", bound("=", 1, 2, 3, 0)),
        ("release.version:=1.2", bound("=", 1, 2, 0, 0)),
        ("release.version:>=1.2.3-rc.1", bound(">=", 1, 2, 3, 0, pre="rc.1")),
        ("release.version:<1.2.3.4+build", bound("<", 1, 2, 3, 4)),
        ("release.version:web@1.2", bound("=", 1, 2, 0, 0, package="web")),
        ("release.version:>web@1.2", bound(">", 1, 2, 0, 0, package="web")),
        ("release.version:web@<=1.2", bound("<=", 1, 2, 0, 0, package="web")),
        ("release.version:1.2.*", VersionBound("=", (1, 2), None, None)),
        ("release.version:web@1.X", VersionBound("=", (1,), None, "web")),
        ("release.version:*", VersionBound("=", (), None, None)),
        ("release.version:1.*.*", VersionBound("=", (1,), None, None)),
        ("release.package:[web, api]", Packages(("web", "api"))),
        ("release.build:<125", Builds((Build("<", 125),))),
        ("release.build:[7, abc]", Builds((Build("=", 7), Build("=", None, "abc")))),
        ("release.build:ab*", Builds((Build("=", None, "ab*"),))),
        ('release.build:""', Builds((Build("=", None, ""),))),
        (f"release.build:{2**63}", Builds((Build("=", None, str(2**63)),))),
        ("release.stage:[adopted, replaced]", Stages((Stage.ADOPTED, Stage.REPLACED))),
        ("finalized:true", Finalized(True)),
        ("finalized:false", Finalized(False)),
        ("release.created:-24h", Created(NOW - timedelta(hours=24), None)),
        ("release.created:+2d", Created(None, NOW - timedelta(days=2) + INSTANT)),
        ("release.created:2026-02-01", Created(DAY, DAY + timedelta(days=1))),
        (
            "release.created:2026-02-01T00:00:00Z",
            Created(DAY - timedelta(minutes=5), DAY + timedelta(minutes=6)),
        ),
        ("release.created:>=2026-02-01", Created(DAY, None)),
        ("release.created:>2026-02-01T01:00:00+01:00", Created(DAY + INSTANT, None)),
        ("release.created:<2026-02-01", Created(None, DAY)),
        ("release.created:<=2026-02-01", Created(None, DAY + INSTANT)),
    ],
)
def test_a_search_becomes_a_term(text, condition):
    assert parse(text, NOW) == (Term(condition),)


@pytest.mark.parametrize("text", ["!release.version:1.2", "release.version:!=1.2"])
def test_what_is_negated_is_the_opposite(text):
    assert parse(text, NOW) == (Term(bound("=", 1, 2, 0, 0), negated=True),)


def test_conditions_and_text_stand_side_by_side():
    assert parse('web finalized:true "a  b" !release.package:x', NOW) == (
        Term(Finalized(True)),
        Term(Packages(("x",)), negated=True),
        Term(FreeText("web a  b")),
    )


BOOLEANS = 'Boolean statements containing "OR" or "AND" are not supported in this search'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a OR b", BOOLEANS),
        ("release:a and release:b", BOOLEANS),
        ("(a OR b)", BOOLEANS),
        ("height:3", "Invalid key for this search: height"),
        ("release.version:one", NO_SEMVER),
        ("release.version:v1.2", NO_SEMVER),
        ("release.version:1.2.3.4.5", NO_SEMVER),
        ("release.version:1.2.3.4.*", NO_SEMVER),
        ("release.version:1.*.3", NO_SEMVER),
        ("release.version:>1.*", NO_SEMVER),
        ("release.version:@1.2", NO_SEMVER),
        ("release.version:a@b@1.2", NO_SEMVER),
        (f"release.version:{2**63}.1", NO_SEMVER),
        (f"release.version:{2**63}.*", NO_SEMVER),
        ('release.version:""', NO_SEMVER),
        ("release.version:[1.2, 1.3]", NO_LIST),
        ("release.build:>abc", "Only builds that are numbers compare so: '>abc'"),
        ("release.stage:popular", NO_STAGE),
        ("release.stage:[adopted, popular]", NO_STAGE),
        ("finalized:yes", "finalized is true or false."),
        ("finalized:[true, false]", "finalized is true or false."),
        ("release.created:soon", "Invalid date: 'soon'"),
        ("release.created:[-1d, -2d]", "Invalid date: '-1d, -2d'"),
        ("release.created:9999-12-31", "Invalid date: '9999-12-31'"),
        ("release.created:-999999999w", "Invalid date: '-999999999w'"),
        ("release:a*b", "A star stands at the beginning or the end of a version: 'a*b'"),
        ("release:", "Empty string after 'release:', column 9"),
        ("release:[a,]", "Lists should not have empty values, column 9"),
        ("x" * 4097, "The query is longer than 4096 characters."),
        ("a " * 201, "The query has more than 200 conditions."),
        (f"release:[{','.join(['a'] * 201)}]", "The query has more than 200 conditions."),
    ],
)
def test_what_a_search_cannot_mean_is_refused(text, sentence):
    with pytest.raises(RuleBroken) as refused:
        parse(text, NOW)

    assert str(refused.value) == sentence


KEYS = ("release", "release.version", "release.build", "release.package", "release.created", "finalized")


@given(st.text(max_size=100), st.sampled_from(KEYS))
def test_any_text_is_parsed_or_refused(text, key):
    for query in (text, f"{key}:{text}", f'!{key}:"{text}"'):
        try:
            terms = parse(query, NOW)
        except RuleBroken:
            continue
        assert all(isinstance(term, Term) for term in terms)
