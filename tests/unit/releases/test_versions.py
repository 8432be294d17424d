import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.releases.versions import (
    InvalidVersion,
    check,
    compare,
    is_semver,
    is_valid,
    parse,
    prerelease_key,
    semver_columns,
    version_info,
)

HASH_40 = "9d2f1c0e4b7a" + "0" * 28

PARSED = [
    # version, package, numbers, pre, build code, description, build hash
    ("frontend@1.2.3", "frontend", (1, 2, 3, 0), None, None, "1.2.3", None),
    ("org.x.App@1.0rc1+2020", "org.x.App", (1, 0, 0, 0), "rc1", "2020", "1.0rc1 (2020)", None),
    ("foo@1.2.3.4-beta.1+build.7", "foo", (1, 2, 3, 4), "beta.1", "build.7", "1.2.3.4-beta.1 (build.7)", None),
    ("a@1", "a", (1, 0, 0, 0), None, None, "1", None),
    ("foo@2024.01.05", "foo", (2024, 1, 5, 0), None, None, "2024.01.05", None),
    ("foo@1.2.3+9d2f1c0e4b7a", "foo", (1, 2, 3, 0), None, "9d2f1c0e4b7a", "1.2.3 (9d2f1c0e4b7a)", "9d2f1c0e4b7a"),
    (f"foo@1.2.3+{HASH_40}", "foo", (1, 2, 3, 0), None, HASH_40, "1.2.3 (9d2f1c0e4b7a)", HASH_40),
    ("foo@1.2.3-", "foo", (1, 2, 3, 0), None, None, "1.2.3", None),
    ("foo@1.2.3  ", "foo", (1, 2, 3, 0), None, None, "1.2.3", None),
    ("foo@007.1", "foo", (7, 1, 0, 0), None, None, "007.1", None),
]
UNPARSED = [
    # version, package, raw, description, build hash
    ("1.2.3", None, "1.2.3", "1.2.3", None),
    (f"web@{HASH_40}", "web", HASH_40, "9d2f1c0e4b7a", HASH_40),
    (HASH_40, None, HASH_40, "9d2f1c0e4b7a", HASH_40),
    ("web@9d2f1c0e", "web", "9d2f1c0e", "web@9d2f1c0e", None),
    ("foo@v1.2.3", "foo", "v1.2.3", "foo@v1.2.3", None),
    ("foo@1.2.3~b", "foo", "1.2.3~b", "foo@1.2.3~b", None),
    ("foo@1.2.3 (45)", "foo", "1.2.3 (45)", "foo@1.2.3 (45)", None),
    ("foo@bar@1.2.3", "foo", "bar@1.2.3", "foo@bar@1.2.3", None),
    ("foo@1.2.3.4.5", "foo", "1.2.3.4.5", "foo@1.2.3.4.5", None),
    ("foo@1.2.3+", "foo", "1.2.3+", "foo@1.2.3+", None),
    ("foo@1_2", "foo", "1_2", "foo@1_2", None),
    ("foo@\u0661.2", "foo", "\u0661.2", "foo@\u0661.2", None),
    ("foo@1.18446744073709551616", "foo", "1.18446744073709551616", "foo@1.18446744073709551616", None),
    ("foo@" + "9" * 200, "foo", "9" * 200, "foo@" + "9" * 200, None),
]


@pytest.mark.parametrize(("text", "package", "numbers", "pre", "build", "description", "build_hash"), PARSED)
def test_a_version_with_a_package_parses(text, package, numbers, pre, build, description, build_hash):
    version = parse(text)

    assert (version.package, version.numbers, version.pre, version.build) == (package, numbers, pre, build)
    assert (version.description, version.build_hash) == (description, build_hash)


@pytest.mark.parametrize(("text", "package", "raw", "description", "build_hash"), UNPARSED)
def test_any_other_version_is_opaque(text, package, raw, description, build_hash):
    version = parse(text)

    assert not version.is_parsed
    assert (version.package, version.raw, version.description, version.build_hash) == (
        package,
        raw,
        description,
        build_hash,
    )
    assert set(semver_columns(text).values()) == {None}
    assert version_info(text)["version"] == {"raw": raw}


@pytest.mark.parametrize("length", [7, 8, 11, 13, 39, 41])
def test_hex_of_another_length_is_no_hash(length):
    assert parse("a" * length).build_hash is None


@pytest.mark.parametrize("version", ["1.0", " 1.0 ", "a b?#%@+é", "latest-1", "...", "x" * 250])
def test_a_release_may_be_called_so(version):
    assert is_valid(version)


