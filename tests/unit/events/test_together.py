"""Questions that are asked at a time."""

import threading

import pytest

from vedette.events.together import together


def test_answers_come_in_the_order_of_the_questions_which_wait_for_one_another():
    both = threading.Barrier(2)

    def ask(answer):
        both.wait(20)
        return answer

    assert together(lambda: ask(1), lambda: ask(2)) == [1, 2]
    assert together(*(lambda number=number: number for number in range(20))) == list(range(20))


@pytest.mark.parametrize("place", [0, 1])
def test_what_one_of_them_raised_is_raised_and_the_next_are_answered(place):
    def fail():
        raise OSError("away")

    questions = [lambda: 1, lambda: 2]
    questions[place] = fail

    with pytest.raises(OSError, match="away"):
        together(*questions)
    assert together(lambda: 3, lambda: 4) == [3, 4]
