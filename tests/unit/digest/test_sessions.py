"""Sessions: what each update and each aggregate adds to its minute, and what is refused."""

import pickle
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest

from tests.unit.digest.making import CONFIG, NOW, prepared
from vedette.digest.batch import sort_out
from vedette.digest.sessionrows import session_rows
from vedette.digest.values import Dropped, PreparedSessions, SessionBucket
from vedette.wire.filters import InboundFilters
from vedette.wire.outcomes import Category, Outcome

STARTED = NOW - 3600 + 17.5
MINUTE = int(NOW - 3600 + 17.5) // 60 * 60
ATTRS = {"release": "shop@1.4.0", "environment": "prod"}
DAY = 86_400
SID = "8333339f-5675-4f89-a9a0-1c935255ab58"


def an_update(**fields):
    update = {"sid": SID, "did": "user-17", "started": STARTED, "timestamp": STARTED + 5, "attrs": ATTRS, **fields}
    return {key: value for key, value in update.items() if value is not ...}


def item(payload, kind="session", **more):
    raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    (value,) = prepared(({"type": kind}, raw), header={}, **more)
    return value


def accepted(payload, kind="session", **more):
    value = item(payload, kind, **more)
    assert isinstance(value, PreparedSessions), value
    return value


def bucket(**fields):
    (one,) = accepted(an_update(**fields)).buckets
    return one


def aggregated(*aggregates, attrs=ATTRS, **more):
    filled = [{"started": STARTED, **one} for one in aggregates]
    return accepted({"aggregates": filled, "attrs": attrs}, "sessions", **more).buckets


def refused(payload, kind="session", **more):
    value = item(payload, kind, **more)
    assert isinstance(value, Dropped), value
    assert (value.category, value.quantity) == (Category.SESSION, 1)
    return value.outcome, value.reason


def marks(one):
    """What is not empty of a bucket, sets by their sizes."""
    values = {name: getattr(one, name) for name in one.__struct_fields__ if name != "minute"}
    return {name: len(value) if isinstance(value, tuple) else value for name, value in values.items() if value}


class TestUpdates:
    def test_only_init_counts_a_session(self):
        assert marks(bucket(init=True)) == {"sessions": 1, "users": 1}
        assert marks(bucket()) == {"users": 1}
        assert marks(bucket(init=False, did=None)) == {}

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"errors": 2}, {}),
            ({"status": "errored"}, {}),
            ({"status": "abnormal"}, {"abnormal": 1, "users_abnormal": 1}),
            ({"status": "unhandled"}, {"unhandled": 1, "users_unhandled": 1}),
            ({"status": "crashed", "errors": 1}, {"crashed": 1, "users_crashed": 1}),
            ({"status": "some_new_word"}, {}),
        ],
        ids=["errors", "errored", "abnormal", "unhandled", "crashed", "unknown"],
    )
    def test_an_error_marks_the_session_and_its_user(self, fields, expected):
        both = {"errored_sids": 1, "users": 1, "users_errored": 1}
        without_user = {name: count for name, count in expected.items() if not name.startswith("users")}

        assert marks(bucket(**fields)) == both | expected
        assert marks(bucket(did=None, **fields)) == {"errored_sids": 1} | without_user

    @pytest.mark.parametrize("status", ["ok", "exited", None, ...])
    def test_ok_and_exited_are_no_errors(self, status):
        assert marks(bucket(status=status, init=True)) == {"sessions": 1, "users": 1}

    @pytest.mark.parametrize(
        ("mechanism", "anr", "foreground"),
        [("anr_foreground", 1, 1), ("anr_background", 1, 0), ("hang", 0, 0), (7, 0, 0), (None, 0, 0)],
    )
    def test_the_mechanism_says_which_abnormal_end_was_an_anr(self, mechanism, anr, foreground):
        one = bucket(status="abnormal", abnormal_mechanism=mechanism)

        assert (len(one.users_anr), len(one.users_anr_foreground)) == (anr, foreground)
        assert bucket(status="crashed", abnormal_mechanism=mechanism).users_anr == ()

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"status": "exited", "duration": 5.25}, (5.25,)),
            ({"status": "exited", "duration": 0}, (0.0,)),
            ({"status": "exited", "duration": -1}, ()),
            ({"status": "exited", "duration": 1e12}, ()),
            ({"status": "exited"}, ()),
            ({"status": "ok", "duration": 5}, ()),
            ({"status": "crashed", "duration": 5}, ()),
        ],
    )
    def test_durations_are_those_of_sessions_that_exited(self, fields, expected):
        assert bucket(**fields).durations == expected

    def test_every_update_of_a_session_falls_into_the_minute_of_its_start(self):
        early, late = bucket(init=True), bucket(status="crashed", timestamp=NOW)

        assert early.minute == late.minute == MINUTE
        assert bucket(errors=1).errored_sids == late.errored_sids
        assert early.users == late.users_crashed

    @pytest.mark.parametrize("did", [None, ..., "", "00000000-0000-0000-0000-000000000000", "0" * 32])
    def test_nobody_is_no_user(self, did):
        assert marks(bucket(did=did, init=True, errors=1)) == {"sessions": 1, "errored_sids": 1}

    def test_ids_are_compared_within_a_project(self):
        mine = bucket(errors=1)
        theirs = accepted(an_update(errors=1), config=type(CONFIG)(project_id=8, organization_id=3)).buckets[0]

        assert mine.users != theirs.users
        assert mine.errored_sids != theirs.errored_sids

    def test_a_session_without_an_id_is_its_own(self):
        named, nameless = bucket(errors=1), bucket(errors=1, sid=...)

        assert marks(nameless) == marks(named)
        assert nameless.errored_sids != named.errored_sids
        assert nameless == bucket(errors=1, sid=...)  # prepared again it is the same one

    def test_release_and_environment_are_told_with_it(self):
        one = accepted(an_update(attrs={"release": " shop@1.4.0 ", "environment": " prod "}))

        assert (one.project_id, one.organization_id, one.key_id) == (7, 3, 5)
        assert (one.release, one.environment) == ("shop@1.4.0", "prod")
        assert one.received_at == datetime.fromtimestamp(NOW, UTC)


