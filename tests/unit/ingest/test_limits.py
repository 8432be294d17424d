"""Which items of an envelope meet a limit: the rules of section 5.2 of the ingest specification."""

import pytest

from vedette.ingest.keys import KeyInfo
from vedette.ingest.limits import Verdict, judge
from vedette.ingest.quotas import Quotas
from vedette.wire import messagepack
from vedette.wire.envelope import Item
from vedette.wire.outcomes import Category
from vedette.wire.quotas import ERRORS, Quota

NOW = 600.0
DUMP = Item({"attachment_type": "event.minidump"}, b"MDMP", "attachment")


def items(*types: str) -> list[Item]:
    return [Item({"type": name}, b"12345", name) for name in types]


def forbidding(*categories: Category, limit: int = 0, reason: str = "key_quota") -> Quota:
    return Quota(f"key:3:{reason}", "key", limit, 60, reason, categories)


def judged(given: list[Item], *quotas: Quota) -> Verdict:
    return judge(Quotas(), KeyInfo(1, 2, 3, "a" * 32, quotas=quotas), given, NOW)


def refused(given: list[Item], *quotas: Quota) -> list[str]:
    """The types of the items that are refused; an attachment that makes an event shows its attachment type."""
    indexes = [index for index, _ in judged(given, *quotas).refused]
    return [str(given[index].header.get("attachment_type") or given[index].type) for index in indexes]


def test_without_a_quota_everything_goes_in():
    assert judged(items("event", "attachment", "session")) == Verdict()


def test_within_a_quota_everything_goes_in():
    assert judged(items("event", "attachment", "session"), forbidding(*ERRORS, limit=1)) == Verdict()


@pytest.mark.parametrize("event", ["event", "security", "raw_security", "unreal_report"])
def test_rule_1_what_depends_on_a_limited_event_goes_with_it(event):
    given = items("session", event, "attachment", "form_data", "user_report", "client_report", "novelty")

    assert refused(given, forbidding(*ERRORS)) == [event, "attachment", "form_data"]


def test_rule_1_the_profile_of_a_limited_transaction_goes_with_it():
    given = items("transaction", "profile", "attachment", "session")

    assert refused(given, forbidding(Category.TRANSACTION)) == ["transaction", "profile", "attachment"]
    assert refused(given, forbidding(Category.PROFILE)) == ["profile"]


def test_rule_1_a_crash_dump_is_limited_as_the_error_that_it_makes():
    given = [DUMP, *items("attachment")]

    assert refused(given, forbidding(*ERRORS)) == ["event.minidump", "attachment"]


@pytest.mark.parametrize("category", [Category.ATTACHMENT, Category.ATTACHMENT_ITEM])
def test_rule_1_a_crash_dump_stays_when_only_attachments_are_limited(category):
    given = [DUMP, *items("event", "attachment")]

    assert refused(given, forbidding(category)) == ["attachment"]


@pytest.mark.parametrize("kind", ["event.payload", "event.breadcrumbs", "event.minidump"])
@pytest.mark.parametrize("beside", ["feedback", "transaction", "form_data"])
def test_rule_1_an_attachment_that_makes_an_error_is_charged_as_one_whatever_lies_beside_it(kind, beside):
    given = [*items(beside), Item({"attachment_type": kind}, b"\x80", "attachment")]

    assert refused(given, forbidding(*ERRORS)) == [beside, kind]


def test_rule_2_files_that_make_events_are_counted_as_files_too():
    given = [DUMP, *items("attachment")]

    assert refused(given, forbidding(Category.ATTACHMENT, limit=9)) == []
    assert refused(given, forbidding(Category.ATTACHMENT, limit=8)) == ["attachment"]
    assert refused(given, forbidding(Category.ATTACHMENT_ITEM, limit=1)) == ["attachment"]


def test_rule_2_only_one_dump_of_an_envelope_is_beyond_the_limit_of_files():
    unread = Item({"attachment_type": "event.nv_gpudmp"}, b"gpu", "attachment")
    large = Item({"attachment_type": "event.payload"}, bytes(messagepack.MAX_BYTES + 1), "attachment")

    verdict = judged([DUMP, DUMP, unread, large], forbidding(Category.ATTACHMENT))

    assert [index for index, _ in verdict.refused] == [1, 2, 3]


def test_rule_2_all_attachments_are_refused_when_their_bytes_are_used_up():
    given = items("event", "attachment", "attachment")

    assert refused(given, forbidding(Category.ATTACHMENT, limit=10)) == []
    assert refused(given, forbidding(Category.ATTACHMENT, limit=9)) == ["attachment", "attachment"]


def test_rule_2_a_limit_of_attachments_is_told_only_when_it_took_out_plain_ones():
    limit = forbidding(Category.ATTACHMENT)

    assert judged([DUMP], limit).limits == ()
    assert [one.reason for one in judged([DUMP, *items("attachment")], limit).limits] == ["key_quota"]


@pytest.mark.parametrize(
    ("item_type", "category"),
    [
        ("session", Category.SESSION),
        ("sessions", Category.SESSION),
        ("user_report", Category.FEEDBACK),
        ("feedback", Category.FEEDBACK),
        ("check_in", Category.MONITOR),
        ("replay_recording", Category.REPLAY),
        ("profile_chunk", Category.PROFILE_CHUNK),
        ("span", Category.SPAN),
        ("log", Category.LOG_ITEM),
    ],
)
def test_rule_3_other_items_are_limited_by_their_own_category(item_type, category):
    assert refused(
        items("event", item_type) if item_type != "feedback" else items(item_type), forbidding(category)
    ) == [item_type]


def test_rule_3_some_of_several_sessions_go_in():
    given = items("session", "session", "session")

    assert judged(given, forbidding(Category.SESSION, limit=2)).refused == ((2, "key_quota"),)


def test_rule_4_a_client_report_is_never_limited():
    assert refused(items("client_report", "event"), forbidding()) == ["event"]


def test_every_limit_that_was_hit_is_told_once_and_each_item_has_its_own_reason():
    errors, sessions = forbidding(*ERRORS), forbidding(Category.SESSION, reason="project_abuse_limit")

    verdict = judged(items("event", "session", "session", "transaction"), errors, sessions)

    assert [limit.reason for limit in verdict.limits] == ["key_quota", "project_abuse_limit"]
    assert verdict.refused == (
        (0, "key_quota"),
        (1, "project_abuse_limit"),
        (2, "project_abuse_limit"),
        (3, "key_quota"),
    )


def test_two_quotas_that_both_refuse_are_both_told_and_the_narrower_counts():
    verdict = judged(items("event"), forbidding(*ERRORS), forbidding(*ERRORS, reason="org_quota"))

    assert [limit.reason for limit in verdict.limits] == ["key_quota", "org_quota"]
    assert verdict.refused == ((0, "key_quota"),)
