"""Rows of older files. Source: the relocation specification, 4.2 (step 3) and 9 (#8)."""

import itertools
from typing import Any

import pytest

from vedette.relocation.files import older
from vedette.relocation.files.findings import Finding, FindingKind
from vedette.relocation.files.older import Names, modern_rows
from vedette.relocation.files.reader import Row


def a_row(model: str, pk: int, **fields: Any) -> Row:
    return Row(pk, pk * 10, f"sentry.{model}", pk, fields)


def modern(*rows: Row, **names: Names) -> tuple[dict[tuple[str, int], dict[str, Any]], list[Finding]]:
    """The fields of each row by model and pk, and what was told."""
    told: list[Finding] = []
    found = list(modern_rows(rows, told.append, lambda model: names.get(model.partition(".")[2])))
    return {(row.model.removeprefix("sentry."), row.pk): row.fields for row in found}, told


TEAM = ("team", {"team": 4})
USER = ("user", {"user_id": 9})


@pytest.mark.parametrize(
    ("model", "actor", "owner"),
    [
        ("rule", {"type": 0, "team": 4, "user_id": None}, {"owner_team": 4}),
        ("rule", {"type": 1, "team": None, "user_id": 9}, {"owner_user_id": 9}),
        ("alertrule", {"type": 0, "team": 4, "user_id": None}, {"team": 4}),
        ("alertrule", {"type": 1, "user_id": 9}, {"user_id": 9}),
        ("alertrule", {"type": 1, "user": 9}, {"user_id": 9}),
    ],
    ids=["rule of a team", "rule of a user", "alert of a team", "alert of a user", "user as ordinary key"],
)
def test_an_owner_that_was_an_actor_is_kept(model: str, actor: dict[str, Any], owner: dict[str, Any]) -> None:
    rows = [Row(1, 1, "sentry.actor", 7, actor), a_row(model, 2, owner=7, name="x")]

    for order in itertools.permutations(rows):
        found, told = modern(*(Row(row.number, row.line, row.model, row.pk, dict(row.fields)) for row in order))

        assert found == {(model, 2): {"name": "x", **owner}}
        assert [(finding.kind, finding.severity) for finding in told] == [(FindingKind.TRANSLATED, "note")]


def test_actors_that_teams_and_users_pointed_to_are_known_too() -> None:
    rows = [a_row("rule", 1, owner=7), a_row("rule", 2, owner=8), a_row("actor", 7, type=0), a_row("actor", 8, type=1)]

    found, _ = modern(*rows, a_row("team", 4, actor=7, slug="t"), a_row("user", 9, actor=8))

    assert found[("rule", 1)] == {"owner_team": 4}
    assert found[("rule", 2)] == {"owner_user_id": 9}
    assert found[("team", 4)] == {"slug": "t"}
    assert found[("user", 9)] == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"owner": None, "owner_team": None},
        {"owner": 7, "owner_team": 4, "owner_user_id": None},
        {"owner": 7, "owner_team": None, "owner_user_id": 9},
    ],
    ids=["nobody", "a team", "a user"],
)
def test_an_owner_that_is_told_as_today_stays(fields: dict[str, Any]) -> None:
    found, told = modern(a_row("actor", 7, type=0, team=5), a_row("rule", 1, **fields))

    assert found[("rule", 1)] == {name: value for name, value in fields.items() if name != "owner"}
    assert told == []


def test_an_owner_that_is_not_in_the_file_is_told() -> None:
    found, told = modern(a_row("rule", 3, owner=7, label="x"))

    assert found == {("rule", 3): {"label": "x"}}
    assert [(f.kind, f.model, f.left_pk, f.field, f.line) for f in told] == [
        (FindingKind.NULLED_REFERENCE, "sentry.rule", 3, "owner", 30)
    ]


def test_rows_of_actors_disappear_all_of_them() -> None:
    found, told = modern(*(a_row("actor", pk, type=0, team=pk) for pk in range(5)), a_row("email", 1, email="x"))

    assert found == {("email", 1): {"email": "x"}}
    assert told == []


def test_only_so_many_rows_wait_for_their_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older, "MOST_WAITING", 2)

    found, told = modern(*(a_row("rule", pk, owner=7) for pk in range(1, 5)), a_row("actor", 7, team=4))

    assert [found[("rule", pk)].get("owner_team") for pk in range(1, 5)] == [None, None, 4, 4]
    assert [finding.left_pk for finding in told if finding.kind == FindingKind.NULLED_REFERENCE] == [1, 2]


def test_a_role_that_a_team_gave_is_told_and_left_out() -> None:
    found, told = modern(a_row("team", 4, org_role="owner", slug="t"), a_row("team", 5, org_role=None))

    assert found == {("team", 4): {"slug": "t"}, ("team", 5): {}}
    assert [(f.left_pk, f.field, f.severity) for f in told] == [(4, "org_role", "warning")]


def test_keys_are_called_as_today() -> None:
    member = Names(("organization", "user_id", "inviter_id"), ("organization", "user_id", "inviter_id", "user_email"))

    found, told = modern(
        a_row("organizationmember", 1, organization_id=1, user=2, inviter=None),
        a_row("organizationmember", 2, organization=1, user_id=3, inviter_id=4, user="name"),
        a_row("organizationmember", 3, organization=1, user="somebody"),
        organizationmember=member,
    )

    assert found[("organizationmember", 1)] == {"organization": 1, "user_id": 2, "inviter_id": None}
    assert found[("organizationmember", 2)] == {"organization": 1, "user_id": 3, "inviter_id": 4, "user": "name"}
    assert found[("organizationmember", 3)] == {"organization": 1, "user": "somebody"}
    assert sorted(finding.field or "" for finding in told) == ["inviter", "organization_id", "user"]


def test_a_name_that_is_a_field_of_its_own_is_no_key() -> None:
    names = Names(("owner_id",), ("owner_id", "owner"))

    found, _ = modern(a_row("savedsearch", 1, owner=2), savedsearch=names)

    assert found == {("savedsearch", 1): {"owner": 2}}


def test_rows_of_today_pass_as_they_are_and_in_their_order() -> None:
    rows = [a_row("rule", pk, owner_team=None) for pk in range(5)] + [a_row("unknown", 9, owner=3, actor=2)]

    told: list[Finding] = []
    assert list(modern_rows(rows, told.append)) == rows
    assert told == []
