import pytest

from vedette.grouping.messages import MESSAGES_2023, MESSAGES_2026, cut_lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Order 17 of bob@x.io failed after 12.5s", "Order <int> of <email> failed after <duration>"),
        ('key="v" retry=true at 0xdeadbeef', "key=<quoted_str> retry=<bool> at <hex>"),
        ("v1.2.3", "v1.<float>"),
        ("commit 1a2b3c4 by 12345678", "commit <git_sha> by <hex>"),
        ("user-12", "user-<int>"),
        ("foo::bar", "foo::bar"),
        ("abc123 id_12 12th 5e3", "abc123 id_12 12th 5e3"),
        ("see https://example.com/x?y=1 now", "see <url> now"),
        ("no route to db.example.com", "no route to <hostname>"),
        ("from 10.0.0.1 and ::1", "from <ip> and <ip>"),
        ("trace 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "trace <traceparent>"),
        ("550e8400-e29b-41d4-a716-446655440000", "<uuid>"),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "<sha1>"),
        ("d41d8cd98f00b204e9800998ecf8427e", "<md5>"),
        ("trace 1-58406520-a006649127e371903a2de979", "trace <traceparent>"),
        ("txn tx7989af992eb33fbf3fa51-00549e3b2e", "txn <swift_txn_id>"),
        ("3:04 or 15:04:05 or 3:04PM", "<date> or <date> or <date>"),
        ("Tuesday, 02-Jan-24 03:04:05 GMT", "<date>"),
        ("Tue, 02 Jan 24 03:04:05 +0000", "<date>"),
        ("at 12:30:05 on 2024-01-02 03:04:05.6Z", "at <date> on <date>"),
        ("Mon Jan 02 2024 03:04:05 GMT+0100 (CET)", "<date>"),
        ("Tue, 02 Jan 2024 03:04:05 GMT", "<date>"),
        ("Jan 02, 2024 and Jan 2 03:04:05 2024", "<date> and <date>"),
        ("datetime.datetime(2013, 8, 13, 3, 8)", "<date>"),
        ("20240102 03:04:05", "<date>"),
        ("off by -1.5 or -3", "off by <float> or <int>"),
        ("'quoted' without a sign stays", "'quoted' without a sign stays"),
        ("", ""),
    ],
)
def test_what_changes_from_time_to_time_becomes_a_placeholder(text: str, expected: str) -> None:
    assert MESSAGES_2026.parameterise(text) == expected


def test_a_very_long_message_is_left_alone() -> None:
    assert MESSAGES_2026.parameterise("1 " * 5000) == "1 " * 5000


@pytest.mark.parametrize(
    ("text", "expected"),
    [("one", "one"), ("one\ntwo", "one\ntwo"), ("one\n\ntwo", "one\ntwo..."), ("\n1\n2\n3", "1\n2...")],
)
def test_two_lines_of_a_message_count(text: str, expected: str) -> None:
    assert cut_lines(text) == expected


def test_both_together() -> None:
    assert MESSAGES_2026.normalise("order 1\norder 2\norder 3") == "order <int>\norder <int>..."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user-12", "user<int>"),
        ("order 12345678", "order <int>"),
        ("commit 1a2b3c4", "commit 1a2b3c4"),
        ("no route to db.example.com", "no route to db.example.com"),
        ("txn tx7989af992eb33fbf3fa51-00549e3b2e", "txn tx7989af992eb33fbf3fa51-00549e3b2e"),
        ("3:04 or 15:04:05 or 3:04PM", "<date> or <date> or <date>"),
        ("Tuesday, 02-Jan-24 03:04:05 GMT", "<date>"),
        ("at 0xdeadbeef", "at <hex>"),
        ("from 10.0.0.1 and ::1", "from <ip> and <ip>"),
    ],
)
def test_the_older_configuration_replaces_less(text: str, expected: str) -> None:
    assert MESSAGES_2023.parameterise(text) == expected
