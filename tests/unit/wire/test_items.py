"""The table of item types, row by row (ingest specification, 4.3)."""

import pytest

from vedette.wire.envelope import Envelope, Item, check_limits
from vedette.wire.items import EVENT_MAKING_ATTACHMENTS, KIB, MIB, RULES, Role, category_of_type, role_of
from vedette.wire.outcomes import Category
from vedette.wire.refusals import TooLarge

C, N, I = Role.CREATES, Role.NEEDS, Role.INDEPENDENT  # noqa: E741 (the letters of the table's column E)

# type, E, category, bytes of one item, how many, bytes of all
ROWS = [
    ("event", C, Category.ERROR, MIB, 1, MIB),
    ("transaction", C, Category.TRANSACTION, MIB, 1, MIB),
    ("security", C, Category.SECURITY, MIB, 1, MIB),
    ("raw_security", C, Category.SECURITY, MIB, 1, MIB),
    ("feedback", C, Category.FEEDBACK, MIB, 1, MIB),
    ("form_data", N, Category.UNKNOWN, MIB, 1, MIB),
    ("user_report", N, Category.FEEDBACK, MIB, 30, 200 * MIB),  # 1 MiB is our own bound
    ("attachment", N, Category.ATTACHMENT, 200 * MIB, 30, 200 * MIB),
    ("unreal_report", C, Category.ERROR, 200 * MIB, 30, 200 * MIB),
    ("session", I, Category.SESSION, 10 * MIB, 100, 10 * MIB),
    ("sessions", I, Category.SESSION, 10 * MIB, 100, 10 * MIB),
    ("client_report", I, Category.UNKNOWN, 100 * KIB, 100, 100 * KIB),
    ("check_in", I, Category.MONITOR, 100 * KIB, 1, 100 * KIB),
    ("profile", N, Category.PROFILE, 50 * MIB, 1, 50 * MIB),
    ("profile_chunk", I, Category.PROFILE_CHUNK, 50 * MIB, 1, 50 * MIB),
    ("replay_event", N, Category.REPLAY, MIB, 1, MIB),
    ("replay_recording", I, Category.REPLAY, 10 * MIB, 1, 10 * MIB),
    ("replay_video", I, Category.REPLAY, 10 * MIB, 1, 10 * MIB),
    # Containers: the smaller sizes of the specification (10, 2 and 1 MiB) are those of one entry, which nobody opens.
    ("span", I, Category.SPAN, 12 * MIB, 25, 12 * MIB),
    ("log", I, Category.LOG_ITEM, 12 * MIB, 1, 12 * MIB),
    ("trace_metric", I, Category.TRACE_METRIC, 12 * MIB, 1, 12 * MIB),
    ("metric_buckets", I, Category.METRIC_BUCKET, MIB, 1, MIB),
    ("statsd", I, Category.METRIC_BUCKET, MIB, 1, MIB),
    ("nel", I, Category.LOG_ITEM, MIB, 100, MIB),  # made by its endpoint
]


def an_item(kind: str, size: int = 1) -> Item:
    return Item({"type": kind}, memoryview(bytes(size)), kind)


@pytest.mark.parametrize(("kind", "role", "category"), [row[:3] for row in ROWS], ids=[row[0] for row in ROWS])
def test_4_3_what_an_item_is_to_an_event_and_what_it_counts_as(kind: str, role: Role, category: Category) -> None:
    assert (role_of(kind, {}), category_of_type(kind)) == (role, category)


@pytest.mark.parametrize(("kind", "count"), [(row[0], row[4]) for row in ROWS], ids=[row[0] for row in ROWS])
def test_4_3_how_many_of_a_kind_an_envelope_may_hold(kind: str, count: int) -> None:
    check_limits(Envelope({}, (an_item(kind),) * count))

    with pytest.raises(TooLarge, match=f"size limits for type '{kind}'"):
        check_limits(Envelope({}, (an_item(kind),) * (count + 1)))


@pytest.mark.parametrize(("kind", "size"), [(row[0], row[3]) for row in ROWS], ids=[row[0] for row in ROWS])
def test_4_3_how_large_one_of_a_kind_may_be(kind: str, size: int) -> None:
    check_limits(Envelope({}, (an_item(kind, size),)))

    with pytest.raises(TooLarge, match=f"size limits for type '{kind}'"):
        check_limits(Envelope({}, (an_item(kind, size + 1),)))


@pytest.mark.parametrize(
    "kinds",
    [
        ("event", "transaction"),
        ("event", "feedback"),
        ("security", "replay_event"),
        ("event", "form_data"),
        ("session", "sessions"),
        ("attachment", "user_report", "unreal_report"),
    ],
)
def test_4_3_kinds_that_share_a_budget(kinds: tuple[str, ...]) -> None:
    assert len({RULES[kind].budget for kind in kinds}) == 1


def test_4_3_the_table_has_no_other_rows() -> None:
    assert RULES.keys() == {row[0] for row in ROWS}
    assert (role_of("novelty", {}), category_of_type("novelty")) == (I, Category.UNKNOWN)


@pytest.mark.parametrize("kind", sorted(EVENT_MAKING_ATTACHMENTS))
def test_4_3_note_3_some_files_make_an_event(kind: str) -> None:
    assert role_of("attachment", {"attachment_type": kind}) is C
    assert role_of("attachment", {"attachment_type": "event.attachment"}) is N


def test_an_attachment_type_that_is_no_text_is_a_file_like_others():
    assert role_of("attachment", {"attachment_type": ["event.minidump"]}) is Role.NEEDS
