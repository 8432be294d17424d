import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.errors import RuleBroken
from vedette.issues.search import Term, parse


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        pytest.param("", (), id="empty"),
        pytest.param("is:unresolved is:assigned", (Term("is", ("unresolved",)), Term("is", ("assigned",))), id="is"),
        pytest.param("!is:resolved", (Term("is", ("resolved",), True),), id="negated"),
        pytest.param("assigned_to:me", (Term("assigned", ("me",)),), id="alias"),
        pytest.param('user.email:"a b@c"', (Term("user.email", ("a b@c",)),), id="quoted value"),
        pytest.param(r'x:"a \"b\""', (Term("x", ('a "b"',)),), id="escaped quote"),
        pytest.param("url:*/login*", (Term("url", ("*/login*",)),), id="wildcard"),
        pytest.param("foo:>5", (Term("foo", (">5",)),), id="operator on a tag is text"),
        pytest.param("http://x/y", (Term("http", ("//x/y",)),), id="an address is a filter"),
        pytest.param(
            "ZeroDivisionError app.py", (Term("", ("ZeroDivisionError app.py",)),), id="free text is one term"
        ),
        pytest.param('"a:b" level:error', (Term("level", ("error",)), Term("", ("a:b",))), id="quoted free text"),
        pytest.param("(foo bar)", (Term("", ("(foo bar)",)),), id="parentheses are text"),
        pytest.param('k:[a, "b, c"]', (Term("k", ("a", "b, c")),), id="list"),
        pytest.param("key:[a,,b]", (Term("key", ("[a,,b]",)),), id="a list with a hole is text"),
        pytest.param("tags[level]:x", (Term("tags[level]", ("x",)),), id="forced tag"),
        pytest.param('!has:user foo:""', (Term("has", ("user",), True), Term("foo", ("",))), id="presence"),
    ],
)
def test_a_query_becomes_terms(text, terms):
    assert parse(text) == terms


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("key:", "'key:'"),
        ('key:"a', "Invalid quote"),
        ("key:[a,]", "empty values"),
        ("is:foo", "valid values are"),
        ("is:[resolved, muted]", "not a list"),
        ("error OR warning", "OR"),
        ("a and b", "and"),
        ("age:-24h", "cannot be searched yet"),
        ("status:open", "Invalid status"),
        ("issue.id:x", "Invalid number"),
        ("x" * 4097, "longer than 4096"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_by_its_piece(text, piece):
    with pytest.raises(RuleBroken, match="Error parsing search query: ") as refused:
        parse(text)

    assert piece in str(refused.value)


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text):
    try:
        terms = parse(text)
    except RuleBroken:
        return
    assert all(term.values for term in terms)
