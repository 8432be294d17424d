"""Stacked columns: where each piece stands, worked by hand."""

from vedette.web.stacks import stack

NAMES = {"accepted": "accepted", "limited": "rate limited"}
HOUR = 3600


def test_pieces_stand_on_each_other_and_the_highest_column_fills_the_chart():
    chart = stack([0, HOUR], {"accepted": [3, 1], "limited": [1, 0]}, NAMES, seconds=HOUR, width=20, height=40)

    assert chart.peak == 4
    assert [(piece.kind, piece.x, piece.y, piece.width, piece.height) for piece in chart.pieces] == [
        ("accepted", 0, 10, 8.5, 30),
        ("limited", 0, 0, 8.5, 10),
        ("accepted", 10, 30, 8.5, 10),
    ]
    assert [piece.label for piece in chart.pieces][:2] == ["1 Jan 00:00: 3 accepted", "1 Jan 00:00: 1 rate limited"]
    assert (chart.first_label, chart.last_label) == ("1 Jan 00:00", "1 Jan 01:00")


def test_one_among_thousands_can_be_seen_and_nothing_leaves_the_chart():
    chart = stack([0], {"accepted": [100_000], "limited": [1]}, NAMES, seconds=86_400, height=100)

    assert all(piece.height >= 1.5 and piece.y >= 0 for piece in chart.pieces)
    assert chart.first_label == "1 Jan"


def test_without_counts_there_is_nothing_to_draw():
    assert stack([], {"accepted": []}, NAMES, seconds=HOUR).pieces == ()
    assert stack([0], {"accepted": [0]}, NAMES, seconds=HOUR).peak == 0
