"""People as pages show them."""

import pytest

from vedette.web.faces import TINTS, Face, distinct


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Grace Hopper", "GH"),
        ("Edsger W. Dijkstra", "ED"),
        ("Ünal Öz", "ÜÖ"),
        ("ada@example.com", "A"),
        ("grace.hopper@example.com", "GH"),
        ("renovate[bot]", "R"),
        ("<script>", "?"),
        ("", "?"),
    ],
)
def test_initials_are_of_the_first_and_the_last_word(name, initials):
    assert Face(name, "x@example.com").initials == initials


def test_each_person_is_shown_once_whatever_they_are_called():
    ann, again, bob = Face("Ann", "ann@example.com"), Face("Ann B", "ann@example.com"), Face("Bob", "bob@example.com")

    assert distinct([ann, None, again, bob]) == (ann, bob)


def test_the_colour_of_a_person_stays_the_same():
    faces = [Face(name, "ann@example.com") for name in ("Ann", "Ann B")]

    assert len({face.tint for face in faces}) == 1
    assert 0 <= faces[0].tint < TINTS


def test_the_address_is_told_unless_it_is_the_name():
    assert Face("Ann", "ann@example.com").label == "Ann <ann@example.com>"
    assert Face("ann@example.com", "ann@example.com").label == "ann@example.com"
