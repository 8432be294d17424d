"""What is taken as a release, a commit, a ref; and what is refused in which words (release specification, 5)."""

import pytest
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from vedette.api import release_bodies
from vedette.api.release_bodies import (
    WARNINGS,
    ProjectReleaseWish,
    ReleaseChanges,
    ReleaseChangesWithRefs,
    ReleaseWish,
    read,
)
from vedette.core import json
from vedette.releases.models import ReleaseStatus

DATETIME = (
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
)
TOO_LONG = "Ensure this field has no more than {} characters."


def refusal(shape, body):
    with pytest.raises(ValidationError) as refused:
        read(shape, body)
    return json.loads(json.dumps(refused.value.detail))


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"version": ["This field is required."]}),
        ({"version": None}, {"version": ["This field may not be null."]}),
        ({"version": ""}, {"version": ["This field may not be blank."]}),
        ({"version": "x" * 201}, {"version": [TOO_LONG.format(200)]}),
        ({"version": "latest"}, {"version": ["Release with name latest is not allowed"]}),
        ({"version": "a/b"}, {"version": ["Release with name a/b is not allowed"]}),
        ({"version": ".."}, {"version": ["Release with name .. is not allowed"]}),
        ({"version": "1", "ref": "x" * 201}, {"ref": [TOO_LONG.format(200)]}),
        ({"version": "1", "url": "no url"}, {"url": ["Enter a valid URL."]}),
        ({"version": "1", "url": "javascript:alert(1)"}, {"url": ["Enter a valid URL."]}),
        ({"version": "1", "dateReleased": "soon"}, {"dateReleased": [DATETIME]}),
        ({"version": "1", "commits": None}, {"commits": ["This field may not be null."]}),
        ({"version": "1", "commits": "x"}, {"commits": ['Expected a list of items but got type "str".']}),
        ({"version": "1", "status": None}, {"status": ["This field may not be null."]}),
        ({"version": "1", "status": "closed"}, {"status": ["Invalid status closed"]}),
        ({"version": "1", "status": ""}, {"status": ["Invalid status "]}),
    ],
    ids=str,
)
def test_a_field_is_refused_in_the_words_of_the_field(body, errors):
    assert refusal(ProjectReleaseWish, body) == errors


def test_several_fields_are_refused_at_once():
    errors = refusal(ReleaseWish, {"version": "latest", "url": "x", "projects": "web"})

    assert errors.keys() == {"version", "url", "projects"}


@pytest.mark.parametrize(
    ("projects", "errors"),
    [
        ("web", ['Expected a list of items but got type "str".']),
        (None, ["This field may not be null."]),
        ([None], ["Invalid project ids or slugs"]),
        ([{}], ["Invalid project ids or slugs"]),
        ([True], ["Invalid project ids or slugs"]),
        (["a"] * 1001, ["Ensure this field has no more than 1000 elements."]),
    ],
    ids=["text", "null", "null inside", "object", "boolean", "too many"],
)
def test_projects_that_are_no_names_are_refused(projects, errors):
    assert refusal(ReleaseWish, {"version": "1", "projects": projects}) == {"projects": errors}


def test_projects_may_be_none_and_have_to_be_said():
    assert read(ReleaseWish, {"version": "1", "projects": []}).values["projects"] == []
    assert refusal(ReleaseWish, {"version": "1"}) == {"projects": ["This field is required."]}


def test_a_version_is_kept_as_it_is():
    assert read(ProjectReleaseWish, {"version": " 1.0 "}).values["version"] == " 1.0 "


def test_unknown_fields_are_ignored():
    body = read(ProjectReleaseWish, {"version": "1", "dateStarted": "2026-01-02T03:04:05Z", "colour": 1})

    assert body.values == {"version": "1"}


