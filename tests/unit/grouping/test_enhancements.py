import msgspec
import pytest

from vedette.grouping.builtin_rules import builtin_rules, rules_with
from vedette.grouping.enhancements import RuleSyntaxError, names_of, parse_rules
from vedette.grouping.globs import compile_glob, path_matches
from vedette.grouping.group import group_event
from vedette.wire.event import Event, Frame


def settled(frames: list[dict[str, object]], platform: str, rules: str = "") -> list[Frame]:
    payload = {"platform": platform, "exception": {"values": [{"type": "E", "stacktrace": {"frames": frames}}]}}
    event = msgspec.json.decode(msgspec.json.encode(payload), type=Event)
    group_event(event, {}, rules)
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
