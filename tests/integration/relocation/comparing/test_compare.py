"""Two files compared: which rows belong together, what is found, and in which order. Source: specification, 7."""

import copy
import hashlib
import io
import json
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.relocation import as_file, every_model, with_strangers
from vedette.core.relocation import Comparator, Generation
from vedette.relocation.comparing import compare
from vedette.relocation.comparing.scratch import Scratch
from vedette.relocation.files.findings import BadFile, FindingKind, Severity
from vedette.relocation.graph import graph
from vedette.relocation.scratch import ScratchBroken

MUST_DIFFER = {FindingKind.UUID4, FindingKind.SUBSCRIPTION_ID}  # an import makes fresh ones
T0 = "2023-06-22T22:59:55.488Z"


@pytest.fixture
def find(tmp_path):
    """Compares two lists of rows and gives the findings; nothing stays on the disk but the list of these."""

    def _find(left, right):
        result = compare(io.BytesIO(as_file(left)), io.BytesIO(as_file(right)), work_dir=tmp_path)
        result.findings.close()
        found = [*result.findings]
        assert [*tmp_path.iterdir()] == [result.findings.path]
        result.findings.path.unlink()
        return found

    return _find


def kinds(findings):
    return [finding.kind for finding in findings]


def row(model, pk, **fields):
    return {"model": f"sentry.{model}", "pk": pk, "fields": fields}


def user(pk, username, **fields):
    return row("user", pk, username=username, password="x" * 50, is_unclaimed=False, **fields)


def team(pk, slug, organization=1):
    return row("team", pk, slug=slug, name=slug, organization=organization)


ORGANIZATION = row("organization", 1, slug="acme", name="Acme")


@pytest.mark.parametrize("generation", [*Generation])
def test_a_file_differs_from_itself_only_where_an_import_makes_something_new(find, generation):
    rows = with_strangers(every_model(generation))

    found = find(rows, rows)

    assert {finding.kind for finding in found if finding.severity is Severity.ERROR} == MUST_DIFFER
    assert [(f.model, f.severity) for f in found if f.kind is FindingKind.UNKNOWN_MODEL] == [
        ("sentry.stranger", Severity.NOTE)
    ]


def shifted(rows, by):
    """The same rows with other primary keys, and every key that leads to them."""
    moved = copy.deepcopy(rows)
    for one in moved:
        one["pk"] += by
        for name in graph()[one["model"]].wire.foreign_keys:
            if one["fields"].get(name) is not None:
                one["fields"][name] += by
    return moved


def test_other_primary_keys_are_no_difference(find):
    rows = [one for one in every_model() if one["model"] in ("sentry.organization", "sentry.team", "sentry.user")]
    rows += [one for one in every_model() if one["model"] in ("sentry.organizationmember", "sentry.useremail")]

    assert find(rows, shifted(rows, 1000)) == []


@pytest.mark.parametrize("pk", [-1, 2**63, 2**64 - 1])
def test_a_key_that_no_row_can_have_is_told(find, pk):
    [finding] = find([ORGANIZATION, team(5, "a", organization=pk)], [ORGANIZATION, team(5, "a")])

    assert (finding.kind, finding.field) == (FindingKind.FOREIGN_KEY, "organization")


def test_ids_inside_of_text_and_json_are_compared_by_where_they_lead(find):
    rows = [
        ORGANIZATION,
        team(5, "a"),
        team(6, "b"),
        row("project", 8, slug="p", organization=1),
        row("dashboard", 1, title="t", organization=1, filters={"project": [8]}),
        row("rule", 1, project=8, data='{"actions":[{"targetType":"Team","targetIdentifier":6}]}'),
        row("notificationaction", 1, organization=1, target_type=2, target_identifier="5"),
    ]
    other = shifted(rows, 10)
    other[4]["fields"]["filters"] = {"project": [18]}
    other[5]["fields"]["data"] = '{"actions": [{"targetType": "Team", "targetIdentifier": 16}]}'
    other[6]["fields"]["target_identifier"] = "15"
    wrong = copy.deepcopy(other)
    wrong[6]["fields"]["target_identifier"] = "16"

    assert find(rows, other) == []
    assert [(f.kind, f.model) for f in find(rows, wrong)] == [(FindingKind.UNEQUAL_JSON, "sentry.notificationaction")]


