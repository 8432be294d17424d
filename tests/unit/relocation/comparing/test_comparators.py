"""What each comparator tolerates and what it demands. Source: the relocation specification, 7.3."""

import pytest

from vedette.core.relocation import Comparator
from vedette.relocation.comparing.comparators import DEMANDING, RULES, missing, user_password
from vedette.relocation.comparing.masking import mask_email, mask_hash, mask_password

HEX, OTHER_HEX = "0123456789abcdef" * 2, "fedcba9876543210" * 2
UUID, OTHER_UUID = "5d6162f7-2631-4c5c-b7e6-600781e9135a", "d02095670a7944848453bcb26fa25d75"
EARLY, LATE = "2023-06-22T22:59:55.488Z", "2023-06-22T22:59:55.489Z"

TOLERATED = [
    (Comparator.AUTO_SUFFIX, "acme", "acme"),
    (Comparator.AUTO_SUFFIX, "acme", "acme-k3"),
    (Comparator.DATE_UPDATED, EARLY, EARLY),
    (Comparator.DATE_UPDATED, EARLY, LATE),
    (Comparator.DATE_UPDATED, "2023-06-22T22:59:55Z", EARLY),
    (Comparator.DATETIME_EQUALITY, "2023-06-22T22:59:55Z", "2023-06-22T22:59:55.000Z"),
    (Comparator.DATETIME_EQUALITY, "2023-06-22T22:59:55+00:00", "2023-06-23T00:59:55+02:00"),
    (Comparator.EMAIL, "ada@example.com", "ada@example.com"),
    (Comparator.EQUAL_OR_REMOVED, 7, 7),
    (Comparator.HASH, "secret", "secret"),
    (Comparator.IGNORED, "anything", ["else"]),
    (Comparator.SECRET_HEX, HEX, OTHER_HEX),
    (Comparator.SECRET_HEX, HEX, HEX),
    (Comparator.SUBSCRIPTION_ID, f"0/{HEX}", f"12/{OTHER_HEX}"),
    (Comparator.UNORDERED_LIST, "['a', 'b']", "['b', 'a']"),
    (Comparator.UNORDERED_LIST, "['a', 'b']", '["b", "a"]'),
    (Comparator.UNORDERED_LIST, ["b", "a"], "{a,b}"),
    (Comparator.UNORDERED_LIST, "[]", []),
    (Comparator.UUID4, UUID, OTHER_UUID),
]
REFUSED = [
    (Comparator.AUTO_SUFFIX, "acme", "acmee"),
    (Comparator.AUTO_SUFFIX, "acme-k3", "acme"),
    (Comparator.DATE_UPDATED, LATE, EARLY),
    (Comparator.DATE_UPDATED, "yesterday", EARLY),
    (Comparator.DATE_UPDATED, EARLY, 1687474795),
    (Comparator.DATETIME_EQUALITY, EARLY, LATE),
    (Comparator.DATETIME_EQUALITY, EARLY, "now"),
    (Comparator.EMAIL, "ada@example.com", "Ada@example.com"),
    (Comparator.EQUAL_OR_REMOVED, 7, 8),
    (Comparator.HASH, "secret", "Secret"),
    (Comparator.SECRET_HEX, HEX, HEX[:-1]),
    (Comparator.SECRET_HEX, HEX.upper(), HEX),
    (Comparator.SUBSCRIPTION_ID, f"0/{HEX}", f"0/{HEX}"),
    (Comparator.SUBSCRIPTION_ID, f"0/{HEX}", HEX),
    (Comparator.UNORDERED_LIST, "['ab']", "['ba']"),  # the same characters, and another element
    (Comparator.UNORDERED_LIST, "['a', 'a', 'b']", "['a', 'b', 'b']"),
    (Comparator.UNORDERED_LIST, "['a']", "a"),
    (Comparator.UUID4, UUID, UUID),
    (Comparator.UUID4, UUID, "5d6162f7-2631-1c5c-b7e6-600781e9135a"),  # version 1
]


