"""The view of an event: total on any JSON, and what it makes of the shapes that SDKs send."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.web.eventview import read_event
from vedette.web.eventview.values import LONGEST_VALUE, Meta, value_of

INTERFACES = (
    "exception stacktrace threads breadcrumbs user request contexts tags extra modules sdk logentry errors _meta "
    "debug_meta csp fingerprint grouping timestamp received level title culprit".split()
)
KEYS = (
    "values frames type value module mechanism stacktrace lineno colno filename vars pre_context context_line "
    "post_context in_app data headers cookies query_string url method rem len formatted message name version trace "
    "images packages integrations timestamp level category meta source parent_id handled".split()
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(["[Filtered]", "https://example.com/a?b=c", "javascript:alert(1)", "\ud800", "\u202ecod.exe", ""])
)
keys = st.sampled_from(KEYS) | st.text(string.printable, max_size=8)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5), max_leaves=30
)
payloads = st.dictionaries(st.sampled_from(INTERFACES) | st.text(max_size=6), json_values, max_size=12) | json_values


def every_text(value: object) -> list[str]:
    """All strings in a tree of frozen dataclasses."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [text for part in value for text in every_text(part)]
    if hasattr(value, "__slots__"):
        return [text for name in value.__slots__ for text in every_text(getattr(value, name))]
    return []


@settings(max_examples=300, deadline=None)
@given(payloads)
def test_any_json_gives_a_view_that_can_be_encoded_and_hides_nothing(payload):
    view = read_event(payload)

    texts = every_text(view)
    "".join(texts).encode()
    assert not any("\u202e" in text or "\x00" in text for text in texts)
    assert view.raising is None or view.raising.place


def frame(name, in_app=False, **more):
    return {"filename": f"{name}.py", "function": name, "lineno": 3, "in_app": in_app, **more}


def exception(*frames, **more):
    return {"type": "ValueError", "value": "no", "stacktrace": {"frames": list(frames)}, **more}


def event_with(*exceptions, **more):
    return read_event({"exception": {"values": list(exceptions)}, **more})


def test_the_newest_own_frame_is_open_and_library_frames_are_folded_in_runs():
    view = event_with(exception(frame("main", True), frame("lib1"), frame("lib2"), frame("shop", True), frame("lib3")))

    runs = view.exceptions[0].stacktrace.runs
    assert [(run.in_app, run.is_folded, [f.function for f in run.frames]) for run in runs] == [
        (False, True, ["lib3"]),
        (True, False, ["shop"]),
        (False, True, ["lib2", "lib1"]),
        (True, False, ["main"]),
    ]
    assert [f.function for run in runs for f in run.frames if f.is_open] == ["shop"]
    assert view.raising.function == "shop"


def test_without_own_frames_the_newest_frame_is_open_and_outside_of_the_fold():
    view = event_with(exception(frame("lib1"), frame("lib2"), frame("lib3")))

    runs = view.exceptions[0].stacktrace.runs
    assert [(run.is_folded, len(run.frames)) for run in runs] == [(False, 1), (True, 2)]
    assert runs[0].frames[0].is_open


def test_a_deep_recursion_shows_thirty_frames_and_folds_the_rest():
    view = event_with(exception(*[frame(f"f{n}", True) for n in range(300)]))

    trace = view.exceptions[0].stacktrace
    assert [(run.is_folded, len(run.frames)) for run in trace.runs] == [(False, 30), (True, 220)]
    assert (trace.frame_count, trace.left_out) == (300, 50)


def test_the_reported_exception_comes_first_and_each_cause_says_how_it_led_there():
    view = event_with(
        {
            "type": "KeyError",
            "value": "'id'",
            "mechanism": {"type": "chained", "source": "__context__", "parent_id": 1},
        },
        {"type": "OSError", "value": "x", "mechanism": {"type": "chained", "source": "__cause__", "parent_id": 0}},
        exception(frame("shop", True)),
    )

    assert [(e.type, e.relation) for e in view.exceptions] == [
        ("ValueError", ""),
        ("OSError", "caused by"),
        ("KeyError", "raised while handling"),
    ]


def test_source_lines_are_numbered_around_the_call():
    view = event_with(exception(frame("shop", True, pre_context=["a", "b"], context_line="  c", post_context=["d"])))

    lines = view.raising.lines
    assert [(line.number, line.code, line.is_current) for line in lines] == [
        (1, "a", False),
        (2, "b", False),
        (3, "  c", True),
        (4, "d", False),
    ]
    assert view.raising.current_line == "c"


def test_a_value_that_became_null_by_scrubbing_says_so():
    view = read_event(
        {
            "extra": {"token": None, "plain": None},
            "_meta": {"extra": {"token": {"": {"rem": [["@password:filter", "x"]]}}}},
        }
    )

    assert [(pair.name, pair.value.text, pair.value.kind) for pair in view.extra.rows] == [
        ("token", "[Filtered]", "filtered"),
        ("plain", "null", "word"),
    ]


def test_a_cut_value_says_how_long_it_was():
    meta = Meta({"": {"rem": [["!limit", "s", 8189, 8192]], "len": 9000}})

    assert value_of("x" * 8192, meta).remark == "cut from 9000"


def test_a_huge_value_is_bounded_and_folded():
    value = value_of("x" * 1_000_000)

    assert len(value.text) == LONGEST_VALUE
    assert value.is_long


def test_the_last_twenty_breadcrumbs_are_open_newest_first_with_their_distance():
    crumbs = [{"timestamp": 1_000 + n, "message": f"step {n}"} for n in range(30)]

    view = read_event({"timestamp": 1_031.5, "breadcrumbs": {"values": crumbs}})

    assert [c.message.text for c in view.breadcrumbs.recent][:2] == ["step 29", "step 28"]
    assert len(view.breadcrumbs.recent) == 20
    assert view.breadcrumbs.older[-1].message.text == "step 0"
    assert view.breadcrumbs.recent[0].before == "\u22122.5 s"


def test_only_web_addresses_become_links():
    view = read_event({"request": {"url": "javascript:alert(1)"}, "extra": {"a": "https://example.com/x"}})

    assert view.request.link == ""
    assert view.request.curl == ""
    assert view.extra.rows[0].value.link == "https://example.com/x"


def test_the_curl_command_quotes_for_the_shell_and_leaves_cookies_out():
    view = read_event(
        {
            "request": {
                "url": "https://example.com/pay",
                "method": "POST",
                "query_string": [["q", "a b"]],
                "headers": [["X-Note", "it's; rm -rf /"], ["Cookie", "secret"], ["Host", "example.com"]],
                "data": {"amount": 3},
                "inferred_content_type": "application/json",
            }
        }
    )

    assert view.request.curl == (
        "curl \\\n  -X POST \\\n  'https://example.com/pay?q=a+b' \\\n  -H 'X-Note: it'\"'\"'s; rm -rf /' \\\n"
        "  --data-raw '{\"amount\":3}'"
    )


def test_the_user_is_called_by_the_most_telling_of_what_is_known():
    view = read_event(
        {"user": {"id": "7", "email": "ada@example.com", "geo": {"city": "Vienna"}, "data": {"plan": "pro"}}}
    )

    assert view.user.label == "ada@example.com"
    assert [pair.name for pair in view.user.rows.rows] == ["id", "email", "geo", "plan"]


def test_threads_that_crashed_come_first():
    view = read_event({"threads": {"values": [{"id": 1, "name": "main"}, {"id": 2, "crashed": True}]}})

    assert [thread.id for thread in view.threads] == ["2", "1"]
