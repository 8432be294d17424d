"""Forms, as crash reporters send them (RFC 7578; ingest specification, 1.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.wire.multipart import (
    MAX_BOUNDARY_LENGTH,
    MAX_NEAR_MISSES,
    MAX_PADDING,
    MAX_PART_HEADER_BYTES,
    MAX_PARTS,
    Part,
    boundary_in,
    boundary_of,
    parse_multipart,
)
from vedette.wire.refusals import Malformed


def part(disposition: str, content: bytes = b"x", more: str = "") -> bytes:
    return f"--b\r\nContent-Disposition: form-data; {disposition}{more}\r\n\r\n".encode() + content + b"\r\n"


def names(body: bytes) -> list[tuple[str, str | None]]:
    return [(one.name, one.filename) for one in parse_multipart(body + b"--b--\r\n", b"b")]


@pytest.mark.parametrize(
    ("disposition", "name", "filename"),
    [
        ('name="a"', "a", None),
        ("name=a", "a", None),
        ('name="a"; filename="b.dmp"', "a", "b.dmp"),
        ('name="a"; filename=""', "a", ""),
        ('name="a;b"; filename="c=d"', "a;b", "c=d"),
        ('name="a"; filename="C:\\new\\b.dmp"', "a", "b.dmp"),
        ('name="a"; filename="../../etc/passwd"', "a", "passwd"),
        ('name="a"; filename="say \\"hi\\".txt"', "a", 'say "hi".txt'),
        ('name="a"; filename="say %22hi%22.txt"', "a", 'say "hi".txt'),
        ("name=a; filename=x; filename*=UTF-8''%E2%82%AC.txt", "a", "€.txt"),
        ('name="a"; name="b"', "a", None),
        ("", "", None),
    ],
)
def test_the_disposition_names_the_part(disposition, name, filename):
    assert names(part(disposition)) == [(name, filename)]


def test_contents_are_taken_byte_by_byte():
    contents = [b"", b"\r\n", b"x--b", b"\r\n--bb\r\n", b"\r\n--b?", bytes(range(256))]
    body = b"preamble\r\n" + b"".join(part("name=a", content) for content in contents) + b"--b--\r\nepilogue"

    assert [bytes(one.content) for one in parse_multipart(body, b"b")] == contents


def test_a_part_may_say_its_type_and_a_boundary_may_be_padded():
    body = part("name=a", more="\r\nContent-Type: image/png").replace(b"--b\r\n", b"--b \t\r\n") + b"--b--"

    assert parse_multipart(body, b"b")[0].content_type == "image/png"


def test_padding_has_a_bound_behind_which_a_line_is_content():
    padded = [b"--b" + b" " * length + b"\r\nx" for length in (MAX_PADDING, MAX_PADDING + 1)]

    (as_part,) = parse_multipart(padded[0][:-1] + b"\r\nx\r\n--b--", b"b")
    (as_content,) = parse_multipart(part("name=a", padded[1]) + b"--b--", b"b")

    assert bytes(as_part.content) == b"x"
    assert bytes(as_content.content) == padded[1]


def test_only_so_many_lines_may_begin_like_a_boundary():
    allowed = part("name=a", b"\r\n--bb" * MAX_NEAR_MISSES)

    assert len(parse_multipart(allowed + b"--b--", b"b")) == 1
    with pytest.raises(Malformed):
        parse_multipart(allowed + part("name=a", b"\r\n--bb") + b"--b--", b"b")


@pytest.mark.parametrize(
    ("allowed", "refused", "cause"),
    [
        (part("name=a") * MAX_PARTS, part("name=a") * (MAX_PARTS + 1), "more than 500 parts"),
        (b"--b\r\n\r\n" * MAX_PARTS, b"--b\r\n\r\n" * (MAX_PARTS + 1), "more than 500 parts"),
        (
            b"--b" + b"\r\n".ljust(MAX_PART_HEADER_BYTES - 4, b"h") + b"\r\n\r\n\r\n",
            b"--b" + b"\r\n".ljust(MAX_PART_HEADER_BYTES - 3, b"h") + b"\r\n\r\n\r\n",
            "the header of a part does not end within 8192 bytes",
        ),
        (
            part("", b"\r\n--bb" * MAX_NEAR_MISSES),
            part("", b"\r\n--bb" * (MAX_NEAR_MISSES + 1)),
            "more than 1000 lines only begin like a boundary",
        ),
        (
            part("", b"\r\n--bb") * 200 + part("", b"\r\n--bb" * 800),
            part("", b"\r\n--bb") * 200 + part("", b"\r\n--bb" * 801),
            "more than 1000 lines only begin like a boundary",
        ),
        (
            b"--b" + b" " * MAX_PADDING + b"\r\n\r\n\r\n",
            b"--b" + b" " * (MAX_PADDING + 1) + b"\r\n\r\n\r\n",
            "does not end",
        ),
    ],
    ids=["parts", "parts without a header", "header", "near misses", "near misses of all parts", "padding"],
)
def test_every_bound_is_exact_and_its_refusal_is_400(allowed, refused, cause):
    assert parse_multipart(allowed + b"--b--", b"b")

    with pytest.raises(Malformed) as caught:
        parse_multipart(refused + b"--b--", b"b")
    assert (caught.value.status, caught.value.reason) == (400, "invalid_multipart")
    assert cause in caught.value.causes[0]


class Counted(bytes):
    """A body that counts how often it is searched, and how many bytes of it are."""

    searches = searched = 0

    def find(self, wanted: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        found = super().find(wanted, start, end)
        last = len(self) if end is None else min(end, len(self))
        self.searches += 1
        self.searched += (last if found < 0 else found + len(wanted)) - start
        return found


B = b"boundary" * 5
HOSTILE = {
    "near misses": b"\r\n--" + B + b"!",
    "shorter near misses": b"\r\n--" + B[:-1],
    "near misses without an end": b"\r\n--" + B[:-1] + b"\r",
    "line ends": b"\r\n",
    "dashes": b"--",
    "padding": b"\r\n--" + B + b" " * (MAX_PADDING + 1),
    "padding without an end": b" ",
    "tiny parts": b"\r\n--" + B + b"\r\n\r\n",
    "closing lines": b"\r\n--" + B + b"--",
    "headers": b"\r\n--" + B + b"\r\n" + b"a:b\r\n" * 1000,
    "headers that end": b"\r\n--" + B + b"\r\n" + b"a:b\r\n" * 1000 + b"\r\n",
    "nested quotes": b"\r\n--" + B + b'\r\nContent-Disposition: form-data; name="' + b'\\"' * 3000 + b"\r\n\r\n",
    "quotes": b"\r\n--" + B + b"\r\nContent-Disposition: " + b';a="' * 1500 + b"\r\n\r\n",
    "parameters without a value": b"\r\n--" + B + b"\r\nContent-Disposition: " + b"; a " * 1500 + b"\r\n\r\n",
}


@pytest.mark.parametrize("start", [b"", b"--" + B + b"\r\n\r\n"], ids=["before a part", "in a part"])
@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_each_byte_of_a_hostile_body_is_looked_for_a_boundary_once(start, unit):
    body = Counted(start + unit * (2_000_000 // len(unit)))

    try:
        parts = parse_multipart(body, B)
    except Malformed:
        parts = ()

    assert len(parts) <= MAX_PARTS
    assert body.searches <= 2 * (MAX_PARTS + 1) + MAX_NEAR_MISSES
    # Besides: what may be a head is searched for its end, and an empty part's marker begins where its head ends.
    assert body.searched <= len(body) + (MAX_PARTS + 1) * (MAX_PART_HEADER_BYTES + 2)


def test_a_form_within_a_form_is_read_where_it_lies():
    inner = b"--b\r\nContent-Disposition: form-data; name=in\r\n\r\ncontent\r\n--b--"
    body = b"--out\r\nContent-Disposition: form-data; name=form\r\n\r\n" + inner + b"\r\n--out\r\n\r\n--b\r\n--out--"

    outer = parse_multipart(body, b"out")
    (found,) = parse_multipart(body, b"b", outer[0])

    assert (found.name, bytes(found.content)) == ("in", b"content")
    assert found.content.obj is body
    with pytest.raises(Malformed):
        parse_multipart(body, b"b", outer[1])


@pytest.mark.parametrize("cut", range(1, 72))
def test_a_form_within_a_form_ends_where_its_part_does(cut):
    inner = b"--b\r\nContent-Disposition: form-data; name=in\r\n\r\ncontent\r\n--b--"
    within = Part("", None, "", memoryview(inner)[:-cut], 0)

    with pytest.raises(Malformed):
        parse_multipart(inner, b"b", within)


def test_a_form_may_be_empty():
    assert parse_multipart(b"--b--", b"b") == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"--b",
        b"--b\r\n",
        b"--b\r\n\r\n\r\nx",
        b"--b x\r\n\r\n\r\n\r\n--b--",
        b"--c--",
        part("name=a"),
        part("name=a") * (MAX_PARTS + 1) + b"--b--",
        part("name=" + "a" * 9000) + b"--b--",
    ],
    ids=range(10),
)
def test_a_broken_form_is_refused(body):
    with pytest.raises(Malformed, match="invalid multipart body"):
        parse_multipart(body, b"b")


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=b", b"b"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b"', b"a b"),
        ("application/json; boundary=b", None),
        ("", None),
        (None, None),
    ],
)
def test_the_boundary_stands_in_the_content_type(content_type, boundary):
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "; boundary",
        "; boundary=",
        '; boundary=""',
        "; boundary=" + "b" * (MAX_BOUNDARY_LENGTH + 1),
        "; boundary=" + "€" * (MAX_BOUNDARY_LENGTH // 3 + 1),
        "; a" * 10_000,
        ';a="' * 10_000,
        '; boundary="' + '\\"' * 10_000,
    ],
    ids=range(9),
)
def test_without_a_boundary_nothing_can_be_found(parameters):
    with pytest.raises(Malformed) as caught:
        boundary_of("multipart/form-data" + parameters)
    assert (caught.value.status, caught.value.reason) == (400, "invalid_multipart")


def test_a_boundary_may_have_its_full_length():
    boundary = "b" * MAX_BOUNDARY_LENGTH

    assert boundary_of(f"multipart/form-data; boundary={boundary}") == boundary.encode()
    assert boundary_in(memoryview(f"--{boundary}\r\n".encode())) == boundary.encode()
    assert boundary_in(memoryview(f"--{boundary}b\r\n".encode())) is None


@pytest.mark.parametrize(("body", "found"), [(b"--b\r\nx", b"b"), (b"MDMP", None), (b"--\r\n", None), (b"--b", None)])
def test_a_form_without_its_type_is_known_by_its_first_line(body, found):
    assert boundary_in(memoryview(body)) == found


@given(st.binary(max_size=300) | st.lists(st.sampled_from([b"--b", b"\r\n", b"--", b"x", b": "])).map(b"".join))
def test_any_bytes_are_a_form_or_refused(body):
    try:
        parts = parse_multipart(body, b"b")
    except Malformed:
        return
    assert sum(len(one.content) for one in parts) <= len(body)
