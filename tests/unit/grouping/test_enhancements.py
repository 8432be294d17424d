import msgspec
import pytest

from tests.unit.grouping.events import a_frame, an_event, an_exception, exceptions
from vedette.grouping.builtin_rules import builtin_rules, rules_with
from vedette.grouping.configs import NEWSTYLE_2023, NEWSTYLE_2026, Config
from vedette.grouping.enhancement_text import parse_rules
from vedette.grouping.enhancements import names_of
from vedette.grouping.globs import compile_glob, path_matches
from vedette.grouping.group import Recipe, group_event
from vedette.grouping.rule_text import RuleSyntaxError
from vedette.wire.event import Event, Frame


def settled(frames: list[dict[str, object]], platform: str, rules: str = "") -> list[Frame]:
    payload = {"platform": platform, "exception": {"values": [{"type": "E", "stacktrace": {"frames": frames}}]}}
    event = msgspec.json.decode(msgspec.json.encode(payload), type=Event)
    group_event(event, {}, Recipe(rules))
    assert event.exception is not None
    stacktrace = event.exception.values[0].stacktrace
    assert stacktrace is not None
    return stacktrace.frames or []


@pytest.mark.parametrize(
    ("platform", "frame", "in_app"),
    [
        ("python", {"abs_path": "/v/lib/site-packages/a.py", "in_app": True}, False),
        ("python", {"abs_path": "C:\\v\\Site-Packages\\a.py", "in_app": True}, False),
        ("python", {"abs_path": "/srv/app/a.py", "in_app": True}, True),
        ("python", {"abs_path": "/srv/app/a.py"}, False),
        ("php", {"filename": "vendor/x/y.php", "in_app": True}, False),
        ("node", {"abs_path": "/srv/node_modules/x/y.js", "in_app": True}, False),
        ("python", {"abs_path": "/srv/node_modules/x/y.js", "in_app": True}, True),
        ("java", {"module": "java.util.List", "in_app": True}, False),
        ("java", {"module": "javaness.Shop", "in_app": True}, True),
        ("go", {"abs_path": "/go/pkg/mod/x.go", "in_app": True}, False),
        ("native", {"package": "/usr/lib/libc.so", "function": "x", "in_app": True}, False),
        ("native", {"package": "/Users/bob/app", "function": "x"}, True),
    ],
)
def test_the_built_in_rules_know_what_belongs_to_the_app(platform: str, frame: dict[str, object], in_app: bool) -> None:
    assert settled([{"function": "f", **frame}], platform)[0].in_app is in_app


def test_the_clients_word_is_remembered_where_a_rule_changed_it() -> None:
    frames = settled([{"function": "f", "abs_path": "/v/site-packages/a.py", "in_app": True}], "python")

    assert frames[0].data == {"orig_in_app": 1}


def test_a_rule_may_reach_towards_the_crash_and_towards_the_start() -> None:
    three = [{"function": name, "in_app": True} for name in ("first", "second", "third")]

    assert [f.in_app for f in settled(three, "python", "function:second ^-app")] == [True, True, False]
    assert [f.in_app for f in settled(three, "python", "function:second v-app")] == [False, True, True]


def test_a_rule_may_look_at_its_neighbours() -> None:
    frames = [{"function": name, "in_app": True} for name in ("caller", "callee")]

    assert [f.in_app for f in settled(frames, "python", "[ function:caller ] | function:callee -app")] == [True, False]
    assert [f.in_app for f in settled(frames, "python", "function:caller | [ function:callee ] -app")] == [False, True]
    assert [f.in_app for f in settled(frames, "python", "[ function:other ] | function:callee -app")] == [True, True]


def test_later_rules_see_what_earlier_ones_did() -> None:
    rules = "function:a category=odd\ncategory:odd -app\napp:no function:a +app"

    assert settled([{"function": "a", "in_app": True}], "python", rules)[0].in_app is True


