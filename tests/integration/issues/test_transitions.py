"""A project moves from one grouping configuration to the next, and no issue is split (grouping specification, 9)."""

from datetime import timedelta

import pytest

from tests.support.factories import NOON, a_project, an_event, hash_of
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.files import FileStore
from vedette.digest.batch import sort_out
from vedette.digest.models import DigestBatch
from vedette.digest.relate import look_up, relate
from vedette.events.rows import KnownEvent
from vedette.grouping import configs
from vedette.issues.models import Group, GroupHash, GroupTombstone
from vedette.orgs.models import AuditLogEntry
from vedette.projects import rules
from vedette.projects.changes import change_project
from vedette.projects.models import ProjectOption
from vedette.projects.options import (
    FINGERPRINTING_RULES,
    SECONDARY_GROUPING_EXPIRY,
    digest_options,
    get_option,
    set_option,
)
from vedette.projects.rules import HISTORY, rules_named
from vedette.projects.services import create_project
from vedette.projects.transitions import change_config, version_of

pytestmark = pytest.mark.django_db
OLD, NEW = "newstyle:2023-01-11", "newstyle:2026-01-20"


@pytest.fixture
def take(tmp_path):
    def _take(*values, known=()):
        mark = DigestBatch.objects.create(stream=clock.now().isoformat(), first_position=1, last_position=1)
        return relate(mark, sort_out(values), known, {}, FileStore(tmp_path))

    return _take


def before(project, name="old", **more):
    return an_event(project, hashes=(hash_of(name),), **more)


def after(project, name="new", old="old", **more):
    return an_event(project, hashes=(hash_of(name),), secondary_hashes=(hash_of(old),), **more)


def test_9_4_an_event_joins_the_issue_of_its_old_hash_and_brings_its_new_one(take):
    project = a_project()
    [group] = take(before(project))

    assert take(after(project), after(project)) == [group, group]
    assert take(an_event(project, hashes=(hash_of("new"),))) == [group]  # the next matches without help
    assert Group.objects.get().times_seen == 4
    assert set(GroupHash.objects.values_list("hash", "group_id")) == {(hash_of("old"), group), (hash_of("new"), group)}


def test_9_4_without_an_issue_a_new_one_is_made_and_no_row_for_the_old_hash(take):
    project = a_project()

    [group] = take(after(project))

    assert list(GroupHash.objects.values_list("hash", "group_id")) == [(hash_of("new"), group)]


def test_9_4_the_new_hash_comes_first(take):
    project = a_project()
    [old] = take(before(project))
    [new] = take(an_event(project, hashes=(hash_of("new"),)))

    assert take(after(project)) == [new]
    assert old != new


def test_9_4_old_hashes_of_another_project_lead_nowhere(take):
    project = a_project()
    other = a_project(project.organization, "other")
    [there] = take(before(other))

    assert take(after(project)) != [there]


def test_two_new_hashes_of_one_old_issue_both_join_it(take):
    project = a_project()
    [group] = take(before(project))

    assert take(after(project, "one"), after(project, "two")) == [group, group]


def test_what_was_discarded_stays_discarded(take):
    project = a_project()
    [group] = take(before(project))
    tombstone = GroupTombstone.objects.create(project=project, previous_group_id=group, level=40)
    GroupHash.objects.update(group=None, group_tombstone_id=tombstone.pk)

    assert take(after(project)) == [None]
    assert take(an_event(project, hashes=(hash_of("new"),))) == [None]


def test_an_event_sent_again_during_a_transition_is_counted_once(take):
    project = a_project()
    first = before(project, event_id="a" * 32)
    [group] = take(first)
    known = KnownEvent(project.pk, "a" * 32, NOON.date().isoformat(), group, 1)

    assert take(after(project, event_id="a" * 32), known=[known]) == [group]
    assert Group.objects.get().times_seen == 1


def test_a_replay_finds_the_issue_by_the_new_hashes(take):
    project = a_project()
    [group] = take(before(project))
    event = after(project)
    take(event)

    assert look_up(DigestBatch.objects.latest("pk"), sort_out([event])) == [group]


