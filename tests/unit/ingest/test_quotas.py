"""How much a key may send (ingest specification, 5.2 and 12)."""

import pytest

from vedette.ingest.keys import KeyInfo
from vedette.ingest.quotas import KeyQuotas, goes_with_event, has_limited_event
from vedette.wire.envelope import Item
from vedette.wire.outcomes import Category


def a_key(rate_limit: tuple[int, int] | None, key_id: int = 3) -> KeyInfo:
    return KeyInfo(0, 2, key_id, "a" * 32, rate_limit=rate_limit)


def items(*types: str) -> list[Item]:
    return [Item({"type": name}, b"", name) for name in types]


def test_without_a_limit_everything_passes():
    assert KeyQuotas().take(a_key(None), 1000.0) is None


def test_a_window_takes_so_many_and_then_says_for_how_long():
    quotas, key = KeyQuotas(), a_key((2, 60))

    answers = [quotas.take(key, 600.0 + second) for second in (0, 10, 20, 59, 60, 61, 62)]

    assert [answer and answer.seconds for answer in answers] == [None, None, 40.0, 1.0, None, None, 58.0]
    refused = answers[2]
    assert refused is not None
    assert (refused.scope, refused.reason) == ("key", "key_quota")
    assert refused.categories == (Category.DEFAULT, Category.ERROR, Category.SECURITY)


def test_a_limit_of_nothing_refuses_everything():
    assert KeyQuotas().take(a_key((0, 60)), 600.0) is not None


def test_keys_are_counted_apart():
    quotas = KeyQuotas()

    assert quotas.take(a_key((1, 60), key_id=1), 600.0) is None
    assert quotas.take(a_key((1, 60), key_id=2), 600.0) is None
    assert quotas.take(a_key((1, 60), key_id=1), 600.0) is not None


@pytest.mark.parametrize(
    ("types", "limited"),
    [
        (["event"], True),
        (["session", "event"], True),
        (["security"], True),
        (["transaction"], False),
        (["feedback"], False),
        (["session", "attachment", "user_report", "novelty"], False),
        ([], False),
    ],
)
def test_only_errors_count(types, limited):
    assert has_limited_event(items(*types)) is limited


def test_a_crash_dump_counts_as_the_error_that_it_makes():
    assert has_limited_event([Item({"attachment_type": "event.minidump"}, b"", "attachment")])


def test_an_event_takes_its_attachments_with_it():
    together = items("event", "attachment", "form_data", "user_report", "session", "client_report", "novelty")

    assert [item.type for item in together if goes_with_event(item)] == ["event", "attachment", "form_data"]