def test_an_id_that_leads_nowhere_may_be_emptied(find):
    """Which is what an import does, and tells."""
    left = [row("organizationintegration", 1, default_auth_id=7), row("monitor", 1, owner_team_id=9, name="a")]
    right = [row("organizationintegration", 1, default_auth_id=None), row("monitor", 1, owner_team_id=None, name="a")]

    assert find(left, right) == []


# ------------------------------------------------------------ every kind can be reached

BASE = {
    "organization": ORGANIZATION,
    "team": team(1, "web"),
    "user": user(1, "ada", email="ada@example.com", last_active=T0, date_joined=T0),
    "project": row("project", 1, slug="web", organization=1),
    "token": row("apitoken", 1, token="a" * 64, scope_list="['org:read', 'org:write']", user=1, expires_at=T0),
    "monitor": row("monitor", 1, guid="5d6162f7-2631-4c5c-b7e6-600781e9135a", organization_id=1, project_id=1),
    "subscription": row("querysubscription", 1, subscription_id="0/" + "a" * 32, project=1, date_updated=T0),
    "key": row("projectkey", 1, public_key="a" * 32, secret_key="b" * 32, project=1),
}
OK = {
    "monitor": {"guid": "d0209567-0a79-4484-8453-bcb26fa25d75"},
    "subscription": {"subscription_id": "1/" + "b" * 32},
}
GONE = object()
CHANGED = {
    FindingKind.UNEQUAL_JSON: ("team", "name", "Web"),
    FindingKind.AUTO_SUFFIX: ("organization", "slug", "other"),
    FindingKind.AUTO_SUFFIX_EXISTENCE: ("organization", "slug", GONE),
    FindingKind.DATETIME_EQUALITY: ("token", "expires_at", "2024-06-22T22:59:55.488Z"),
    FindingKind.DATETIME_EQUALITY_EXISTENCE: ("token", "expires_at", None),
    FindingKind.DATE_UPDATED: ("user", "last_active", "2020-06-22T22:59:55.488Z"),
    FindingKind.DATE_UPDATED_EXISTENCE: ("user", "last_active", GONE),
    FindingKind.EMAIL_OBFUSCATING: ("user", "email", "eve@example.com"),
    FindingKind.EMAIL_OBFUSCATING_EXISTENCE: ("user", "email", None),
    FindingKind.HASH_OBFUSCATING: ("token", "token", "b" * 64),
    FindingKind.HASH_OBFUSCATING_EXISTENCE: ("token", "token", GONE),
    FindingKind.FOREIGN_KEY: ("team", "organization", 77),
    FindingKind.FOREIGN_KEY_EXISTENCE: ("team", "organization", None),
    FindingKind.SECRET_HEX_EXISTENCE: ("key", "secret_key", None),
    FindingKind.SUBSCRIPTION_ID: ("subscription", "subscription_id", "b" * 32),
    FindingKind.SUBSCRIPTION_ID_EXISTENCE: ("subscription", "subscription_id", None),
    FindingKind.UNORDERED_LIST: ("token", "scope_list", "['org:read', 'org:admin']"),
    FindingKind.UNORDERED_LIST_EXISTENCE: ("token", "scope_list", GONE),
    FindingKind.UUID4: ("monitor", "guid", "5d6162f7-2631-4c5c-b7e6-600781e9135a"),
    FindingKind.UUID4_EXISTENCE: ("monitor", "guid", None),
    FindingKind.USER_PASSWORD: ("user", "password", "y" * 50),
    FindingKind.USER_PASSWORD_EXISTENCE: ("user", "password", GONE),
}


def both_sides(name=None, field=None, value=None):
    left = copy.deepcopy(BASE)
    right = copy.deepcopy(BASE)
    for which, fresh in OK.items():
        right[which]["fields"] |= fresh
    if name is not None:
        if value is GONE:
            del right[name]["fields"][field]
        else:
            right[name]["fields"][field] = value
    return [*left.values()], [*right.values()]


def test_what_an_import_changes_is_tolerated(find):
    assert find(*both_sides()) == []