@pytest.mark.parametrize(
    "version", [None, 3, "", " ", ".", " .. ", "latest", " LaTeSt ", "a/b", "a\\b", "a\nb", "a\tb", "a\0b", "x" * 251]
)
def test_a_release_may_not_be_called_so(version):
    assert not is_valid(version)


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("latest", "Release with name latest is not allowed"),
        ("a/b", "Release with name a/b is not allowed"),
        (" ", "This field may not be blank."),
        ("x" * 201, "Ensure this field has no more than 200 characters."),
    ],
)
def test_the_refusal_is_the_sentence_that_clients_expect(version, sentence):
    with pytest.raises(InvalidVersion) as refusal:
        check(version)

    assert refusal.value.errors == {"version": [sentence]}


@pytest.mark.parametrize("version", ["p@1.0.0-alpha.1", "org.x.App@1.0+whatever", "p@1"])
def test_semver_versions_qualify(version):
    assert is_semver(version)


@pytest.mark.parametrize("version", ["helloworld", "alpha@helloworld", "p@9223372036854775808.1.2", "1.2.3", "latest"])
def test_other_versions_do_not_qualify(version):
    assert not is_semver(version)


def test_columns_hold_what_orders_a_release():
    assert semver_columns("org.x.App@1.2.3-rc.1+45") == {
        "package": "org.x.App",
        "major": 1,
        "minor": 2,
        "patch": 3,
        "revision": 0,
        "prerelease": "rc.1",
        "prerelease_key": prerelease_key("rc.1"),
        "build_code": "45",
        "build_number": 45,
    }


@pytest.mark.parametrize(
    ("build", "number"), [("45", 45), ("9223372036854775807", 2**63 - 1), ("9223372036854775808", None), ("4a", None)]
)
def test_a_build_code_is_a_number_when_it_fits(build, number):
    assert semver_columns(f"a@1+{build}")["build_number"] == number


def test_a_number_beyond_signed_64_bits_fills_no_column():
    assert parse("p@9223372036854775808").is_parsed
    assert set(semver_columns("p@9223372036854775808").values()) == {None}


def test_version_info_is_the_api_s_form():
    assert version_info("frontend@1.2.3-rc.1+45") == {
        "package": "frontend",
        "version": {
            "raw": "1.2.3-rc.1+45",
            "major": 1,
            "minor": 2,
            "patch": 3,
            "pre": "rc.1",
            "buildCode": "45",
            "components": 3,
        },
        "description": "1.2.3-rc.1 (45)",
        "buildHash": None,
    }


ASCENDING = """1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1
    1.0.0-rc.9 1.0.0-rc.10 1.0.0 1.0.0+b 1.0.0+ba 1.0.1 1.0.1.1 1.1 2.0+9 2.0+10 2.0+10a 10.0""".split()


def test_versions_order_as_semver_says():
    for older, newer in itertools.pairwise(ASCENDING):
        assert compare(f"p@{older}", f"p@{newer}") == -1, (older, newer)
        assert compare(f"p@{newer}", f"p@{older}") == 1, (older, newer)


@pytest.mark.parametrize(("left", "right"), [("p@1.2", "p@1.2.0"), ("p@1.02", "p@1.2"), ("p@1-rc.01", "p@1-rc.1")])
def test_different_spellings_may_be_equal(left, right):
    assert compare(left, right) == 0


@pytest.mark.parametrize(
    ("left", "right"), [("AppTest@3", "App@2"), ("1.0", "2.0"), ("p@1.0", "2.0"), ("p@x", "p@1"), ("p@1", "")]
)
def test_what_has_no_order_says_so(left, right):
    assert compare(left, right) is None


def test_plain_versions_are_ordered_where_a_project_asks_for_it():
    assert compare("1.9", "1.10", without_package=True) == -1


IDENTIFIERS = st.lists(st.text("0129aZ-", min_size=0, max_size=4), min_size=1, max_size=4).map(".".join)


@given(IDENTIFIERS, IDENTIFIERS)
def test_the_key_orders_pre_releases_as_their_identifiers_do(left, right):
    def rank(pre):
        parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split(".")]
        return (0, parts) if pre else (1, [])

    a, b = rank(left), rank(right)

    assert ((a > b) - (a < b)) == (
        (prerelease_key(left) > prerelease_key(right)) - (prerelease_key(left) < prerelease_key(right))
    )


@given(st.text(max_size=60))
def test_any_text_has_an_answer(text):
    version_info(text)
    semver_columns(text)
    compare(text, f"p@{text}")