class TestAggregates:
    def test_the_five_counts_are_disjoint(self):
        (one,) = aggregated({"exited": 120, "errored": 3, "abnormal": 4, "unhandled": 1, "crashed": 2, "did": "u"})

        assert marks(one) == {
            "sessions": 130,
            "errored_preaggr": 10,
            "abnormal": 4,
            "unhandled": 1,
            "crashed": 2,
            "users": 1,
            "users_errored": 1,
            "users_abnormal": 1,
            "users_unhandled": 1,
            "users_crashed": 1,
        }

    @pytest.mark.parametrize("word", ["errored", "abnormal", "unhandled", "crashed"])
    def test_each_kind_of_error_marks_the_user(self, word):
        (one,) = aggregated({word: 2, "did": "u"})

        own = {} if word == "errored" else {word: 2, f"users_{word}": 1}
        assert marks(one) == {"sessions": 2, "errored_preaggr": 2, "users": 1, "users_errored": 1} | own

    def test_healthy_ones_mark_their_user_only_as_such(self):
        assert marks(*aggregated({"exited": 2, "did": "u"})) == {"sessions": 2, "users": 1}
        assert marks(*aggregated({"exited": 2})) == {"sessions": 2}

    def test_they_are_summed_up_by_the_minute(self):
        first, second = aggregated(
            {"exited": 1, "did": "a"}, {"exited": 2, "started": STARTED + 60}, {"exited": 4, "did": "b", "errored": 1}
        )

        assert (first.minute, marks(first)) == (
            MINUTE,
            {"sessions": 6, "errored_preaggr": 1, "users": 2, "users_errored": 1},
        )
        assert (second.minute, marks(second)) == (MINUTE + 60, {"sessions": 2})

    def test_single_buckets_out_of_range_are_dropped(self):
        kept = aggregated({"exited": 1}, {"exited": 2, "started": NOW - 6 * DAY}, {"exited": 4, "started": NOW + 120})

        assert [one.sessions for one in kept] == [1]

    def test_nothing_left_is_a_refusal(self):
        late = {"aggregates": [{"started": NOW - 6 * DAY, "exited": 1}], "attrs": ATTRS}

        assert refused(late, "sessions") == (Outcome.INVALID, "timestamp")
        assert refused({"aggregates": [], "attrs": ATTRS}, "sessions") == (Outcome.INVALID, "no_data")

    def test_there_are_no_more_than_ten_thousand(self):
        many = {"aggregates": [{"started": STARTED, "exited": 1}] * 10_001, "attrs": ATTRS}

        assert refused(many, "sessions") == (Outcome.INVALID, "too_large")


