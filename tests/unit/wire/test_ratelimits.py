"""Rate limits as clients read them (ingest specification, 5.3)."""

from vedette.wire.outcomes import Category
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
