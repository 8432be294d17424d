"""The table of item types."""

from vedette.wire.items import MIB, RULES


def test_a_user_report_may_be_as_large_as_an_event_and_still_shares_the_budget_of_files() -> None:
    rule = RULES["user_report"]

    assert (rule.item_bytes, rule.budget.count) == (MIB, 30)
    assert rule.budget is RULES["attachment"].budget