@pytest.mark.parametrize(
    ("commit", "errors"),
    [
        ({}, {"id": ["This field is required."]}),
        ({"id": None}, {"id": ["This field may not be null."]}),
        ({"id": " "}, {"id": ["This field may not be blank."]}),
        ({"id": "x" * 65}, {"id": [TOO_LONG.format(64)]}),
        ({"id": []}, {"id": ["Not a valid string."]}),
        ({"id": "a", "message": {}}, {"message": ["Not a valid string."]}),
        ({"id": "a", "timestamp": "now"}, {"timestamp": [DATETIME]}),
        ({"id": "a", "patch_set": {}}, {"patch_set": ['Expected a list of items but got type "dict".']}),
        ({"id": "a", "patch_set": [{"path": "x"}]}, {"patch_set": {"type": ["This field is required."]}}),
        ("a", {"nonFieldErrors": ["Invalid data. Expected a dictionary, but got str."]}),
    ],
    ids=str,
)
def test_the_first_wrong_commit_says_what_is_wrong_without_its_number(commit, errors):
    good = {"id": "good"}

    assert refusal(ReleaseChanges, {"commits": [good, commit, {}]}) == {"commits": errors}


@pytest.mark.parametrize(
    ("field", "most", "elements"),
    [
        ("commits", "MAX_COMMITS", [{"id": "a"}] * 3),
        ("refs", "MAX_REFS", [{"repository": "r", "commit": "a"}] * 3),
        ("headCommits", "MAX_REFS", [{"repository": "r", "currentId": "a"}] * 3),
    ],
)
def test_a_list_has_an_end(monkeypatch, field, most, elements):
    monkeypatch.setattr(release_bodies, most, 2)

    assert refusal(ReleaseChangesWithRefs, {field: elements}) == {
        field: ["Ensure this field has no more than 2 elements."]
    }
    assert len(read(ReleaseChangesWithRefs, {field: elements[:2]}).values[field]) == 2


def test_the_files_of_all_commits_together_have_an_end(monkeypatch):
    monkeypatch.setattr(release_bodies, "MAX_FILES", 2)
    commits = [{"id": key, "patch_set": [{"path": "a", "type": "A"}] * 2} for key in "ab"]

    assert refusal(ReleaseChanges, {"commits": commits}) == {
        "commits": {"patch_set": ["Ensure this field has no more than 2 elements in all commits."]}
    }


def test_a_commit_is_read():
    commit = {
        "id": "8f1d",
        "repository": "acme/web",
        "author_name": "Ana",
        "author_email": "dependabot[bot]@users.example.com",
        "timestamp": "2026-01-02T04:00:00+02:00",
        "message": " Guard null cart\n\nFixes WEB-1A\n",
        "patch_set": [{"path": "src/cart.ts", "type": "M"}, {"path": "src/new.ts", "type": "A"}],
    }

    body = read(ReleaseChanges, {"commits": [commit]})

    (found,) = body.commits
    assert (found.key, found.repository, found.author_name) == ("8f1d", "acme/web", "Ana")
    assert found.author_email == "dependabot[bot]@users.example.com"
    assert found.timestamp.isoformat() == "2026-01-02T02:00:00+00:00"
    assert found.message == " Guard null cart\n\nFixes WEB-1A\n"
    assert [(change.path, change.type) for change in found.patch_set] == [("src/cart.ts", "M"), ("src/new.ts", "A")]
    assert not found.message_is_null
    assert body.leniency.headers == {}


def test_nulls_of_a_commit_are_nothing_said():
    nulls = dict.fromkeys(("repository", "message", "author_name", "author_email", "timestamp", "patch_set"))

    (found,) = read(ReleaseChanges, {"commits": [{"id": "a", **nulls}]}).commits

    assert (found.repository, found.message, found.author_name, found.author_email) == (None, None, None, None)
    assert (found.timestamp, found.patch_set, found.message_is_null) == (None, (), True)


