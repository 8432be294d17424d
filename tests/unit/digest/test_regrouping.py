"""A stored event is grouped again as it was grouped when it came; and what a preview says rests on that."""

from typing import Any

import pytest

from tests.unit.digest.making import CONFIG, Json, an_event
from tests.unit.grouping.test_worked_cases import CASES
from vedette.digest.preview import Comparison, Sample, Target
from vedette.digest.regroup import recipe, regroup
from vedette.digest.values import PreparedEvent, ProjectConfig
from vedette.grouping.group import Recipe
from vedette.wire.filters import InboundFilters

OLD, NEW = "newstyle:2023-01-11", "newstyle:2026-01-20"
RULES = (
    "function:total -group\npath:**/shop/** -app\nmodule:django.* +app category=web\ncategory:web -group\napp:no +group"
)
FINGERPRINTS = 'app:yes function:total -> {{ default }} {{ stack.function }} title="{{ type }} there"'


def config(**more: Any) -> ProjectConfig:
    """No event of these tests is to be filtered."""
    return ProjectConfig(CONFIG.project_id, CONFIG.organization_id, filters=InboundFilters(on=()), **more)


@pytest.mark.parametrize("payload", [one for case in CASES for one in case[1:3]])
@pytest.mark.parametrize(
    "rules", [{}, {"grouping_enhancements": RULES, "fingerprinting_rules": FINGERPRINTS}, {"grouping_config": OLD}]
)
def test_a_stored_event_gets_the_hashes_that_it_came_with(payload: Json, rules: dict[str, str]):
    event = an_event(payload, config=config(**rules))

    again = regroup(
        event.payload,
        dict(event.tags),
        recipe(
            rules.get("grouping_config", NEW),
            rules.get("grouping_enhancements", ""),
            rules.get("fingerprinting_rules", ""),
        ),
    )

    assert again is not None
    assert again.hashes == event.hashes


def test_other_rules_start_from_what_the_client_said():
    frames = [{"function": "run", "module": "shop.a", "in_app": True}]
    payload = {"exception": {"values": [{"type": "A", "stacktrace": {"frames": frames}}]}}

    event = an_event(payload, config=config(grouping_enhancements="module:shop.* -app"))
    again = regroup(event.payload, dict(event.tags), recipe(NEW, "", ""))

    assert again is not None
    assert again.variants[0].hash is not None
    assert again.hashes == an_event(payload).hashes


def test_a_client_cannot_say_what_rules_have_changed():
    frames = [{"function": "run", "module": "shop.a", "in_app": True, "data": {"orig_in_app": 0}}]
    event = an_event({"exception": {"values": [{"type": "A", "stacktrace": {"frames": frames}}]}})

    again = regroup(event.payload, dict(event.tags), recipe(NEW, "", ""))

    assert again is not None
    assert again.variants[0].hash is not None


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"exception": 7}'])
def test_what_cannot_be_read_cannot_be_grouped(payload: bytes):
    assert regroup(payload, {}, Recipe()) is None


def test_secondary_hashes_exist_while_a_transition_lasts_and_only_where_they_differ():
    payload = {"logentry": {"formatted": "no route to db.example.com"}}
    during = config(secondary_grouping_config=OLD)

    assert an_event(payload).secondary_hashes == ()
    assert (
        an_event(payload, config=during).secondary_hashes
        == an_event(payload, config=config(grouping_config=OLD)).hashes
    )
    assert an_event({"logentry": {"formatted": "same"}}, config=during).secondary_hashes == ()
    assert an_event(payload, config=during).hashes == an_event(payload).hashes


def test_a_rule_gives_an_event_its_title_and_is_stored_with_it():
    rule = 'type:A -> a title="Down: {{ value }}"'
    event = an_event(
        {"exception": {"values": [{"type": "A", "value": "7 of 9"}]}, "fingerprint": ["mine"]},
        config=config(fingerprinting_rules=rule),
    )

    assert event.title == "Down: <int> of <int>"
    assert event.metadata["title"] == event.title
    assert b'"client_fingerprint":["mine"]' in event.payload
    assert b'"fingerprint":["mine"]' in event.payload


def test_the_exception_that_names_a_group_of_equal_ones_is_the_equal_one():
    def member(number: int, kind: str, *, is_group: bool = False) -> Json:
        mechanism: Json = {"type": "x", "exception_id": number, "is_exception_group": is_group}
        if number:
            mechanism["parent_id"] = 0
        frames = [{"function": "run", "module": "shop.a", "in_app": True}]
        return {"type": kind, "value": f"value {number}", "stacktrace": {"frames": frames}, "mechanism": mechanism}

    values = [member(2, "ValueError"), member(1, "ValueError"), member(0, "ExceptionGroup", is_group=True)]

    assert an_event({"exception": {"values": values}}).title.startswith("ValueError: ")


# ---------------------------------------------------------------- the preview


def sample(group: int, kind: str, function: str = "run") -> Sample:
    frames = [{"function": function, "module": "shop.a", "in_app": True}]
    event: PreparedEvent = an_event({"exception": {"values": [{"type": kind, "stacktrace": {"frames": frames}}]}})
    return Sample(group, event.title, dict(event.tags), event.payload)


def compared(*samples: Sample, fingerprinting: str = "", known: dict[str, int] | None = None, **more: str):
    comparison = Comparison(recipe(NEW, "", ""), recipe(more.get("to", NEW), "", fingerprinting))
    for one in samples:
        comparison.add(one)
    return comparison.result(lambda hashes: {value: known[value] for value in hashes if value in (known or {})})


def test_what_does_not_change_is_not_told():
    preview = compared(sample(1, "A"), sample(2, "B"), fingerprinting="type:X -> x")

    assert (preview.examined, preview.changed) == (2, 0)
    assert (preview.merges, preview.splits, preview.renewed, preview.group_ids) == ((), (), (), set())


def test_issues_that_come_together_in_a_new_one():
    preview = compared(sample(1, "A"), sample(2, "B"), sample(3, "C"), fingerprinting="!type:C -> x")

    [merge] = preview.merges
    assert merge.target == Target(None, 1, "A")
    assert merge.sources == ((1, 1), (2, 1))
    assert (preview.splits, preview.renewed, preview.group_ids) == ((), (), {1, 2})


def test_issues_that_join_one_there_is():
    [value] = an_event({"fingerprint": ["x"]}).hashes
    preview = compared(sample(1, "A"), fingerprinting="type:A -> x", known={value: 9})

    [merge] = preview.merges
    assert (merge.target, merge.sources, preview.renewed) == (Target(9), ((1, 1),), ())


def test_an_issue_that_parts():
    preview = compared(
        sample(1, "A", "one"), sample(1, "A", "two"), sample(1, "A", "one"), fingerprinting="function:two -> x"
    )

    [split] = preview.splits
    assert split.parts == ((Target(1), 2), (Target(None, 1, "A"), 1))
    assert (preview.merges, preview.renewed) == ((), ())


def test_an_issue_that_begins_anew():
    preview = compared(sample(1, "A"), sample(1, "A"), fingerprinting="type:A -> x")

    assert (preview.merges, preview.splits, preview.renewed) == ((), (), ((1, 2),))


def test_events_without_a_body_are_counted_apart():
    preview = compared(Sample(1, "A", {}, b""), sample(1, "A"))

    assert (preview.examined, preview.unreadable, preview.changed) == (2, 1, 0)
