"""What of a frame's names counts, and what hostile names may cost."""

import pytest

from vedette.grouping.configs import FIRST
from vedette.grouping.frames import ShapeBook, without_generated
from vedette.grouping.stacktraces import enhancer_for
from vedette.wire.event import Frame

# Each of these took a time quadratic in its length under a pattern that searches for the end of a word from every `$`
# of it: minutes at this size, so that a relapse shows as a test that does not end. No clock is read here.
LONG = 100 * 1024


@pytest.mark.parametrize(
    "module",
    [
        "$" * LONG,
        "$" * LONG + "CGLIB$$",
        "GCGLIB$$" * (LONG // 8),
        "$$a" * (LONG // 3) + "CGLIB$$z",
        "$$EnhancerBy" + "x" * LONG,
        "$EnhancerBy" * (LONG // 11),
        "$$FastClassBy" + "a" * LONG + "$$",
        "$FastClassBy" * (LONG // 12),
        "$HibernateProxyx" * (LONG // 16),
        "$fn__" * (LONG // 5),
        "$$_javassis" * (LONG // 11),
        "GeneratedConstructorAccessor" * (LONG // 28),
    ],
    ids=lambda module: module[:24],
)
def test_a_long_module_that_looks_generated_and_is_not_stays(module: str) -> None:
    assert without_generated(module) == module


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("sun.reflect.GeneratedMethodAccessor31", "sun.reflect.GeneratedMethodAccessor"),
        ("jdk.GeneratedSerializationConstructorAccessor7", "jdk.GeneratedSerializationConstructorAccessor<auto>"),
        ("a.Svc$$EnhancerBySpringCGLIB$$ab12cd34", "a.Svc$$EnhancerBySpringCGLIB$$<auto>"),
        ("a.Svc$$CGLIB$$0f.b", "a.Svc$$CGLIB$$<auto>.b"),
        ("a$$b.SvcCGLIB$$0f", "a$$b.SvcCGLIB$$0f"),
        ("a.Svc$$EnhancerByGuice$$12ab", "a.Svc$$EnhancerByGuice$$<auto>"),
        ("a.Svc$EnhancerByGuice$12ab", "a.Svc$EnhancerByGuice$<auto>"),
        ("a.Svc$$FastClassByGuice$$12ab", "a.Svc$$FastClassByGuice$$<auto>"),
        ("a.Svc$HibernateProxy$Xy_1", "a.Svc$HibernateProxy$<auto>"),
        ("a.core$fn__123", "a.core$fn<auto>"),
        ("a.Svc_$$_javassist_seam_3", "a.Svc_$$_javassist<auto>"),
        ("$$_javassist_seam" * (LONG // 17), "$$_javassist<auto>" * (LONG // 17)),
        ("$$" * (LONG // 2) + "CGLIB$$12", "$$" * (LONG // 2) + "CGLIB$$<auto>"),
    ],
    ids=lambda text: text[:24],
)
def test_generated_parts_of_java_modules_do_not_count(module: str, expected: str) -> None:
    assert without_generated(module) == expected


def test_frames_with_very_long_source_lines_are_not_remembered() -> None:
    book = ShapeBook(enhancer_for("").rules, FIRST)
    short, long = Frame(function="f", context_line="x" * 4096), Frame(function="f", context_line="x" * 4097)

    assert book.shape_of(short, "python") is book.shape_of(short, "python")
    assert book.shape_of(long, "python") is not book.shape_of(long, "python")
    assert book.shape_of(long, "python").component == book.shape_of(short, "python").component