def test_what_is_too_long_is_cut_and_odd_patches_are_taken_and_the_header_says_so():
    commit = {
        "id": "a",
        "repository": "r" * 300,
        "message": "m" * 70_000,
        "author_name": "n" * 300,
        "author_email": "e" * 300,
        "patch_set": [{"path": "p" * 600, "type": "R"}, {"path": "q", "type": "T"}],
    }

    body = read(ReleaseChanges, {"commits": [commit, {**commit, "id": "b", "patch_set": None}]})

    found = body.commits[0]
    assert (len(found.repository), len(found.author_name), len(found.author_email)) == (200, 128, 200)
    assert len(found.message) == 65_536  # lists hold a hundred of them
    assert [(len(change.path), change.type) for change in found.patch_set] == [(510, "M"), (1, "M")]
    assert json.loads(body.leniency.headers[WARNINGS]) == [
        "author_email was cut to 200 characters (2 times)",
        "author_name was cut to 128 characters (2 times)",
        "message was cut to 65536 characters (2 times)",
        "patch_set path was cut to 510 characters",
        "patch_set type was taken for M (2 times)",
        "repository was cut to 200 characters (2 times)",
    ]


@pytest.mark.parametrize(
    ("ref", "errors"),
    [
        ({"commit": "a"}, {"repository": ["This field is required."]}),
        ({"repository": "", "commit": "a"}, {"repository": ["This field may not be blank."]}),
        ({"repository": "r" * 201, "commit": "a"}, {"repository": [TOO_LONG.format(200)]}),
        ({"repository": "r"}, {"commit": ["This field is required."]}),
        ({"repository": "r", "commit": "..b"}, {"commit": ["Commit cannot begin or end with .."]}),
        ({"repository": "r", "commit": "a.."}, {"commit": ["Commit cannot begin or end with .."]}),
        ({"repository": "r", "commit": "a..b..c"}, {"commit": ["Commit cannot begin or end with .."]}),
        ({"repository": "r", "commit": "a...b"}, {"commit": ["Commit cannot begin or end with .."]}),
        (
            {"repository": "r", "commit": "a" * 65 + "..b"},
            {"commit": ["Start or end commit too long - max is 64 chars each"]},
        ),
        ({"repository": "r", "commit": "a" * 65}, {"commit": ["Commit too long - max is 64 chars"]}),
        ({"repository": "r", "commit": "a", "previousCommit": "b" * 65}, {"previousCommit": [TOO_LONG.format(64)]}),
    ],
    ids=str,
)
def test_a_wrong_ref_is_refused(ref, errors):
    assert refusal(ReleaseChangesWithRefs, {"refs": [ref]}) == {"refs": errors}


def test_refs_are_read_and_a_range_says_both_commits():
    refs = [
        {"repository": "acme/web", "commit": "b", "previousCommit": ""},
        {"repository": "acme/api", "commit": "a..b", "previousCommit": "z"},
    ]

    body = read(ReleaseChangesWithRefs, {"refs": refs})

    assert [(ref.repository, ref.commit, ref.previous_commit) for ref in body.refs] == [
        ("acme/web", "b", None),
        ("acme/api", "b", "a"),
    ]


def test_head_commits_stand_for_refs_where_there_are_none():
    heads = [{"repository": "acme/web", "currentId": "b", "previousId": "a"}]

    old = read(ReleaseChangesWithRefs, {"refs": [], "headCommits": heads})
    both = read(ReleaseChangesWithRefs, {"refs": [{"repository": "r", "commit": "c"}], "headCommits": heads})

    assert [(ref.repository, ref.commit, ref.previous_commit) for ref in old.refs] == [("acme/web", "b", "a")]
    assert [ref.repository for ref in both.refs] == ["r"]
    assert read(ReleaseChangesWithRefs, {"refs": []}).refs == []
    assert read(ReleaseChangesWithRefs, {}).refs is None


def test_nulls_clear_only_where_they_may():
    body = read(ReleaseChanges, {"ref": None, "url": "", "dateReleased": None, "status": "archived"})

    assert body.columns(clearing=True) == {"ref": None, "date_released": None}
    assert body.columns(clearing=False) == {}
    assert body.status is ReleaseStatus.ARCHIVED