class TestValidation:
    @pytest.mark.parametrize(
        ("started", "is_kept"),
        [(NOW - 5 * DAY, True), (NOW - 5 * DAY - 1, False), (NOW + 60, True), (NOW + 61, False), (-1, False)],
    )
    def test_a_start_too_long_ago_or_in_the_future_is_refused(self, started, is_kept):
        value = item(an_update(started=started, timestamp=NOW))

        assert isinstance(value, PreparedSessions) is is_kept
        assert is_kept or (value.outcome, value.reason) == (Outcome.INVALID, "timestamp")

    def test_an_update_from_the_future_is_refused(self):
        assert refused(an_update(timestamp=NOW + 61)) == (Outcome.INVALID, "timestamp")

    def test_an_update_before_the_start_is_one_at_the_start(self):
        assert bucket(timestamp=NOW - 9 * DAY).minute == MINUTE

    def test_moments_may_be_texts(self):
        assert bucket(started="2025-10-09T08:00:59.999Z", timestamp=...).minute == 1_759_996_800

    @pytest.mark.parametrize(("drift", "shift"), [(54 * 60, 0), (55 * 60, 55 * 60), (3 * DAY, 3 * DAY), (-DAY, -DAY)])
    def test_a_clock_that_is_far_off_is_corrected(self, drift, shift):
        sent = datetime.fromtimestamp(NOW - drift, UTC).isoformat()
        started = NOW - 7200 - shift
        for payload, kind in (
            (an_update(started=started, timestamp=started), "session"),
            ({"aggregates": [{"started": started, "exited": 1}], "attrs": ATTRS}, "sessions"),
        ):
            raw = msgspec.json.encode(payload)
            (value,) = prepared(({"type": kind}, raw), header={"sent_at": sent})

            assert [one.minute for one in value.buckets] == [int(NOW - 7200) // 60 * 60]

    @pytest.mark.parametrize("release", ["", "  ", ".", "..", "latest", "LATEST", "a/b", "a\\b", "a\nb", "x" * 251])
    def test_an_invalid_release_is_refused(self, release):
        attrs = {"release": release}

        assert refused(an_update(attrs=attrs)) == (Outcome.INVALID, "invalid_release")
        aggregates = {"aggregates": [{"started": STARTED, "exited": 1}], "attrs": attrs}
        assert refused(aggregates, "sessions") == (Outcome.INVALID, "invalid_release")

    @pytest.mark.parametrize("environment", ["none", "a/b", "x" * 65, "", None])
    def test_an_invalid_environment_is_taken_away(self, environment):
        assert accepted(an_update(attrs={**ATTRS, "environment": environment})).environment == ""

    @pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b'{"started": 1' * 9, b"[" * 100_000])
    @pytest.mark.parametrize("kind", ["session", "sessions"])
    def test_broken_json_is_refused(self, payload, kind):
        assert refused(payload, kind)[1] in ("invalid_json", "invalid_session")

    @pytest.mark.parametrize(
        "fields",
        [
            {"attrs": ...},
            {"attrs": {}},
            {"attrs": {"release": 1}},
            {"started": ...},
            {"started": None},
            {"started": "yesterday"},
            {"started": "2025-10-09"},
            {"timestamp": "soon"},
            {"sid": "not-a-uuid"},
            {"did": 17},
            {"init": "yes"},
            {"errors": -1},
            {"errors": "3"},
            {"duration": "5"},
        ],
        ids=str,
    )
    def test_what_is_no_update_is_refused(self, fields):
        assert refused(an_update(**fields)) == (Outcome.INVALID, "invalid_session")

    @pytest.mark.parametrize(
        "payload",
        [
            [],
            {"aggregates": [{"started": STARTED, "exited": 1}]},
            {"attrs": ATTRS},
            {"attrs": ATTRS, "aggregates": {"started": STARTED}},
            {"attrs": ATTRS, "aggregates": [{"exited": 1}]},
            {"attrs": ATTRS, "aggregates": [{"started": "soon", "exited": 1}]},
            {"attrs": ATTRS, "aggregates": [{"started": STARTED, "exited": -1}]},
            {"attrs": ATTRS, "aggregates": [{"started": STARTED, "exited": 2**32}]},
        ],
        ids=str,
    )
    def test_what_are_no_aggregates_is_refused(self, payload):
        assert refused(payload, "sessions") == (Outcome.INVALID, "invalid_session")

    def test_a_broken_item_leaves_the_rest_of_the_envelope_alone(self):
        good = msgspec.json.encode(an_update(init=True))
        broken, kept = prepared(({"type": "session"}, b"{"), ({"type": "session"}, good), header={})

        assert isinstance(broken, Dropped)
        assert isinstance(kept, PreparedSessions)