@pytest.mark.parametrize(("rule", "left", "right"), TOLERATED)
def test_what_a_comparator_tolerates(rule, left, right):
    assert RULES[rule](left, right) is None


@pytest.mark.parametrize(("rule", "left", "right"), REFUSED)
def test_what_a_comparator_finds_fault_with(rule, left, right):
    assert RULES[rule](left, right)


@pytest.mark.parametrize(("rule", "left", "right"), [case for case in TOLERATED if case[0] not in DEMANDING])
def test_a_comparator_that_demands_nothing_tolerates_what_is_equal(rule, left, right):
    """That is why equal rows may be passed over."""
    assert RULES[rule](left, left) is None


def test_every_comparator_has_a_rule():
    apart = {Comparator.FOREIGN_KEY, Comparator.USER_PASSWORD}  # they need more than two values

    assert {*RULES} | apart == {*Comparator}


@pytest.mark.parametrize("rule", [*Comparator])
@pytest.mark.parametrize(("left", "right"), [(None, "here"), ("here", None), (None, None), ("here", "here")])
def test_a_field_that_only_one_side_has_is_found(rule, left, right):
    tolerated = rule is Comparator.IGNORED or (rule is Comparator.EQUAL_OR_REMOVED and left is not None)

    assert (missing(rule, left, right) is None) == ((left is None) == (right is None) or tolerated)


SECRETS = [
    (Comparator.HASH, "0123456789abcdef", "012...def"),
    (Comparator.HASH, "0123456789", "0...9"),
    (Comparator.HASH, "0123456", "..."),
    (Comparator.EMAIL, "ada@lovelace.example.com", "a...@...le.com"),
]


@pytest.mark.parametrize(("rule", "secret", "shown"), SECRETS)
def test_a_reason_shows_a_secret_in_part(rule, secret, shown):
    reason = RULES[rule](secret, "other")

    assert shown in reason
    assert secret not in reason


@pytest.mark.parametrize(
    ("mask", "text", "shown"),
    [
        (mask_password, "pbkdf2_sha256$720000$salt$" + "x" * 80, "pbkdf2_sha25...xxxxxx"),
        (mask_password, "y" * 41, "yyyyyy...yyyy"),
        (mask_password, "z" * 40, "..."),
        (mask_hash, "", "..."),
        (mask_email, "no address", "n...s"),
    ],
)
def test_how_much_a_mask_shows(mask, text, shown):
    assert mask(text) == shown


def account(**fields):
    kept = {"password": "pbkdf2$1", "is_unclaimed": False, "is_password_expired": False, "last_password_change": EARLY}
    return kept | fields


PASSWORDS = {
    "a claimed account keeps it": (account(), account(), True),
    "a claimed account gets another": (account(), account(password="pbkdf2$2"), False),
    "an unclaimed one gets a new one": (
        account(),
        account(password="pbkdf2$2", is_unclaimed=True, last_password_change=LATE),
        True,
    ),
    "an unclaimed one never had a date": (
        account(last_password_change=None),
        account(password="pbkdf2$2", is_unclaimed=True, last_password_change=None),
        True,
    ),
    "an unclaimed one keeps the old one": (account(), account(is_unclaimed=True), False),
    "an unclaimed one is set earlier": (
        account(last_password_change=LATE),
        account(password="pbkdf2$2", is_unclaimed=True),
        False,
    ),
    "an unclaimed one loses its date": (
        account(),
        account(password="pbkdf2$2", is_unclaimed=True, last_password_change=None),
        False,
    ),
    "an unclaimed one has expired": (
        account(),
        account(password="pbkdf2$2", is_unclaimed=True, is_password_expired=True),
        False,
    ),
    "an unclaimed one comes out claimed": (account(is_unclaimed=True), account(), False),
}


@pytest.mark.parametrize(("left", "right", "tolerated"), PASSWORDS.values(), ids=PASSWORDS)
def test_the_passwords_of_two_accounts(left, right, tolerated):
    reason = user_password(left, right)

    assert (reason is None) == tolerated
    assert "pbkdf2$" not in (reason or "")
