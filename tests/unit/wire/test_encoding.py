"""Content encodings: right, broken, truncated, and bombs (ingest specification, 3.1)."""

import functools
import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.errors import Refused
from vedette.wire.encoding import decode_body, decode_prefix, encodings
from vedette.wire.refusals import TooLarge, UndecodableBody

MIB = 1024 * 1024
PLAIN = b'{"message":"disk full"}' * 100
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": functools.partial(brotli.compress, quality=1),
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("plain", [PLAIN, b"", bytes(300_000)], ids=["text", "empty", "zeros"])
def test_every_encoding_is_taken_off(name, plain):
    assert decode_body(ENCODERS[name](plain), name, MIB) == plain


def test_encodings_may_be_chained():
    body = ENCODERS["br"](ENCODERS["zstd"](gzip.compress(PLAIN)))

    assert decode_body(body, "gzip, zstd, BR", MIB) == PLAIN


@pytest.mark.parametrize("header", [None, "", "utf-8", "UTF-8", "identity", " , utf-8"])
def test_what_is_no_encoding_is_ignored(header):
    assert decode_body(PLAIN, header, MIB) == PLAIN


@pytest.mark.parametrize("header", ["lzma", "gzip, rot13", "*"])
def test_an_unknown_encoding_is_400(header):
    with pytest.raises(UndecodableBody, match="unsupported content encoding") as caught:
        decode_body(PLAIN, header, MIB)

    assert caught.value.status == 400


def test_a_long_chain_of_encodings_is_400():
    with pytest.raises(UndecodableBody, match="more than 4"):
        encodings("gzip," * 5)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("cut", [1, 10], ids=["one byte", "ten bytes"])
def test_a_truncated_body_is_400(name, cut):
    with pytest.raises(UndecodableBody, match="failed to decode the body"):
        decode_body(ENCODERS[name](PLAIN)[:-cut], name, MIB)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("body", [b"", b"\x00", b"not compressed at all"], ids=["empty", "zero", "text"])
def test_a_body_that_is_not_what_it_says_is_400(name, body):
    with pytest.raises(UndecodableBody, match="failed to decode the body"):
        decode_body(body, name, MIB)


@pytest.mark.parametrize("name", ENCODERS)
def test_the_limit_counts_plain_bytes_and_is_exact(name):
    body = ENCODERS[name](PLAIN)

    assert decode_body(body, name, len(PLAIN)) == PLAIN
    with pytest.raises(TooLarge) as caught:
        decode_body(body, name, len(PLAIN) - 1)
    assert caught.value.status == 413


def test_a_plain_body_has_the_limit_too():
    with pytest.raises(TooLarge):
        decode_body(PLAIN, None, len(PLAIN) - 1)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_bomb_costs_little_more_memory_than_the_limit(name):
    bomb = ENCODERS[name](bytes(60 * MIB))

    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            decode_body(bomb, name, MIB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 12 * MIB


def test_a_bomb_in_a_bomb_is_413():
    with pytest.raises(TooLarge):
        decode_body(gzip.compress(gzip.compress(bytes(50 * MIB))), "gzip, gzip", MIB)


def test_gzip_members_and_padding_are_read():
    assert decode_body(gzip.compress(b"a") + gzip.compress(b"b") + b"\0\0", "gzip", MIB) == b"ab"


def test_zstd_frames_are_read_one_after_the_other():
    assert decode_body(ENCODERS["zstd"](PLAIN) + ENCODERS["zstd"](b"b"), "zstd", MIB) == PLAIN + b"b"


def test_many_gzip_members_are_refused():
    with pytest.raises(UndecodableBody):
        decode_body(gzip.compress(b"a") * 100, "gzip", MIB)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br"])
def test_something_behind_the_end_is_400(name):
    with pytest.raises(UndecodableBody):
        decode_body(ENCODERS[name](PLAIN) + b"tail", name, MIB)


def test_a_zstd_window_beyond_eight_megabytes_is_400():
    wide = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=27)).compressobj()

    with pytest.raises(UndecodableBody):
        decode_body(wide.compress(PLAIN) + wide.flush(), "zstd", MIB)


@given(st.sampled_from(sorted(ENCODERS)), st.binary(max_size=200), st.integers(0, 250), st.binary(max_size=4))
def test_damaged_bodies_are_decoded_or_refused(name, plain, position, damage):
    body = ENCODERS[name](plain)
    body = body[:position] + damage + body[position + len(damage) :]

    try:
        decode_body(body, name, MIB)
        status = 200
    except Refused as refused:
        status = refused.status

    assert status in (200, 400, 413)


@pytest.mark.parametrize("name", ENCODERS)
def test_the_start_of_a_bomb_costs_its_start_only(name):
    bomb = ENCODERS[name](b"{}\n" + bytes(50 * MIB))

    tracemalloc.start()
    try:
        start = decode_prefix(bomb, name, 64 * 1024)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert start == b"{}\n" + bytes(64 * 1024 - 3)
    assert peak < 2 * MIB


@pytest.mark.parametrize("name", ENCODERS)
def test_a_start_is_all_of_a_short_body_and_what_is_there_of_a_truncated_one(name):
    body = ENCODERS[name](PLAIN)

    assert decode_prefix(body, name, MIB) == PLAIN
    assert decode_prefix(body, name, 7) == PLAIN[:7]
    assert PLAIN.startswith(decode_prefix(body[:-1], name, MIB))


def test_the_start_of_a_body_may_lie_in_several_encodings_members_and_frames():
    noise = random.Random(1).randbytes(900_000)
    body = gzip.compress(ENCODERS["zstd"](noise))

    assert decode_prefix(body, "zstd, gzip", 64 * 1024) == noise[: 64 * 1024]
    assert decode_prefix(gzip.compress(b"a") + gzip.compress(b"b"), "gzip", 9) == b"ab"
    assert decode_prefix(ENCODERS["zstd"](b"a") + ENCODERS["zstd"](b"b"), "zstd", 9) == b"ab"
    assert decode_prefix(PLAIN, None, 5) == PLAIN[:5]


@pytest.mark.parametrize("name", ENCODERS)
def test_a_start_that_is_broken_is_400(name):
    with pytest.raises(UndecodableBody):
        decode_prefix(b"\xffnonsense", name, MIB)