@pytest.mark.parametrize(
    "text", ["function:a", "-app", "nonsense:a -app", "function:a -app function:b", "app:maybe -app"]
)
def test_a_rule_that_cannot_be_read_names_its_line(text: str) -> None:
    with pytest.raises(RuleSyntaxError, match="line 2"):
        parse_rules("# fine\n" + text)


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("# fine\n  functoin:a -app", 2, 3, "unknown key 'functoin'"),
        ("function:a", 1, 11, "expected an action such as -app or -group"),
        ("-app", 1, 1, "expected a matcher such as function:name before the action"),
        ("function:a -app b", 1, 17, "expected an action instead of 'b'"),
        ("function:a app", 1, 12, "expected a matcher (key:pattern) or an action instead of 'app'"),
        ("function: -app", 1, 10, "expected a pattern behind 'function:'"),
        ('function:"a -app', 1, 10, "this quotation mark is never closed"),
        (f"function:{'x' * 257} -app", 1, 10, "the pattern has 257 characters, the limit is 256"),
        ("app:maybe -app", 1, 5, "expected yes or no instead of 'maybe'"),
        ("function:a max-frames=x", 1, 23, "expected a number instead of 'x'"),
        ("[ function:a function:b -app", 1, 14, "expected ] behind the matcher"),
        ("[ function:a ] function:b -app", 1, 16, "expected | behind the matcher of the caller"),
        ("function:b | function:a -app", 1, 14, "expected [ and the matcher of the callee behind |"),
    ],
)
def test_5_1_a_mistake_is_told_with_line_and_column(text: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(RuleSyntaxError) as found:
        parse_rules(text)

    assert (found.value.line, found.value.column, found.value.problem) == (line, column, problem)


def test_5_1_all_that_the_language_has_is_read() -> None:
    rules = parse_rules(
        '[ !app:yes ] | stack.module:a.* !error.type:"B C" family:native,c | [ category:x ] ^-group v+app category=y\n'
        "function:* max-frames=3 min-frames=1 invert-stacktrace=1 prefix=1 sentinel=1"
    ).rules

    assert [rule.source.split()[0] for rule in rules] == ["[", "function:*"]
    assert (rules[0].category, rules[1].max_frames, rules[1].min_frames) == ("y", 3, 1)
    assert [(flag.name, flag.value, flag.range) for flag in rules[0].flags] == [
        ("group", False, "^"),
        ("in_app", True, "v"),
    ]


def test_5_5_too_few_frames_make_a_stack_trace_count_for_nothing() -> None:
    few = an_event(exception=exceptions(an_exception("A", "one", [a_frame()])))

    grouping = group_event(few, {}, Recipe("function:* min-frames=2"))

    assert grouping.hashes != group_event(few, {}, Recipe()).hashes
    assert grouping.hashes == group_event(an_event(exception=exceptions(an_exception("A", "one"))), {}, Recipe()).hashes


def test_5_5_the_last_limit_wins_and_zero_is_none() -> None:
    frames = [a_frame(name) for name in ("one", "two", "three")]
    event = an_event(exception=exceptions(an_exception("A", "x", frames)))
    limited = [group_event(event, {}, Recipe(rules)).hashes for rules in ("function:* max-frames=1", "")]

    both = group_event(event, {}, Recipe("function:* max-frames=1\nfunction:* max-frames=0")).hashes

    assert limited[0] != limited[1] == both


@pytest.mark.parametrize(("config", "contributes"), [(NEWSTYLE_2023, True), (NEWSTYLE_2026, False)])
def test_5_6_only_the_older_configuration_revives_frames_that_are_not_in_app(config: Config, contributes: bool) -> None:
    frames = [a_frame("outer", "lib.run", in_app=False), a_frame()]
    event = an_event(exception=exceptions(an_exception("A", "x", frames)))

    [app, *_] = group_event(event, {}, Recipe("module:lib.* +group", config=config)).variants

    assert ("lib.run" in app.component.text) is contributes


def test_rules_about_the_exception_see_its_type_value_and_mechanism() -> None:
    frames = [a_frame("one"), a_frame("two")]
    shown = an_exception("A", "value 7", frames, mechanism={"type": "signal"})
    event = an_event(exception=exceptions(shown))
    plain = group_event(event, {}, Recipe()).hashes

    for rule in ("type:A", "value:value*", "mechanism:signal", "!type:B"):
        assert group_event(event, {}, Recipe(f"{rule} function:one -group")).hashes != plain, rule
    for rule in ("type:B", "value:other", "!mechanism:signal"):
        assert group_event(event, {}, Recipe(f"{rule} function:one -group")).hashes == plain, rule


def test_unreadable_rules_of_a_project_are_ignored_as_a_whole() -> None:
    assert rules_with("function:a -app\nnonsense") is builtin_rules()


def test_every_built_in_rule_is_simple_enough_to_be_remembered_per_frame() -> None:
    assert len(builtin_rules().rules) > 80
    assert builtin_rules().matching(names_of("python", "/srv/app/a.py", None, "app.a", "run", None)) == ()


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("**/vendor/**", "vendor/a.js", True),
        ("**/vendor/**", "/x/vendor/a/b.js", True),
        ("/x/*.js", "/x/a.js", True),
        ("/x/*.js", "/x/y/a.js", False),
        ("x/?.js", "x/a.js", True),
        ("[ab].js", "b.js", True),
        ("[!ab].js", "b.js", False),
        ("[unclosed", "[unclosed", True),
    ],
)
def test_globs(pattern: str, path: str, matches: bool) -> None:
    assert path_matches(compile_glob(pattern, paths=True), path) is matches


def test_an_explanation_names_the_rule_that_had_the_last_word_about_each_frame() -> None:
    frames = [
        a_frame("one", "shop.a"),
        a_frame("two", "shop.b", abs_path="/v/site-packages/b.py"),
        a_frame("three", "shop.c"),
    ]
    event = an_event(exception=exceptions(an_exception("A", "x", frames)))

    told = group_event(event, {}, Recipe("function:one -group\nmodule:shop.* category=shop"), explains=True)

    stack = next(part for part in told.variants[0].component.values if getattr(part, "id", "") == "stacktrace")
    hints = [frame.hint for frame in stack.values if not isinstance(stack, str) and not isinstance(frame, str)]
    category = "has its category by rule: module:shop.* category=shop"
    assert hints == [
        f"{category}; does not count by rule: function:one -group",
        f"not in-app by rule: path:**/site-packages/** -app; {category}",
        category,
    ]
    assert told.hashes == group_event(event, {}, Recipe("function:one -group")).hashes
