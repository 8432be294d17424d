"""Section 3 of the grouping specification: the rules that projects write."""

import pytest

from tests.unit.grouping.events import a_frame, an_event, an_exception, exceptions
from vedette.grouping.configs import NEWSTYLE_2023, NEWSTYLE_2026
from vedette.grouping.fingerprint_rules import fingerprint_rules, first_match, parse_fingerprint_rules
from vedette.grouping.fingerprints import resolve
from vedette.grouping.group import Recipe, group_event
from vedette.grouping.rule_text import RuleSyntaxError
from vedette.wire.event import Event

EXAMPLE = """
# example
error.type:DatabaseUnavailable                       -> system-down
stack.function:*_check app:no !logger:audit.*        -> health-check, {{ error.type }}  title="Health check failed in {{ transaction }}"
"""  # noqa: E501


def matches(rule: str, event: Event, **tags: str) -> bool:
    group_event(event, tags, Recipe())
    return first_match(f"{rule} -> x", event, tags) is not None


def test_3_1_the_example_of_the_specification():
    first, second = parse_fingerprint_rules(EXAMPLE)

    assert (first.line, first.fingerprint, first.title) == (3, ("system-down",), None)
    assert second.fingerprint == ("health-check", "{{ error.type }}")
    assert second.title == "Health check failed in {{ transaction }}"


@pytest.mark.parametrize(
    ("text", "fingerprint", "title"),
    [
        ("type:A -> one two", ("one", "two"), None),
        ("type:A -> one,two", ("one", "two"), None),
        ("type:A->b -> one", ("one",), None),  # the arrow belongs to the pattern
        ('type:"A b" -> "one two", "a \\"b\\" \\\\ \\n"', ("one two", 'a "b" \\ \n'), None),
        ("type:A -> one{{ level }}two", ("one", "{{ level }}", "two"), None),
        ("type:A -> {{level}}", ("{{level}}",), None),
        ('type:A -> title="T {{ type }}" x', ("x",), "T {{ type }}"),
        ('type:A -> title="only a title"', (), "only a title"),
        ('"tags.a:b":c -> x', ("x",), None),
        ("\ttype:A  ->\tx\t", ("x",), None),
        ("tags.a-b.c:d -> x", ("x",), None),
        ("type:A -> a=b", ("a=b",), None),
    ],
)
def test_3_1_the_grammar(text, fingerprint, title):
    [rule] = parse_fingerprint_rules(text)

    assert (rule.fingerprint, rule.title) == (fingerprint, title)


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("nonsense", 1, 9, "expected : and a pattern behind 'nonsense'"),
        ("# fine\n\n  tipe:A -> a", 3, 3, "unknown key 'tipe'"),
        ("type:A", 1, 7, "expected -> and a fingerprint behind the matchers"),
        ("type:A -> a\ntype:A ->", 2, 10, "expected a fingerprint behind ->"),
        ("-> a", 1, 1, "expected a matcher such as error.type:DatabaseDown"),
        ("type:", 1, 6, "expected a pattern behind 'type:'"),
        ("type:A -> a,", 1, 13, "expected a value behind the comma"),
        ("type:A -> { a", 1, 11, "expected a text or a {{ variable }} instead of '{'"),
        ('type:A -> a name="b"', 1, 13, "unknown attribute 'name'"),
        ('type:"A -> a', 1, 6, "this quotation mark is never closed"),
        ("app:maybe -> a", 1, 5, "expected yes or no instead of 'maybe'"),
        ("tags.:x -> a", 1, 1, "unknown key 'tags.'"),
        (f"type:{'x' * 257} -> a", 1, 6, "the pattern has 257 characters, the limit is 256"),
        ("?type:A -> a", 1, 1, "expected a matcher such as error.type:DatabaseDown instead of '?type:A'"),
    ],
)
def test_3_1_a_mistake_is_told_with_line_and_column(text, line, column, problem):
    with pytest.raises(RuleSyntaxError) as found:
        parse_fingerprint_rules(text)

    assert (found.value.line, found.value.column, found.value.problem) == (line, column, problem)
    assert str(found.value) == f"line {line}, column {column}: {problem}"


def test_3_1_too_much_is_a_mistake():
    with pytest.raises(RuleSyntaxError, match="line 1001, column 1: more than 1,000 rules"):
        parse_fingerprint_rules("type:A -> a\n" * 1001)
    with pytest.raises(RuleSyntaxError, match="the limit is 100,000"):
        parse_fingerprint_rules("#" * 100_001)


def test_3_1_a_text_with_a_mistake_is_ignored_as_a_whole():
    assert fingerprint_rules("type:A -> a\nnonsense") == ()


