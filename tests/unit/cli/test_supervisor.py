import pytest

from vedette.cli.supervisor import cause_of_death, delay_before_restart


def test_the_first_death_is_healed_at_once_and_later_ones_after_ever_longer_waits():
    assert [delay_before_restart(deaths) for deaths in range(1, 11)] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_the_wait_stays_bounded_however_often_it_dies():
    assert delay_before_restart(10_000) == 30


@pytest.mark.parametrize(
    ("returncode", "words"),
    [
        (-9, "was killed by SIGKILL"),
        (-11, "was killed by SIGSEGV"),
        (-200, "was killed by signal 200"),
        (0, "exited with status 0"),
        (70, "exited with status 70"),
    ],
)
def test_a_return_code_is_told_in_words(returncode, words):
    assert cause_of_death(returncode) == words