@pytest.mark.parametrize(("kind", "change"), CHANGED.items(), ids=[str(kind) for kind in CHANGED])
def test_each_kind_of_difference_is_found_where_it_is(find, kind, change):
    name, field, _ = change

    found = find(*both_sides(*change))

    assert kind in kinds(found)
    mine = next(finding for finding in found if finding.kind is kind)
    assert (mine.model, mine.ordinal, mine.left_pk, mine.right_pk) == (BASE[name]["model"], 1, 1, 1)
    assert mine.field == (None if kind is FindingKind.UNEQUAL_JSON else field)
    assert mine.line


def test_a_project_key_is_judged_by_both_of_its_rules_in_the_order_of_their_kinds(find):
    found = find(*both_sides("key", "public_key", "not hexadecimal"))

    assert kinds(found) == [FindingKind.HASH_OBFUSCATING, FindingKind.SECRET_HEX]


def test_every_kind_of_a_comparator_is_reachable():
    unused = {Comparator.EQUAL_OR_REMOVED, Comparator.IGNORED}  # no model has the one, and the other never complains
    both = {FindingKind.SECRET_HEX}  # the test above
    reachable = {kind for kind in {*CHANGED} | both if str(kind).removesuffix("ExistenceCheck") in {*Comparator}}

    assert {Comparator(str(kind).removesuffix("ExistenceCheck")) for kind in reachable} | unused == {*Comparator}


# ------------------------------------------------------------ structure


def test_rows_out_of_order_are_told_and_compared_all_the_same(find):
    left = [ORGANIZATION, team(1, "a"), team(2, "b")]
    right = [ORGANIZATION, team(2, "b"), team(1, "a")]

    found = find(left, right)

    assert kinds(found) == [FindingKind.UNORDERED_INPUT]
    assert (found[0].model, found[0].left_pk, found[0].right_pk) == ("sentry.team", None, 1)
    assert "right" in found[0].reason


def test_the_same_primary_key_twice_is_out_of_order(find):
    assert kinds(find([team(1, "a"), team(1, "b")], [team(1, "a"), team(2, "b")])).count(FindingKind.UNORDERED_INPUT)


def test_a_natural_key_twice_is_told_and_the_others_are_compared(find):
    left = [user(1, "ada"), user(2, "ada"), user(3, "eve", name="Eve")]
    right = [user(1, "ada"), user(2, "ada-k3"), user(3, "eve", name="Eva")]

    found = find(left, right)

    assert [(f.kind, f.left_pk, f.right_pk) for f in found] == [
        (FindingKind.DUPLICATE_CUSTOM_ORDINAL, 2, None),
        (FindingKind.UNEQUAL_JSON, 3, 3),
    ]


def test_of_an_option_that_a_user_has_twice_the_last_one_counts(find):
    left = [user(1, "ada"), *(row("useroption", pk, user=1, key="theme", value=f'"{pk}"') for pk in (1, 2))]
    right = [user(1, "ada"), row("useroption", 9, user=1, key="theme", value='"2"')]

    assert find(left, right) == []


def test_rows_that_one_side_lacks_are_named_and_the_others_are_paired(find):
    left = [ORGANIZATION, team(1, "a"), team(2, "b"), team(3, "c"), row("project", 5, slug="p", organization=1)]
    right = [ORGANIZATION, team(1, "a"), team(2, "c"), row("project", 5, slug="q", organization=1)]

    found = find(left, right)

    assert [(f.kind, f.model) for f in found] == [
        (FindingKind.UNEQUAL_COUNTS, "sentry.team"),
        (FindingKind.UNEQUAL_JSON, "sentry.project"),
    ]
    assert "has 3 rows" in found[0].reason
    assert "only on the left: pk 2" in found[0].reason
    assert "right:" not in found[0].reason


def test_where_rows_are_missing_one_that_changed_is_found_by_what_is_unique(find):
    left = [ORGANIZATION, team(1, "a"), team(2, "b"), team(3, "c"), team(4, "d")]
    right = copy.deepcopy([ORGANIZATION, team(11, "a"), team(12, "c"), team(13, "d"), team(14, "e"), team(15, "f")])
    right[2]["fields"]["name"] = "another"

    found = find(left, right)

    assert [(f.kind, f.left_pk, f.right_pk) for f in found] == [
        (FindingKind.UNEQUAL_COUNTS, None, None),
        (FindingKind.UNEQUAL_JSON, 3, 12),
    ]
    assert "only on the left: pk 2" in found[0].reason
    assert "only on the right: pk 14" in found[0].reason
    assert "pk 15" in found[0].reason
    assert "pk 12" not in found[0].reason


