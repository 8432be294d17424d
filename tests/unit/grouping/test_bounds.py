"""Rules and events that were made to keep grouping busy."""

import time

import pytest

from tests.unit.grouping.events import a_frame, an_event, an_exception, exceptions
from vedette.grouping import fingerprint_rules, stacktraces
from vedette.grouping.enhancement_text import parse_rules
from vedette.grouping.fingerprint_rules import parse_fingerprint_rules
from vedette.grouping.group import Recipe, group_event

ALIKE = "a" * 1000
PATTERN = f"*{'a' * 120}{{}}*{'a' * 120}b"


def frames(count):
    return [a_frame(f"{ALIKE[:500]}{number}", module=None) for number in range(count)]


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(enhancements="\n".join(f"function:{PATTERN.format(number)} -app" for number in range(340))),
        Recipe(enhancements="\n".join(f"error.value:{PATTERN.format(number)} -app" for number in range(340))),
        Recipe(fingerprinting="\n".join(f"function:{PATTERN.format(number)} -> x" for number in range(340))),
        Recipe(fingerprinting="\n".join(f"message:{PATTERN.format(number)} -> x" for number in range(340))),
    ],
    ids=["functions", "values", "fingerprints", "messages"],
)
def test_no_event_takes_long_under_any_rules(recipe):
    parse_rules(recipe.enhancements)  # they can be read
    parse_fingerprint_rules(recipe.fingerprinting)
    event = an_event(exception=exceptions(*[an_exception("E", ALIKE, frames(50)) for _ in range(20)]))

    started = time.process_time()
    group_event(event, {}, recipe)

    assert time.process_time() - started < 1


def test_beyond_the_bound_the_rules_of_the_project_do_not_count(monkeypatch):
    recipe = Recipe(enhancements="function:*b* -app", fingerprinting="function:*b* -> x")
    event = an_event(exception=exceptions(an_exception("E", "v", [a_frame("abc")])))
    grouping = group_event(event, {}, recipe)

    assert grouping.fingerprint == ("x",)
    assert event.exception.values[0].stacktrace.frames[0].in_app is False

    monkeypatch.setattr(fingerprint_rules, "MOST_STEPS", 2)
    monkeypatch.setattr(stacktraces, "MOST_STEPS", 2)
    event = an_event(exception=exceptions(an_exception("E", "v", [a_frame("abc")])))
    grouping = group_event(event, {}, recipe)

    assert grouping.fingerprint == ("{{ default }}",)
    assert event.exception.values[0].stacktrace.frames[0].in_app is True
