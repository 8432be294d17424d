"""Between the controls of the stream and the query that page and API share."""

import pytest
from django.http import QueryDict

from vedette.web.filters import composed, join_query, read_filters, split_query, tag_term


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        pytest.param("is:unresolved", ("unresolved", "", ""), id="usual"),
        pytest.param("is:ignored level:error boom", ("archived", "error", "boom"), id="older name, level, text"),
        pytest.param("is:unresolved is:assigned", ("unresolved", "", "is:assigned"), id="what no control shows"),
        pytest.param("level:nonsense x", ("", "", "level:nonsense x"), id="unknown level"),
        pytest.param('city:"St. Gallen" is:resolved', ("resolved", "", 'city:"St. Gallen"'), id="quotes stay whole"),
        pytest.param("!is:resolved", ("", "", "!is:resolved"), id="negation is no status"),
        pytest.param("", ("", "", ""), id="everything"),
    ],
)
def test_a_query_comes_apart_into_the_controls(query, parts):
    assert split_query(query) == parts


@pytest.mark.parametrize(
    ("controls", "query"),
    [
        (("unresolved", "", ""), "is:unresolved"),
        (("", "error", "  boom   now "), "level:error boom now"),
        (("unresolved", "error", "is:resolved x"), "level:error is:resolved x"),
        (("nonsense", "nonsense", ""), ""),
    ],
)
def test_the_controls_make_one_query_and_what_is_typed_wins(controls, query):
    assert join_query(*controls) == query


def test_a_sent_form_becomes_the_canonical_address():
    sent = QueryDict("status=unresolved&level=error&text=boom&project=web&environment=&statsPeriod=7d&cursor=1:0:0")

    canonical = composed(sent)

    assert canonical is not None
    assert canonical.dict() == {"query": "is:unresolved level:error boom", "project": "web", "statsPeriod": "7d"}


def test_a_canonical_address_is_left_alone():
    assert composed(QueryDict("query=is:resolved&cursor=1:0:0")) is None


def test_an_empty_query_means_everything_and_a_missing_one_the_usual():
    assert read_filters(QueryDict("query=")).query == ""
    assert read_filters(QueryDict("")).query == "is:unresolved"


def test_nonsense_in_the_address_falls_back_to_the_usual():
    filters = read_filters(QueryDict("statsPeriod=5y&sort=evil&groupStatsPeriod=1s"))

    assert (filters.period, filters.sort, filters.series) == ("14d", "date", "24h")


@pytest.mark.parametrize(
    ("key", "value", "term"),
    [
        ("city", "Wien", "city:Wien"),
        ("city", "St. Gallen", 'city:"St. Gallen"'),
        ("url", 'a"b\\c', 'url:"a\\"b\\\\c"'),
        ("glob", "a*b", 'glob:"a*b"'),
        ("project", "web", "tags[project]:web"),
        ("a:b", "c", '"a:b":c'),
        ("user", "id:7", "user:id:7"),
        ("empty", "", 'empty:""'),
    ],
)
def test_a_tag_becomes_a_condition(key, value, term):
    assert tag_term(key, value) == term