@pytest.mark.parametrize(
    ("filters", "attrs", "reason"),
    [
        ({"addresses": ("10.0.0.0/8",)}, {"ip_address": "{{auto}}"}, "ip-address"),
        ({"addresses": ("10.0.0.0/8",)}, {}, "ip-address"),
        ({"addresses": ("192.0.2.7",)}, {"ip_address": "192.0.2.7"}, "ip-address"),
        ({"addresses": ("192.0.2.7",)}, {"ip_address": "192.0.2.8"}, None),
        ({"releases": ("SHOP@1.*",)}, {}, "release-version"),
        ({"on": ("localhost",)}, {"ip_address": "127.0.0.1"}, "localhost"),
        ({"on": ("localhost",)}, {"ip_address": "::1"}, "localhost"),
        ({"on": ("localhost",)}, {"ip_address": "{{auto}}"}, None),
        ({}, {"ip_address": "127.0.0.1"}, None),
        ({"on": ("web-crawlers",)}, {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, "web-crawlers"),
        (
            {"legacy_browsers": ("ie",)},
            {"user_agent": "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2)"},
            "legacy-browsers",
        ),
        ({}, {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, None),
    ],
)
def test_inbound_filters_hold_for_sessions_too(filters, attrs, reason):
    config = type(CONFIG)(project_id=7, organization_id=3, filters=InboundFilters(**filters))

    value = item(an_update(attrs={**ATTRS, **attrs}), config=config, remote_addr="10.1.2.3")

    if reason is None:
        assert isinstance(value, PreparedSessions)
    else:
        assert (value.outcome, value.reason, value.category) == (Outcome.FILTERED, reason, Category.SESSION)


class TestRows:
    def test_a_batch_has_one_row_for_each_minute_release_and_environment(self):
        first = accepted(an_update(init=True, errors=1, status="exited", duration=2))
        other = accepted(an_update(init=True, sid=str(uuid4()), did="u2", attrs={"release": "shop@2.0"}))
        later = accepted(an_update(status="crashed", errors=2))
        batch = sort_out([first, other, later])

        ((calm, crashed),) = session_rows(batch.sessions, 44)

        assert (crashed.release, crashed.environment, crashed.batch_id) == ("shop@1.4.0", "prod", 44)
        assert (crashed.sessions, crashed.crashed, len(crashed.errored_sid_ids), len(crashed.user_ids)) == (1, 1, 1, 1)
        assert (crashed.duration_count, crashed.duration_sum, crashed.duration_max) == (1, 2.0, 2.0)
        assert (calm.release, calm.environment, calm.sessions, calm.errored_sid_ids) == ("shop@2.0", "", 1, ())
        assert crashed.timestamp == calm.timestamp == datetime.fromtimestamp(MINUTE, UTC)

    def test_a_replay_brings_the_same_rows_in_pieces_of_a_bounded_size(self):
        many = PreparedSessions(
            7,
            3,
            5,
            "shop@1",
            "",
            datetime.fromtimestamp(NOW, UTC),
            tuple(SessionBucket(minute * 60, 1, 0, 0, 0, 0, *[()] * 9) for minute in range(20_001)),
        )

        pieces = list(session_rows([many], 1))

        assert [len(piece) for piece in pieces] == [10_000, 10_000, 1]
        assert list(session_rows([many], 1)) == pieces

    def test_values_cross_to_another_process(self):
        value = accepted(an_update(init=True, errors=1))

        assert pickle.loads(pickle.dumps(value)) == value
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(value), type=PreparedSessions) == value


@pytest.mark.parametrize("address", ["{{auto}}", "203.0.113.9"])
@pytest.mark.parametrize("kind", ["session", "sessions"])
def test_2_5_no_address_is_stored(kind, address):
    attrs = {**ATTRS, "ip_address": address, "user_agent": "curl/8.0"}
    payload = (
        an_update(attrs=attrs)
        if kind == "session"
        else {"aggregates": [{"started": STARTED, "exited": 1}], "attrs": attrs}
    )

    kept = pickle.dumps(accepted(payload, kind, remote_addr="203.0.113.9", user_agent="curl/8.0"))

    assert b"203.0.113" not in kept
    assert b"curl" not in kept
    assert b"{{auto}}" not in kept