def test_9_3_a_change_keeps_the_configuration_before_for_a_while(settings):
    project = a_project()
    assert digest_options([project.pk])[project.pk].secondary_grouping_config == ""

    assert change_project(project, {"groupingConfig": OLD}) == ["groupingConfig"]
    assert change_project(project, {"groupingConfig": OLD}) == []

    found = digest_options([project.pk])[project.pk]
    version = version_of(project, clock.now())
    assert (found.grouping_config, found.secondary_grouping_config) == (OLD, NEW)
    assert (version.config.id, version.before and version.before.id, version.is_outdated) == (OLD, NEW, True)
    assert version.until == pytest.approx(clock.now() + timedelta(days=90), abs=timedelta(minutes=1))
    assert AuditLogEntry.objects.get().data["changed"] == ["groupingConfig"]


def test_9_4_after_its_expiry_a_transition_costs_nothing():
    project = a_project()
    change_config(project, OLD, clock.now())
    set_option(project, SECONDARY_GROUPING_EXPIRY, int(clock.now().timestamp()) - 1)

    found = digest_options([project.pk])[project.pk]

    assert (found.grouping_config, found.secondary_grouping_config) == (OLD, "")
    assert version_of(project, clock.now()).before is None


def test_an_unknown_configuration_is_refused_and_a_stored_one_reads_as_the_first():
    project = a_project()
    with pytest.raises(RuleBroken) as refusal:
        change_project(project, {"groupingConfig": "newstyle:1999", "name": "Other"})
    ProjectOption.objects.create(project=project, key="sentry:grouping_config", value="legacy:2019-03-12")

    assert list(refusal.value.errors) == ["groupingConfig"]
    assert digest_options([project.pk])[project.pk].grouping_config == NEW


def test_a_new_project_names_the_newest_configuration_once_it_is_not_the_first(monkeypatch):
    organization = a_project().organization
    create_project(organization, "Today")
    monkeypatch.setattr(configs, "NEWEST", configs.NEWSTYLE_2023)

    made = create_project(organization, "Later")

    assert list(ProjectOption.objects.values_list("project", "value")) == [(made.pk, OLD)]


def test_rules_are_refused_with_line_and_column_and_nothing_is_changed():
    project = a_project()

    with pytest.raises(RuleBroken) as refusal:
        change_project(project, {"groupingEnhancements": "function:a -app", "fingerprintingRules": "x"})

    assert refusal.value.errors == {"fingerprintingRules": ["Line 1, column 2: expected : and a pattern behind 'x'."]}
    assert not ProjectOption.objects.filter(project=project).exists()


def test_rules_that_were_imported_with_a_mistake_are_kept_to_be_mended():
    project = a_project()
    ProjectOption.objects.create(project=project, key="sentry:fingerprinting_rules", value="nonsense")

    assert get_option(project, FINGERPRINTING_RULES) == "nonsense"


def test_9_5_texts_that_were_in_force_are_kept_by_their_id():
    project = a_project()
    change_project(project, {"fingerprintingRules": "type:A -> a"})
    [key] = ProjectOption.objects.filter(key__startswith=HISTORY).values_list("key", flat=True)
    change_project(project, {"fingerprintingRules": ""})

    identifier = key.removeprefix(HISTORY)
    assert rules_named(project, identifier, "") == "type:A -> a"
    assert rules_named(project, identifier, "type:A -> a") == "type:A -> a"
    assert rules_named(project, "", "type:B -> b") == ""
    assert rules_named(a_project(project.organization, "other"), identifier, "") is None


def test_only_so_many_texts_are_kept(monkeypatch):
    monkeypatch.setattr(rules, "MOST_KEPT", 3)
    project = a_project()
    for number in range(5):
        rules.remember_rules(project, f"type:A -> a{number}")

    kept = ProjectOption.objects.filter(project=project).order_by("pk").values_list("value", flat=True)
    assert list(kept) == ["type:A -> a2", "type:A -> a3", "type:A -> a4"]