NO_LIST = 'Expected a list of items but got type "str".'


@pytest.mark.parametrize(
    ("shapes", "form", "errors"),
    [
        ("create", "", {"version": ["This field is required."]}),
        ("create", "version=", {"version": ["This field may not be blank."]}),
        ("create", f"version={'x' * 201}", {"version": [TOO_LONG.format(200)]}),
        ("create", "version=latest", {"version": ["Release with name latest is not allowed"]}),
        ("create", "version=%20LATEST", {"version": ["Release with name  LATEST is not allowed"]}),
        ("create", "version=a%2Fb", {"version": ["Release with name a/b is not allowed"]}),
        ("create", "version=a%5Cb", {"version": ["Release with name a\\b is not allowed"]}),
        ("create", "version=a%0Ab", {"version": ["Release with name a\nb is not allowed"]}),
        ("create", "version=a%1Fb", {"version": ["Release with name a\x1fb is not allowed"]}),
        ("create", "version=.", {"version": ["Release with name . is not allowed"]}),
        ("create", "version=..", {"version": ["Release with name .. is not allowed"]}),
        ("create", f"version=1&owner={'x' * 201}", {"owner": [TOO_LONG.format(200)]}),
        ("all", f"ref={'x' * 201}", {"ref": [TOO_LONG.format(200)]}),
        ("all", "url=x", {"url": ["Enter a valid URL."]}),
        ("all", f"url=https%3A%2F%2Fexample.com%2F{'x' * 200}", {"url": [TOO_LONG.format(200)]}),
        ("all", "dateReleased=soon", {"dateReleased": [DATETIME]}),
        ("all", "commits=x", {"commits": [NO_LIST]}),
        ("all", "status=gone", {"status": ["Invalid status gone"]}),
        ("all", "status=", {"status": ["Invalid status "]}),
        ("refs", "refs=x", {"refs": [NO_LIST]}),
        ("refs", "headCommits=x", {"headCommits": [NO_LIST]}),
        ("projects", "version=1", {"projects": ["This field is required."]}),
        ("all", "url=x&status=gone", {"url": ["Enter a valid URL."], "status": ["Invalid status gone"]}),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_form_is_refused_in_the_same_words(shapes, form, errors):
    found = {
        "create": (ReleaseWish, ProjectReleaseWish),
        "all": (ReleaseWish, ProjectReleaseWish, ReleaseChanges, ReleaseChangesWithRefs),
        "refs": (ReleaseWish, ReleaseChangesWithRefs),
        "projects": (ReleaseWish,),
    }[shapes]
    for shape in found:
        names = {ReleaseWish: "&version=1&projects=web", ProjectReleaseWish: "&version=1"}.get(shape, "")
        if shapes in ("create", "projects"):
            names = "&projects=web" if shape is ReleaseWish and shapes == "create" else ""
        as_form = QueryDict(form + names)
        as_json = {name: values if name == "projects" else values[0] for name, values in as_form.lists()}

        assert refusal(shape, as_form) == refusal(shape, as_json) == errors


def test_a_form_that_says_everything_is_read_as_json_is():
    said = QueryDict(
        "version=%201.0&projects=web&projects=17&ref=main&url=https%3A%2F%2Fexample.com&status=archived&owner=ann"
        "&dateReleased=2026-01-02T03%3A04%3A05Z&dateStarted=2026-01-02T03%3A04%3A05Z"
    )

    body = read(ReleaseWish, said)

    assert body.values["projects"] == ["web", "17"]
    assert (body.values["version"], body.values["owner"], body.status) == (" 1.0", "ann", ReleaseStatus.ARCHIVED)
    assert {name: str(value) for name, value in body.columns(clearing=False).items()} == {
        "ref": "main",
        "url": "https://example.com",
        "date_released": "2026-01-02 03:04:05+00:00",
    }
    assert (body.commits, body.refs) == (None, None)
