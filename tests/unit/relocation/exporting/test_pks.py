import pytest

from vedette.relocation.exporting.pks import PkSet


@pytest.mark.parametrize("pks", [[], [5], [1, 2, 3], [1, 3, 5], [1, 2, 3, 7, 8, 20]])
def test_a_set_holds_what_was_added_and_nothing_else(pks):
    held = PkSet(pks)

    assert list(held) == pks
    assert len(held) == len(pks)
    assert [pk for pk in range(-1, 25) if pk in held] == pks


def test_neighbours_take_the_room_of_one():
    held = PkSet(range(1, 100_001))

    assert len(held) == 100_000
    assert len(held._first) == 1


@pytest.mark.parametrize("pk", [3, 4])
def test_pks_only_ascend(pk):
    held = PkSet([1, 4])

    with pytest.raises(ValueError, match="does not come after 4"):
        held.add(pk)


def test_only_few_pks_are_listed():
    held = PkSet([2, 3, 9])

    assert held.if_few(3) == [2, 3, 9]
    assert held.if_few(2) is None