OUTER = a_frame("main", "lib.run", in_app=False, abs_path="/opt/lib/run.py", package="/opt/lib/libRun.so")
INNER = a_frame("pay_check", "shop.pay", abs_path="C:\\shop\\Pay.py")
EVENT = {
    "exception": exceptions(an_exception("IOError", "disk full"), an_exception("PayError", "No Money", [OUTER, INNER])),
    "logentry": {"formatted": "while paying"},
    "logger": "shop.audit",
    "level": "warning",
    "release": "shop@1.2",
    "sdk": {"name": "sentry.javascript.strange"},
}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("error.type:PayError", True),
        ("type:IOError", True),
        ("type:payerror", False),
        ("type:Pay*", True),
        ("value:no?money", True),
        ("type:IOError value:*money", False),  # not the same exception
        ("type:PayError value:*money", True),
        ("!type:PayError", True),  # there is another one
        ("message:WHILE*", True),
        ("message:disk*", True),
        ("message:nothing", False),
        ("logger:shop.*", True),
        ("logger:Shop.*", False),
        ("!logger:shop.*", False),
        ("level:WARNING", True),
        ("release:shop@1.*", True),
        ("!release:shop@2.*", True),
        ("sdk:sentry.javascript", True),
        ("sdk:sentry.python,sentry.javascript", True),
        ("sdk:sentry.javascript.strange", False),
        ("family:other", True),
        ("family:native,javascript", False),
        ("family:all", True),
        ("tags.region:eu", True),
        ("tags.region:eu tags.plan:free", False),
        ("!tags.plan:free", True),
        ("stack.module:shop.*", True),
        ("module:shop.* function:main", False),  # not the same frame
        ("module:lib.* function:main", True),
        ("!module:shop.*", True),
        ("app:no function:main", True),
        ("app:yes function:main", False),
        ("path:c:/SHOP/*.py", True),
        ("path:/opt/*.py", False),
        ("path:/opt/**.py", True),
        ("stack.package:**/librun.so", True),
        ("function:*_check type:IOError logger:shop.audit tags.region:eu", True),
        ("function:*_check type:Other", False),
    ],
)
def test_3_3_and_3_4_what_a_matcher_looks_at(rule, expected):
    assert matches(rule, an_event(**EVENT), region="eu") is expected


def test_3_3_frames_of_threads_and_of_the_event_itself_are_looked_at():
    stack = {"frames": [a_frame("spin")]}

    assert matches("function:spin", an_event(threads={"values": [{"id": 1, "stacktrace": stack}, {"id": 2}]}))
    assert matches("function:spin", an_event(stacktrace=stack))
    assert not matches("function:spin", an_event())
    assert not matches("!function:spin", an_event())


def test_3_4_the_function_is_the_trimmed_name():
    event = an_event(platform="native", exception=exceptions(an_exception(frames=[a_frame("void app::run<int>(int)")])))

    assert matches('function:"app::run<T>"', event)


def test_3_5_the_first_rule_that_matches_wins_over_the_client_and_the_built_in_rules():
    event = an_event(
        platform="javascript", exception=exceptions(an_exception("ChunkLoadError")), fingerprint=["client"]
    )

    mine = group_event(event, {}, Recipe(fingerprinting="type:X -> a\ntype:Chunk* -> b\ntype:* -> c"))
    builtin = group_event(event, {}, Recipe(fingerprinting="type:X -> a"))

    assert (mine.fingerprint, mine.client_fingerprint) == (("b",), ("client",))
    assert mine.rule is not None
    assert (mine.rule.text, mine.rule.line) == ("type:Chunk* -> b", 2)
    assert builtin.fingerprint == ("chunkloaderror",)


def test_3_5_a_title_has_its_variables_filled_in_and_may_come_alone():
    rules = 'type:A -> title="{{ type }}: {{ tags.x }} {{ default }}{{ odd }}"'
    event = an_event(exception=exceptions(an_exception("A", frames=[a_frame()])))

    grouping = group_event(event, {"x": "1"}, Recipe(fingerprinting=rules))

    assert grouping.title == "A: 1 <unrecognized-variable-odd>"
    assert grouping.kind == "default"
    assert grouping.hashes == group_event(event, {}, Recipe()).hashes


def test_3_5_a_rule_may_add_to_the_default():
    event = an_event(exception=exceptions(an_exception("A", frames=[a_frame()])), level="fatal")

    grouping = group_event(event, {}, Recipe(fingerprinting="type:A -> {{ default }} {{ level }}"))

    assert grouping.kind == "hybrid"
    assert grouping.explain()["rule"] == "type:A -> {{ default }} {{ level }}"
    assert grouping.explain()["client_fingerprint"] == ["{{ default }}"]


def test_3_6_react_cannot_hydrate():
    text = "Text content does not match server-rendered HTML."
    event = an_event(platform="javascript", exception=exceptions(an_exception("Error", text, [a_frame()])))

    assert group_event(event, {"transaction": "/cart"}, Recipe()).fingerprint[0] == "hydrationerror"
    assert group_event(event, {}, Recipe()).kind == "default"


@pytest.mark.parametrize(
    ("entry", "before", "now"),
    [
        ("{{ message }}", "order 7", "order <int>"),
        ("{{ value }}", "bad 7", "bad <int>"),
        ("{{ raw_value }}", "{{ raw_value }}", "bad 7"),
        ("{{ odd }}", "{{ odd }}", "<unrecognized-variable-odd>"),
    ],
)
def test_2_3_variables_differ_between_the_configurations(entry, before, now):
    event = an_event(logentry={"formatted": "order 7"}, exception=exceptions(an_exception("A", "bad 7")))

    assert resolve(entry, event, {}, NEWSTYLE_2023) == before
    assert resolve(entry, event, {}, NEWSTYLE_2026) == now