def test_a_model_that_one_side_lacks_is_told(find):
    assert [(f.kind, f.model) for f in find([ORGANIZATION, team(1, "a")], [ORGANIZATION])] == [
        (FindingKind.UNEQUAL_COUNTS, "sentry.team")
    ]


def test_users_are_paired_by_name_and_what_hangs_on_them_by_them(find):
    left = [user(1, "zoe"), user(2, "ada"), user(3, "ada-b")]
    left += [row("useremail", pk, user=pk, email=f"{pk}@example.com") for pk in (1, 2, 3)]
    right = [user(1, "ada-b-x9"), user(2, "ada-k3"), user(3, "zoe-77")]
    right += [row("useremail", pk, user=4 - pk, email=f"{pk}@example.com") for pk in (1, 2, 3)]
    right[3]["fields"]["user"], right[4]["fields"]["user"], right[5]["fields"]["user"] = 3, 2, 1

    assert find(left, right) == []


def test_structure_comes_before_rows_and_models_come_in_canonical_order(find):
    left = [team(2, "b"), team(1, "a"), ORGANIZATION, row("option", 1, key="a", value=1)]
    right = [team(1, "x"), team(2, "b"), row("organization", 1, slug="none", name="Acme")]

    found = find(left, right)

    assert [(f.kind, f.model.removeprefix("sentry.")) for f in found] == [
        (FindingKind.UNEQUAL_COUNTS, "option"),
        (FindingKind.UNORDERED_INPUT, "team"),
        (FindingKind.AUTO_SUFFIX, "organization"),
        (FindingKind.UNEQUAL_JSON, "team"),
    ]


# ------------------------------------------------------------ what is left, as JSON

SAME = {
    "a list as a literal and as JSON": ("sentryapp", "events", "['a', 'b']", '["a","b"]'),
    "a list and its text": ("dashboardwidgetquery", "columns", '["a"]', ["a"]),
    "an option in another spelling": ("option", "value", '{"a": 1, "b": [2]}', '{"b":[2],"a":1}'),
    "a rule in another spelling": ("rule", "data", '{"actions": []}', '{"actions":[]}'),
    "a moment without its zeros": ("team", "date_added", "2023-06-22T22:59:55Z", "2023-06-22T22:59:55.000Z"),
    "bits as a number": ("project", "flags", "10", 10),
    "one number": ("alertrule", "resolve_threshold", 100, 100.0),
}
DIFFERENT = {
    "the order of a list": ("sentryapp", "events", "['a', 'b']", "['b', 'a']"),
    "a text that looks like a number": ("team", "name", "1", 1),
    "true and one": ("team", "idp_provisioned", True, 1),
    "an option": ("option", "value", '"12"', 12),
    "null and nothing at all": ("team", "name", None, GONE),
    "JSON": ("project", "unheard_of", {"a": [1, {"b": 2}]}, {"a": [1, {"b": True}]}),
}


def one_row(model, field, value):
    fields = {} if value is GONE else {field: value}
    return [row(model, 1, **({"key": "k"} if model == "option" else {}), **fields)]


@pytest.mark.parametrize(("model", "field", "left", "right"), SAME.values(), ids=SAME)
def test_another_spelling_is_no_difference(find, model, field, left, right):
    assert find(one_row(model, field, left), one_row(model, field, right)) == []


@pytest.mark.parametrize(("model", "field", "left", "right"), DIFFERENT.values(), ids=DIFFERENT)
def test_another_value_is_a_difference(find, model, field, left, right):
    assert kinds(find(one_row(model, field, left), one_row(model, field, right))) == [FindingKind.UNEQUAL_JSON]


def test_a_difference_is_a_unified_diff_with_fifteen_lines_around(find):
    fields = {f"f{at:02d}": at for at in range(50)}

    (found,) = find([row("team", 1, **fields)], [row("team", 1, **fields | {"f25": -1})])

    lines = found.reason.splitlines()
    assert lines[:3] == ["--- left", "+++ right", "@@ -12,31 +12,31 @@"]
    assert [line for line in lines[3:] if line[0] in "+-"] == ['-  "f25": 25,', '+  "f25": -1,']


