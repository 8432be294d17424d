"""Replacements: what stays of a value, and what does not. Source: the relocation specification, 8.1."""

import ipaddress
import sqlite3
import string
import uuid
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.relocation.sanitizing.drawing import Drawing
from vedette.relocation.sanitizing.moments import Moments, as_milliseconds, as_text
from vedette.relocation.sanitizing.vocabulary import is_public

DRAWING = Drawing(b"key")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_characters_keep_their_number_their_class_and_their_punctuation(old):
    new = DRAWING.characters(old)

    assert len(new) == len(old)
    assert new.isascii() or not old.isascii()
    for before, after in zip(old, new, strict=True):
        if before.isascii() and not before.isalnum():
            assert after == before
        else:
            assert after in string.ascii_letters + string.digits
        if before in string.digits:
            assert after in string.hexdigits
        if before.isalpha():
            assert after.isupper() == before.isupper() or after.isdigit()


@pytest.mark.parametrize("old", ["0123456789abcdef" * 2, "c1373be35a7944808c8bcfede8097df1", "12/" + "0a" * 16])
def test_what_was_hexadecimal_stays_it(old):
    for only_hex in (True, False):
        new = DRAWING.characters(old, only_hex=only_hex)

        assert set(new) <= set("0123456789abcdef/")
        assert new.rpartition("/")[0].isdigit() == old.rpartition("/")[0].isdigit()
        assert new != old


def test_the_same_key_and_value_give_the_same_and_any_other_something_else():
    assert DRAWING.characters("Lovelace") == Drawing(b"key").characters("Lovelace")
    assert DRAWING.characters("Lovelace") != Drawing(b"yek").characters("Lovelace")
    assert DRAWING.characters("Lovelace").casefold() == DRAWING.characters("LOVELACE").casefold()


@pytest.mark.parametrize("old", ["Ada Lovelace", "Al", "x"])
def test_a_name_becomes_two_words_none_longer_than_it(old):
    words = DRAWING.name(old).split()

    assert len(words) == 2
    assert all(word.istitle() and len(word) <= len(old) for word in words)


@pytest.mark.parametrize("old", ["127.0.0.2", "2001:db8::1"])
def test_an_address_stays_in_its_family(old):
    new = DRAWING.address(old)

    assert ipaddress.ip_address(new).version == ipaddress.ip_address(old).version
    assert new != old


def test_a_uuid_becomes_one_of_version_four():
    assert DRAWING.uuid(uuid.UUID("915524e0-4625-118d-a7f1-7ce450eb9857")).version == 4


@settings(max_examples=60, deadline=None)
@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_keeps_its_digits_and_its_sign(old):
    new = DRAWING.integer(old)

    assert len(str(new)) == len(str(old))
    assert (new < 0) == (old < 0)
    assert -(2**63) <= new < 2**63


# ------------------------------------------------------------ moments


def moved(olds, days=0):
    moments = Moments(sqlite3.connect(":memory:", isolation_level=None), DRAWING, days)
    for old in olds:
        moments.note(old)
    moments.settle()
    return [as_milliseconds(moments.moved(as_text(old))) for old in olds]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4_000_000_000_000), min_size=2, max_size=40))
def test_moments_never_change_places_and_stay_near(olds):
    news = moved(olds)

    pairs = sorted(zip(olds, news, strict=True))
    for (old, new), (next_old, next_new) in pairwise(pairs):
        assert (new < next_new) if old < next_old else (new == next_new)
        assert new <= (old + next_old) // 2 <= next_new or old == next_old
    assert news[olds.index(min(olds))] >= min(olds)
    assert news[olds.index(max(olds))] <= max(olds)


def test_neighbours_of_one_millisecond_stay_what_they_are():
    assert moved([1000, 1001, 1002]) == [1000, 1001, 1002]


def test_days_are_added():
    assert moved([1000], days=2) == [1000 + 2 * 86_400_000]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:01.500Z", 1500),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01 00:00:00.0019", 1),
        ("1970-01-02", 86_400_000),
        ("2023", None),
        ("20230622", None),
        ("2023-13-01T00:00:00Z", None),
        ("Ada", None),
    ],
)
def test_what_is_a_moment(text, milliseconds):
    assert as_milliseconds(text) == milliseconds


# ------------------------------------------------------------ the words of the format


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "org:read",
        "sentry:grouping_config",
        "mail:subject_prefix",
        "sentry.rules.conditions.first_seen_event.FirstSeenEventCondition",
        "sentry.mail.actions.NotifyEmailAction",
        "ActiveMembers",
        "javascript-react",
        "p95(transaction.duration)",
        "1h",
        "24.5.0",
        "targetIdentifier",
        "self_notifications",
        "users.admin",
        "dark",
    ],
)
def test_words_of_the_format_are_public(text):
    assert is_public(text)


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com",
        "10.0.0.1",
        "::1:2:3:4",
        "+43 660 1234567",
        "4366012345",
        "Lovelace",
        "acme-web",
        "https://acme.example.com/",
        "hunter2",
        "AKIAIOSFODNN7EXAMPLE",
        "c1373be35a7944808c8bcfede8097df1",
        "Zürich",
        "user name",
        "sntryu_0a1b2c3d4e5f",
    ],
)
def test_what_people_write_is_not(text):
    assert not is_public(text)
