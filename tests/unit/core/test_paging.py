import pytest

from vedette.core.errors import RuleBroken
from vedette.core.paging import Cursor


@pytest.mark.parametrize("text", ["0:0:0", "1700000000000:3:1", "-5:0:0", "0:-1:1"])
def test_a_cursor_is_written_as_it_was_read(text):
    assert str(Cursor.parse(text)) == text


def test_an_empty_cursor_is_the_first_page():
    assert Cursor.parse("") is None


@pytest.mark.parametrize("text", ["x", "1:2", "1:2:3:4", "1:2:2", "1:x:0", f"{2**63}:0:0", "0:-2:0", f"0:{2**31}:0"])
def test_a_broken_cursor_is_refused(text):
    with pytest.raises(RuleBroken, match=r"Invalid cursor parameter\."):
        Cursor.parse(text)
