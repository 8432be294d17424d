"""Nothing is forgotten: every model travels in one way, or is left behind for a reason."""

from pathlib import Path

from django.apps import apps
from django.db import models

from vedette.relocation.companion.declarations import AFTER, LEFT_BEHIND, TRAVELS, in_order
from vedette.relocation.companion.values import reader_of
from vedette.relocation.graph import graph

OURS = sorted(table._meta.label_lower for table in apps.get_models() if table.__module__.startswith("vedette."))
IN_SENTRYS_FORMAT = {one.table._meta.label_lower for one in graph() if one.table is not None}
ELSE = {one.label for one in TRAVELS if one.else_in_sentry}  # and only what Sentry's scope leaves out
LABELS = [one.label for one in TRAVELS]


def ways_of(label):
    """How a model travels, or that it does not."""
    return [
        label in IN_SENTRYS_FORMAT - ELSE,
        label in LABELS,
        label in LEFT_BEHIND or label.partition(".")[0] in LEFT_BEHIND,
    ]


def test_every_model_travels_in_exactly_one_way_or_stays_for_a_reason():
    undecided = [label for label in OURS if sum(ways_of(label)) != 1]

    assert undecided == [], "say in companion/declarations.py how these travel, or why they do not"


def test_what_is_declared_is_there():
    rooms = {label.partition(".")[0] for label in OURS}
    assert set(LABELS) | set(LEFT_BEHIND) <= {*OURS, *rooms}
    assert len(LABELS) == len(set(LABELS))
    assert all(LEFT_BEHIND.values())
    assert {name for one in AFTER.values() for name in one} | set(AFTER) <= set(OURS)


def test_declarations_name_columns_that_are_there():
    for one in TRAVELS:
        columns = {field.attname: field for field in one.table._meta.local_concrete_fields}
        lists = (one.late, one.same, one.earliest, one.latest, one.sums, one.fills, one.gone, one.kept)
        named = {name for some in (*lists, one.one_of, one.needed, one.keys, one.without or ()) for name in some}

        assert named | ({one.blob} - {""}) <= columns.keys(), one.label
        assert {*one.late, *one.one_of, *one.needed} <= one.targets().keys(), one.label
        assert all(columns[name].null for name in one.late), one.label
        for field in one.fields():
            reader_of(field)


def test_every_number_that_is_called_an_id_is_a_key_or_said_to_be_none():
    for one in TRAVELS:
        known = {*one.targets(), *one.gone, *one.kept, "short_id", "previous_short_id"}
        numbers = [field.attname for field in one.fields() if isinstance(field, models.IntegerField)]

        assert [name for name in numbers if name.endswith("_id") and name not in known] == [], one.label


def test_what_makes_a_row_unique_is_what_makes_it_the_same():
    """Otherwise an import into a database that has such a row would end with an error."""
    by_rule = {  # what a rule settles, or what is settled row by row
        "issues.group": [{"project_id", "short_id"}],
        "releases.releasecommit": [{"release_id", "order"}],
        "releases.repository": [{"organization_id", "name"}],
        "releases.commitauthor": [{"organization_id", "external_id"}],
        "accounts.useravatar": [{"ident"}],
        "orgs.organizationavatar": [{"ident"}],
        "hooks.webhook": [{"guid"}],
    }
    for one in TRAVELS:
        sets = [
            {one.table._meta.get_field(name).attname for name in constraint.fields}
            for constraint in one.table._meta.constraints
            if isinstance(constraint, models.UniqueConstraint)
        ]
        sets += [{field.attname} for field in one.fields() if field.unique and not field.primary_key]
        settled = [set(one.same), *by_rule.get(one.label, []), *({name} for name in one.gone)]

        assert [keys for keys in sets if keys not in settled] == [], one.label


def test_everything_comes_after_what_it_leads_to():
    place = {one.label: number for number, one in enumerate(in_order())}

    for one in in_order():
        for name, target in one.targets().items():
            if name not in one.late and target in place:
                assert place[target] < place[one.label], f"{one.label}.{name}"
        for target in AFTER.get(one.label, ()):
            assert place[target] < place[one.label]


def test_the_reference_says_of_every_model_whether_it_travels():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "companion-archive.md").read_text()
    travels, stays = page.split("## What stays")

    assert [label for label in LABELS if f"`{label}`" not in travels] == []
    assert [label for label in LEFT_BEHIND if f"`{label}`" not in stays] == []
