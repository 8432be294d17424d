"""Counted refusals."""

import json

from vedette.ingest import ledger
from vedette.ingest.keys import KeyInfo
from vedette.ingest.ledger import RefusalLedger
from vedette.spool.records import Receipt
from vedette.wire.outcomes import Category, Outcome

KEY = KeyInfo(1, 2, 3, "a" * 32)
OTHER = KeyInfo(1, 4, 5, "b" * 32)


def noted(book: RefusalLedger) -> list[tuple[Receipt, list[dict[str, object]]]]:
    return [(receipt, json.loads(body)) for receipt, body in book.take(2000.0)]


def test_refusals_are_added_up_by_key_and_kind():
    book = RefusalLedger()
    for at in (1000.0, 1001.0):
        book.note(KEY, Outcome.INVALID, Category.ERROR, "too_large", 1, at)
    book.note(KEY, Outcome.RATE_LIMITED, Category.ATTACHMENT, "key_quota", 500, 1002.0)
    book.note(OTHER, Outcome.INVALID, Category.ERROR, "cors", 1, 1003.0)

    first, second = noted(book)

    assert first[0] == Receipt(1, 2, 3, 2000.0, kind="outcomes")
    assert first[1] == [
        {"outcome": 3, "category": 1, "reason": "too_large", "quantity": 2, "at": 1001.0},
        {"outcome": 2, "category": 4, "reason": "key_quota", "quantity": 500, "at": 1002.0},
    ]
    assert (second[0].project_id, second[1][0]["reason"]) == (4, "cors")
    assert noted(book) == []


def test_hours_are_counted_apart():
    book = RefusalLedger()
    for at in (3599.0, 3600.0):
        book.note(KEY, Outcome.INVALID, Category.ERROR, "too_large", 1, at)

    assert [line["at"] for line in noted(book)[0][1]] == [3599.0, 3600.0]


def test_what_the_spool_did_not_take_is_counted_again():
    book = RefusalLedger()
    book.note(KEY, Outcome.INVALID, Category.ERROR, "too_large", 1, 1000.0)
    for receipt, body in book.take(2000.0):
        book.put_back(receipt, body)
    book.note(KEY, Outcome.INVALID, Category.ERROR, "too_large", 1, 1001.0)

    assert noted(book)[0][1] == [{"outcome": 3, "category": 1, "reason": "too_large", "quantity": 2, "at": 1001.0}]


def test_a_flood_of_keys_has_a_bound(monkeypatch):
    monkeypatch.setattr(ledger, "MAX_COUNTS", 10)
    book = RefusalLedger()
    for number in range(15):
        book.note(KeyInfo(1, number, number, "x"), Outcome.INVALID, Category.ERROR, "cors", 1, 0.0)

    assert sum(len(lines) for _, lines in noted(book)) == 10
    assert book.uncounted == 5