def test_of_a_very_long_row_the_place_of_the_first_difference_is_shown(find):
    left, right = list(range(20_000)), [*range(15_000), -1, *range(15_001, 20_000)]

    (found,) = find([row("team", 1, many=left)], [row("team", 1, many=right)])

    assert "-    15000," in found.reason
    assert "+    -1," in found.reason


HIDDEN = {
    "an option with a secret name": row("option", 1, key="mail.password", value='"hunter2-hunter2"'),
    "a secret inside of an option": row("option", 1, key="mail", value='{"api_key": "hunter2-hunter2", "port": 1}'),
    "what signs a user in": row("authenticator", 1, type=1, config='{"secret": "hunter2-hunter2"}'),
    "an unheard-of token": row("stranger", 1, access_token="hunter2-hunter2", note="a"),
}


@pytest.mark.parametrize("left", HIDDEN.values(), ids=HIDDEN)
def test_a_difference_does_not_tell_secrets(find, left):
    right = json.loads(json.dumps(left).replace("hunter2-hunter2", "hunter3-HUNTER2"))

    (found,) = (finding for finding in find([left], [right]) if finding.severity is Severity.ERROR)

    assert found.kind is FindingKind.UNEQUAL_JSON
    assert "hunter" not in found.reason
    assert "HUNTER" not in found.reason


# ------------------------------------------------------------ files


@pytest.mark.parametrize(("kept", "expected"), [("plain", []), ("other", [FindingKind.HASH_OBFUSCATING_EXISTENCE])])
def test_the_hash_of_a_token_stands_for_the_token(find, kept, expected):
    hashed = hashlib.sha256(kept.encode()).hexdigest()

    found = find([row("apitoken", 1, token="plain")], [row("apitoken", 1, hashed_token=hashed)])

    assert kinds(found) == expected


def test_a_file_that_is_no_export_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(BadFile, match="right file"):
        compare(io.BytesIO(b"[]"), io.BytesIO(b'[{"model": "sentry.user"'), work_dir=tmp_path)

    assert [*tmp_path.iterdir()] == []


def test_a_model_that_moved_to_another_app_is_the_same_model(find):
    left, right = row("monitor", 1, name="a"), {"model": "monitors.monitor", "pk": 1, "fields": {"name": "b"}}

    assert [(f.kind, f.model) for f in find([left], [right])] == [(FindingKind.UNEQUAL_JSON, "sentry.monitor")]


def test_the_counts_of_every_model_are_told(tmp_path):
    left, right = [ORGANIZATION, team(1, "a"), team(2, "b")], [ORGANIZATION, team(1, "x"), team(2, "b")]

    result = compare(io.BytesIO(as_file(left)), io.BytesIO(as_file(right)), work_dir=tmp_path)
    result.findings.close()

    counts = {name: (c.left, c.right, c.compared, c.differing) for name, c in result.models.items()}
    assert counts == {"sentry.organization": (1, 1, 1, 0), "sentry.team": (2, 2, 2, 1)}
    assert (result.differences, result.is_clean) == (1, False)


EVERY = every_model()
SCALARS = [
    (at, name)
    for at, one in enumerate(EVERY)
    for name, value in one["fields"].items()
    if value is not None
    and name not in graph()[one["model"]].wire.comparators
    and name not in graph()[one["model"]].wire.foreign_keys
]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.sampled_from(SCALARS), value=st.one_of(st.none(), st.just("changed"), st.just({"changed": [1]})))
def test_any_change_of_what_must_be_equal_is_found(find, where, value):
    at, name = where
    model = EVERY[at]["model"]
    left = [one for one in EVERY if one["model"] == model]
    nth = sum(one["model"] == model for one in EVERY[:at])
    right = copy.deepcopy(left)
    right[nth]["fields"][name] = value

    before = kinds(find(left, left))
    after = find(left, right)

    assert len(after) > len(before)


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    def full(self):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Scratch, "finish_reading", full)

    with pytest.raises(ScratchBroken, match="disk is full"):
        compare(io.BytesIO(b"[]"), io.BytesIO(b"[]"), work_dir=tmp_path)

    assert [*tmp_path.iterdir()] == []
