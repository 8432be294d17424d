"""Rate limits as clients read them, and the numbers of the wire format (ingest specification, 5.3 and 5.4)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.wire.outcomes import CATEGORY_OF_WORD, Category, Outcome
from vedette.wire.ratelimits import RateLimit, rate_limit_headers


def test_limits_are_written_with_the_longest_as_retry_after():
    limits = [
        RateLimit(59.2, "organization", "org_quota", (Category.ERROR, Category.DEFAULT)),
        RateLimit(2700, "project", "", (Category.TRANSACTION,)),
        RateLimit(10, "key", "key_quota"),
    ]

    assert rate_limit_headers(limits) == [
        ("retry-after", "2700"),
        (
            "x-sentry-rate-limits",
            "60:error;default:organization:org_quota, 2700:transaction:project:, 10::key:key_quota",
        ),
    ]


def test_without_a_limit_clients_wait_a_minute():
    assert rate_limit_headers([]) == [("retry-after", "60")]


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (
            RateLimit(60, "organization", "org_quota", (Category.ERROR, Category.DEFAULT)),
            "60:error;default:organization:org_quota",
        ),
        (RateLimit(2700, "project", "", (Category.TRANSACTION,)), "2700:transaction:project:"),
        (RateLimit(10, "key", ""), "10::key:"),
    ],
)
def test_worked_examples_of_the_specification(limit, text):
    assert limit.as_text() == text


@pytest.mark.parametrize("category", Category, ids=lambda category: category.word)
def test_5_3_no_limit_has_the_fifth_field_that_names_metrics(category):
    # A namespace belongs to `metric_bucket` alone, and no quota here tells metrics apart.
    text = RateLimit(10, "organization", "org_quota", (category,)).as_text()

    assert text == f"10:{category.word}:organization:org_quota"


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (0, "default"),
        (1, "error"),
        (2, "transaction"),
        (3, "security"),
        (4, "attachment"),
        (5, "session"),
        (6, "profile"),
        (7, "replay"),
        (8, "transaction_processed"),
        (9, "transaction_indexed"),
        (10, "monitor"),
        (11, "profile_indexed"),
        (12, "span"),
        (13, "monitor_seat"),
        (14, "feedback"),
        (15, "metric_bucket"),
        (16, "span_indexed"),
        (17, "profile_duration"),
        (18, "profile_chunk"),
        (22, "attachment_item"),
        (23, "log_item"),
        (24, "log_byte"),
    ],
)
def test_5_3_the_number_of_a_category(number, word):
    assert CATEGORY_OF_WORD[word] == number


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (0, "accepted"),
        (1, "filtered"),
        (2, "rate_limited"),
        (3, "invalid"),
        (4, "abuse"),
        (5, "client_discard"),
        (6, "cardinality_limited"),
    ],
)
def test_5_4_the_number_of_an_outcome(number, word):
    assert Outcome(number).word == word


LIMITS = st.lists(
    st.builds(
        RateLimit,
        st.floats(0.001, 100_000),
        st.sampled_from(["organization", "project", "key"]),
        st.sampled_from(["", "key_quota", "org_abuse_limit", "spike_protection"]),
        st.lists(st.sampled_from(Category), max_size=4, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=6,
)
_LIMIT = re.compile(r"\d+:(?:[a-z_]+(?:;[a-z_]+)*)?:(?:organization|project|key)(?::[a-z_]*)?")


@given(LIMITS)
def test_any_limits_make_headers_of_the_documented_grammar(limits):
    headers = dict(rate_limit_headers(limits))

    parts = headers["x-sentry-rate-limits"].split(", ")
    assert all(_LIMIT.fullmatch(part) for part in parts)
    told = [part.split(":") for part in parts]
    assert [(scope, reason) for _, _, scope, reason in told] == [(one.scope, one.reason) for one in limits]
    assert [tuple(names.split(";")) if names else () for _, names, _, _ in told] == [
        tuple(category.word for category in one.categories) for one in limits
    ]
    assert int(headers["retry-after"]) == max(int(seconds) for seconds, _, _, _ in told)
    assert all(int(parts[0]) - 1 < one.seconds <= int(parts[0]) for parts, one in zip(told, limits, strict=True))
