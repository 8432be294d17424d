"""Traces in the API: the tree, the counts, and what a caller does not reach."""

from datetime import timedelta

import pytest

from tests.integration.api.client import Api
from tests.support.factories import a_member, a_prepared_transaction, a_project, an_event, an_organization
from vedette.core import clock
from vedette.digest.values import PreparedSpans

pytestmark = pytest.mark.django_db

TRACE = "a" * 32
PATHS = (f"/organizations/acme/trace/{TRACE}/", f"/organizations/acme/trace-meta/{TRACE}/")


def spans(*rows):
    """(id, parent, op, microseconds) each, the first is the transaction itself."""
    ids, parents, ops, took = (list(column) for column in zip(*rows, strict=True))
    start = round((clock.now() - timedelta(hours=1)).timestamp() * 1_000_000)
    size = len(ids)
    return PreparedSpans(
        span_ids=ids,
        parent_span_ids=parents,
        started_us=[start + n for n in range(size)],
        duration_us=took,
        exclusive_us=took,
        ops=ops,
        statuses=["ok"] * size,
        descriptions=[f"does {op}" for op in ops],
        raw_descriptions=[""] * size,
        group_hashes=["0" * 16] * size,
        details=[b""] * size,
    )


def a_traced(project, *rows, **fields):
    return a_prepared_transaction(
        project,
        trace_id=TRACE,
        span_id=rows[0][0],
        spans=spans(*rows),
        span_count=len(rows) - 1,
        timestamp=clock.now() - timedelta(hours=1),
        **fields,
    )


ROOT, CHILD, CALLED = "1" * 16, "2" * 16, "3" * 16


def test_a_trace_is_a_tree_across_projects_with_its_errors(api, acme, web, digest):
    other = a_project(acme, "other")
    lost = an_event(web, "Lost", trace_id=TRACE, span_id="9" * 16)
    broken = an_event(other, trace_id=TRACE, span_id=CALLED)
    digest(
        a_traced(
            web, (ROOT, "", "http.server", 5000), (CHILD, ROOT, "http.client", 4000), measurements=(("lcp", 1.5),)
        ),
        a_traced(other, (CALLED, CHILD, "http.server", 3000)),
        broken,
        lost,
    )

    top, alone = api.get(PATHS[0]).body

    assert (top["event_id"], top["is_transaction"], top["project_slug"], top["duration"]) == (ROOT, True, "web", 5.0)
    assert top["measurements"] == {"lcp": 1.5}
    (child,) = top["children"]
    assert (child["event_id"], child["op"], child["parent_span_id"]) == (CHILD, "http.client", ROOT)
    (called,) = child["children"]
    assert (called["project_slug"], called["transaction_id"] != top["transaction_id"]) == ("other", True)
    assert [error["event_id"] for error in called["errors"]] == [broken.event_id]
    assert (alone["event_type"], alone["event_id"]) == ("error", lost.event_id)


def test_the_counts_of_a_trace(api, web, digest):
    transaction = a_traced(web, (ROOT, "", "http.server", 5000), (CHILD, ROOT, "db", 1), ("4" * 16, ROOT, "db", 1))
    digest(transaction, an_event(web, trace_id=TRACE))

    assert api.get(PATHS[1]).body == {
        "errors": 1,
        "performance_issues": 0,
        "logs": 0,
        "span_count": 3,
        "span_count_map": {"http.server": 1, "db": 2},
        "transaction_child_count_map": [{"transaction.event_id": transaction.event_id, "count()": 3}],
    }


def test_a_trace_may_be_deeper_than_json_likes(api, web, digest):
    ids = [f"{n:016x}" for n in range(1, 400)]
    rows = [(own, parent, "code", 1) for own, parent in zip(ids, ["", *ids], strict=False)]
    digest(a_traced(web, *rows))

    (level,) = api.get(PATHS[0]).body

    depth = 0
    while len(level["children"]) == 1:
        (level,) = level["children"]
        depth += 1
    assert depth < 60
    assert len(level["children"]) == 399 - depth - 1


def test_what_is_not_there_is_empty_and_what_is_no_id_is_not_found(api, web, events):
    assert api.get(PATHS[0]).body == []
    assert api.get(PATHS[1]).body["span_count"] == 0
    assert api.get("/organizations/acme/trace/nonsense/").status == 404


@pytest.mark.parametrize("path", PATHS)
def test_strangers_and_callers_without_the_scope_get_nothing(path, api, token_of, owner, acme, web, digest):
    digest(a_traced(web, (ROOT, "", "http.server", 5000)))
    stranger = a_member(an_organization("elsewhere"), "eve@example.com", "owner")

    assert api.get(path).status == 200
    assert token_of(stranger).get(path).status == 404
    assert token_of(owner, "team:read").get(path).status == 403
    assert Api().get(path).status == 401


def test_projects_that_the_caller_does_not_reach_or_did_not_name_are_left_out(api, token_of, acme, web, digest):
    other, foreign = a_project(acme, "other"), a_project(an_organization("third"), "foreign")
    digest(
        a_traced(web, (ROOT, "", "http.server", 5000)),
        a_traced(other, (CHILD, "", "http.server", 5000)),
        a_traced(foreign, (CALLED, "", "http.server", 5000)),
    )
    acme.flags = 0  # closed: members reach the projects of their teams
    acme.save()
    member = token_of(a_member(acme, "bob@example.com", "member"))

    assert {span["project_slug"] for span in api.get(PATHS[0]).body} == {"web", "other"}
    assert {span["project_slug"] for span in api.get(f"{PATHS[0]}?project=web").body} == {"web"}
    assert api.get(f"{PATHS[0]}?project=foreign").status == 403
    assert member.get(PATHS[0]).body == []
