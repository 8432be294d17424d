"""Section 5.7 of the grouping specification: what of system code counts in native programs."""

import pytest

from tests.unit.grouping.events import an_event, an_exception, exceptions
from vedette.grouping.components import Component
from vedette.grouping.group import Recipe, group_event
from vedette.grouping.native_rules import FUNCTIONS, PACKAGES, native_rules

APP, KERNEL = "/Users/ann/Shop.app/Contents/Shop", "/usr/lib/system/libsystem_kernel.dylib"
LIBC, STD = "/lib/x86_64-linux-gnu/libc.so.6", "/opt/libstdc++.so.6"


def counting(*frames: tuple[str, str]) -> list[str]:
    """The functions that count among all frames, oldest first."""
    shown = [{"function": function, "package": package} for function, package in frames]
    event = an_event(platform="native", exception=exceptions(an_exception("SIGABRT", frames=shown)))
    component = group_event(event, {}, Recipe()).variants[-1].component
    values = [value for value in component.values if isinstance(value, Component)]
    stack = next(value for value in values if value.id == "stacktrace")
    found = [frame.text for frame in stack.values if isinstance(frame, Component) and frame.contributes]
    return found or [f"({stack.id} does not count)"]


@pytest.mark.parametrize(
    ("case", "frames", "expected"),
    [
        ("user code counts", [("main", APP), ("pay", APP)], ["main", "pay"]),
        (
            "how a thread starts does not count",
            [("clone3", LIBC), ("start_thread", LIBC), ("run", APP), ("pay", APP)],
            ["run", "pay"],
        ),
        (
            "a runner's frames and all before them do not count",
            [("main", APP), ("UIApplicationMain", "/System/Library/UIKitCore"), ("tap", APP)],
            ["tap"],
        ),
        (
            "what happens behind a throw does not count",
            [("pay", APP), ("abort", LIBC), ("raise", LIBC), ("kill", LIBC)],
            ["pay", "abort"],
        ),
        (
            "a signal handler and what it does do not count",
            [("pay", APP), ("_sigtramp", KERNEL), ("on_signal", APP), ("write_report", APP)],
            ["pay"],
        ),
        (
            "of system code that calls system code the first frame counts",
            [("pay", APP), ("read", LIBC), ("read_more", LIBC), ("read_all", LIBC)],
            ["pay", "read"],
        ),
        (
            "of allocations the first frame counts",
            [("pay", APP), ("malloc", LIBC), ("szone_malloc", LIBC), ("tiny_malloc", LIBC)],
            ["pay", "malloc"],
        ),
        (
            "a system frame between others does not count",
            [("pay", APP), ("qsort", LIBC), ("compare", APP)],
            ["pay", "compare"],
        ),
        (
            "system functions with an underscore do not count",
            [("pay", APP), ("read", LIBC), ("pay_more", APP), ("_hidden", LIBC), ("visible", LIBC)],
            ["pay", "pay_more", "visible"],
        ),
        ("frames without symbols do not count", [("pay", APP), ("<redacted>", KERNEL)], ["pay"]),
        ("cold parts of functions do not count", [("pay", APP), ("pay.cold.1", APP)], ["pay"]),
        (
            "code that only passes on does not count",
            [("pay", APP), ("objc_msgSend", APP), ("tap", APP)],
            ["pay", "tap"],
        ),
        ("reporters do not count", [("pay", APP), ("sentry__capture", APP)], ["pay"]),
        (
            "of standard libraries the first frame counts",
            [("pay", APP), ("std::a", STD), ("std::b", STD)],
            ["pay", "std::a"],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_counts_in_a_native_stack(case, frames, expected):
    assert counting(*frames) == expected


def test_every_category_has_patterns_and_every_rule_is_read():
    assert set(PACKAGES) | set(FUNCTIONS) >= set(
        "system std ui runtime av malloc gl driver free load dtor lock shutdown throw handler threadbase indirection "
        "telemetry internals".split()
    )
    assert '""' not in native_rules()


def test_crashes_of_different_allocators_are_one_issue():
    def hashes_of(*frames):
        shown = [{"function": function, "package": package} for function, package in (("pay", APP), *frames)]
        event = an_event(platform="native", exception=exceptions(an_exception("SIGSEGV", frames=shown)))
        return set(group_event(event, {}, Recipe()).hashes)

    assert hashes_of(("malloc", LIBC), ("szone_malloc", LIBC)) & hashes_of(
        ("malloc", LIBC), ("tiny_malloc_should", LIBC)
    )
    assert hashes_of(("malloc", LIBC)) & hashes_of(("malloc", LIBC), ("_int_malloc", LIBC))
