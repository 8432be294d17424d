"""Sections 6 and 7 of the grouping specification, as far as no worked case stands for a rule."""

from typing import Any

import pytest

from tests.unit.grouping.events import Json, a_frame, an_event, an_exception, exceptions
from vedette.grouping.components import Component
from vedette.grouping.configs import NEWSTYLE_2023, NEWSTYLE_2026, Config
from vedette.grouping.group import FALLBACK, Recipe, group_event
from vedette.grouping.result import Grouping


def grouped(config: Config = NEWSTYLE_2026, **members: Any) -> Grouping:
    return group_event(an_event(**members), {}, Recipe(config=config))


def counting(component: Component) -> list[str]:
    """The ids of the leaves that count."""
    inner = [value for value in component.values if isinstance(value, Component) and value.contributes]
    return [name for one in inner for name in counting(one)] if inner else [component.id]


def stack(*frames: Json) -> Json:
    return {"frames": list(frames)}


def test_1_3_exceptions_come_before_threads_before_the_stack_before_the_message():
    message = {"formatted": "hello"}
    thread = {"values": [{"id": 1, "stacktrace": stack(a_frame("in_thread"))}]}
    alone = {"stacktrace": stack(a_frame("alone"))}
    raised = {"exception": exceptions(an_exception("A"))}

    kinds = [
        grouped(logentry=message, **members).variants[0].component.id
        for members in ({}, alone, {"threads": thread, **alone}, {"threads": thread, **alone, **raised})
    ]

    assert kinds == ["message", "stacktrace", "threads", "exception"]


@pytest.mark.parametrize(
    ("threads", "chosen"),
    [
        ([{"crashed": True, "f": "a"}, {"current": True, "f": "b"}], "a"),
        ([{"crashed": True, "f": "a"}, {"crashed": True, "f": "b"}, {"current": True, "f": "c"}], "c"),
        ([{"f": "a"}], "a"),
        ([{"f": "a"}, {"f": "b"}], None),
        ([{"crashed": True}, {"f": "b"}], None),
    ],
)
def test_7_5_the_thread_that_tells(threads: list[Json], chosen: str | None):
    values = [
        {**thread, "id": number, **({"stacktrace": stack(a_frame(thread["f"]))} if "f" in thread else {})}
        for number, thread in enumerate(threads)
    ]
    for value in values:
        value.pop("f", None)

    found = grouped(threads={"values": values})

    assert (found.hashes == (FALLBACK,)) is (chosen is None)
    if chosen:
        assert chosen in found.variants[0].component.text


def test_7_6_a_template_counts_by_its_file_and_line():
    first, other_line, other_file = (
        grouped(template={"filename": name, "context_line": line, "lineno": 7}).hashes
        for name, line in (("a.html", "{% x %}"), ("a.html", "{% y %}"), ("b.html", "{% x %}"))
    )

    assert len({first, other_line, other_file}) == 3
    assert first == grouped(template={"filename": "a.html", "context_line": "{% x %}", "lineno": 99}).hashes


@pytest.mark.parametrize("member", ["hpkp", "expectct", "expectstaple"])
def test_7_6_other_security_reports_count_by_kind_and_host(member: str):
    def hashes_of(host: str, **more: Any) -> tuple[str, ...]:
        return grouped(**{member: {"hostname": host, **more}}).hashes

    assert hashes_of("a.example", port=1) == hashes_of("a.example", port=2)
    assert hashes_of("a.example") != hashes_of("b.example")
    assert (
        hashes_of("a.example")
        != grouped(**{"hpkp" if member != "hpkp" else "expectct": {"hostname": "a.example"}}).hashes
    )


@pytest.mark.parametrize(
    ("blocked", "same_as"),
    [
        ("https://evil.example/a", "http://evil.example/b"),
        ("", "self"),
        ("'self'", "self"),
        ("data", "data://"),
        ("blob://x/y", "blob://x"),
    ],
)
def test_7_6_what_a_policy_blocked(blocked: str, same_as: str):
    def hashes_of(uri: str) -> tuple[str, ...]:
        return grouped(csp={"effective_directive": "img-src", "blocked_uri": uri}).hashes

    assert hashes_of(blocked) == hashes_of(same_as)


@pytest.mark.parametrize(
    ("config", "path", "counts"),
    [
        (NEWSTYLE_2023, "https://e.example/a.js", False),
        (NEWSTYLE_2023, "/srv/a.js", True),
        (NEWSTYLE_2026, "/srv/a.js", False),
    ],
)
def test_7_1_a_single_javascript_frame_without_a_function(config: Config, path: str, counts: bool):
    frame = {"abs_path": path, "filename": path, "in_app": True}

    found = grouped(config, platform="javascript", exception=exceptions(an_exception("E", "x", [frame])))

    assert ("filename" in counting(found.variants[0].component)) is counts


def test_7_2_a_synthetic_type_counts_among_all_frames_only():
    shown = an_exception("SIGSEGV", "x", [a_frame()], mechanism={"type": "signal", "synthetic": True})

    app, system = grouped(exception=exceptions(shown)).variants

    assert "SIGSEGV" not in app.component.text
    assert "SIGSEGV" in system.component.text


def test_7_4_ids_that_form_no_tree_are_a_plain_chain():
    def one(kind: str, number: int, parent: int | None, is_group: bool = False) -> Json:
        mechanism = {"type": "x", "exception_id": number, "is_exception_group": is_group}
        return an_exception(
            kind, kind, [a_frame()], mechanism={**mechanism, **({"parent_id": parent} if parent is not None else {})}
        )

    for values in (
        [one("A", 1, 7), one("G", 0, None, True)],  # a missing parent
        [one("A", 0, None), one("G", 0, None, True)],  # a number twice
        [one("A", 1, 2), one("B", 2, 1), one("G", 0, None, True)],  # a circle
    ):
        assert grouped(exception=exceptions(*values)).variants[0].component.id == "chained-exception", values


@pytest.mark.parametrize(
    ("platform", "frame", "leaves"),
    [
        ("java", {"module": "a.B", "filename": "B.java", "function": "run"}, ["module", "function"]),
        ("java", {"module": "a.B$$Lambda$7", "filename": "B.java", "function": "lambda$x$1"}, ["filename"]),
        ("csharp", {"function": "Run (int)", "filename": "A.cs"}, ["filename", "function"]),
        ("python", {"function": "f", "context_line": " x "}, ["function", "context-line"]),
        ("go", {"function": "f", "context_line": " x "}, ["function"]),
        ("javascript", {"function": "a.b.?", "filename": "a.js", "abs_path": "/a.js"}, ["filename"]),
        ("javascript", {"function": "eval", "filename": "a.js"}, ["stacktrace"]),
        ("native", {"function": "<redacted>", "filename": "a.c"}, ["filename"]),
        ("php", {"function": "[Anonymous function]", "filename": "a.php"}, ["filename"]),
    ],
)
def test_section_6_what_of_a_frame_counts(platform: str, frame: Json, leaves: list[str]):
    other = a_frame("other", None)
    shown = an_exception("E", "x", [other, {"in_app": True, **frame}])

    component = grouped(platform=platform, exception=exceptions(shown)).variants[0].component
    [trace] = [part for part in component.values if isinstance(part, Component) and part.id == "stacktrace"]
    last = trace.values[-1]

    assert isinstance(last, Component)
    assert (counting(last) if last.contributes else ["stacktrace"]) == leaves
