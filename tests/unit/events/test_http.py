"""The pure half of the loopback front."""

import contextlib
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.events._http import (
    ENCODINGS,
    HttpRefused,
    choose_encoding,
    deflate,
    first_word,
    inflate,
    read_form,
    read_target,
    refuse_stateful,
    shape_statement,
    split_insert,
    status_of,
)


class TestBodies:
    @given(st.binary(max_size=3000), st.sampled_from(ENCODINGS), st.integers(1, 4))
    def test_every_frame_of_a_body_is_read(self, body, encoding, frames):
        assert inflate(deflate(body, encoding) * frames, encoding, 20_000) == body * frames

    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_the_limit_holds_to_the_byte(self, encoding):
        body = deflate(b"x" * 1000, encoding)

        assert len(inflate(body, encoding, 1000)) == 1000
        with pytest.raises(HttpRefused) as caught:
            inflate(body, encoding, 999)
        assert caught.value.status == 413

    @given(st.binary(min_size=1, max_size=200), st.sampled_from(ENCODINGS))
    def test_garbage_is_refused_or_read_and_never_anything_else(self, body, encoding):
        with contextlib.suppress(HttpRefused):
            assert len(inflate(body, encoding, 10_000)) <= 10_000

    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_a_body_cut_short_is_refused(self, encoding):
        with pytest.raises(HttpRefused, match="body is no"):
            inflate(deflate(bytes(range(256)) * 10, encoding)[:-4], encoding, 10_000)

    def test_no_encoding_is_no_work(self):
        assert inflate(b"x", "", 0) == inflate(b"x", "identity", 0) == b"x"

    @pytest.mark.parametrize(
        ("accepted", "chosen"),
        [("", ""), ("lz4,zstd,br", "lz4"), ("br, gzip;q=0.5", "gzip"), ("gzip;q=0, deflate", "deflate"), ("x", "")],
    )
    def test_the_first_encoding_that_both_know_is_chosen(self, accepted, chosen):
        assert choose_encoding(accepted) == chosen

    def test_frames_are_what_the_names_say(self):
        assert gzip.decompress(deflate(b"x", "gzip")) == zlib.decompress(deflate(b"x", "deflate")) == b"x"


class TestRequests:
    def test_a_target_is_sorted_into_its_kinds(self):
        target = read_target("/?query=SELECT+1&param_x=%27a%27&max_threads=2&session_id=s&empty=")

        assert (target.path, target.params, target.settings) == ("/", {"x": "'a'"}, {"max_threads": "2"})
        assert target.transport == {"query": "SELECT 1", "session_id": "s"}

    def test_too_many_fields_are_refused(self):
        with pytest.raises(HttpRefused):
            read_target("/?" + "&".join(f"a{n}=1" for n in range(2000)))

    def test_a_form_is_read_byte_by_byte(self):
        value = "line\r\nline -- \0 é"
        body = f'--B\r\nContent-Disposition: form-data; name="param_x"\r\n\r\n{value}\r\n--B--\r\n'.encode()

        assert read_form(body, "multipart/form-data; boundary=B") == {"param_x": value}

    def test_a_file_in_a_form_is_refused(self):
        body = b'--B\r\nContent-Disposition: form-data; name="t"; filename="t.tsv"\r\n\r\n1\r\n--B--'

        with pytest.raises(HttpRefused) as caught:
            read_form(body, "multipart/form-data; boundary=B")
        assert caught.value.status == 501


class TestStatements:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (b"INSERT INTO `t` (`a`) FORMAT Native\n\x01\x02", ("INSERT INTO `t` (`a`)", "Native", b"\x01\x02")),
            (b"insert into t format CSV\n1,2\nFORMAT x\n", ("insert into t", "CSV", b"1,2\nFORMAT x\n")),
            (b"INSERT INTO t FORMAT Native\n", ("INSERT INTO t", "Native", b"")),
            (b"INSERT INTO t VALUES (1)", None),
            (b"INSERT INTO t SELECT 1", None),
            (b"SELECT 1 FORMAT CSV\n", None),
        ],
    )
    def test_an_insert_is_parted_from_its_data(self, body, expected):
        assert split_insert(body) == expected

    @pytest.mark.parametrize(
        ("body", "text", "output_format"),
        [
            (b"SELECT 1", b"SELECT 1\nFORMAT CSV\nSETTINGS a = '1'", "CSV"),
            (b" select 1\n FORMAT Native ; ", b"select 1\n FORMAT Native\nSETTINGS a = '1'", "Native"),
            (b"-- why\n/* x */ (SELECT 1)", b"-- why\n/* x */ (SELECT 1)\nFORMAT CSV\nSETTINGS a = '1'", "CSV"),
            (b"OPTIMIZE TABLE t", b"OPTIMIZE TABLE t", None),
        ],
    )
    def test_format_and_settings_stand_where_grammar_wants_them(self, body, text, output_format):
        statement = shape_statement(body, "CSV", "a = '1'")

        assert (statement.text, statement.output_format) == (text, output_format)
        assert statement.inline_settings == (output_format is not None)

    @pytest.mark.parametrize(
        "body", [b"SET a = 1", b" use db", b"/* x */ Set a=1", b"CREATE OR REPLACE TEMPORARY TABLE t"]
    )
    def test_what_changes_a_session_is_refused(self, body):
        with pytest.raises(HttpRefused):
            refuse_stateful(body)

    def test_the_first_word_is_found_behind_anything(self):
        assert [first_word(s) for s in (b"", b"((select 1))", b"--a\n--b\nWITH x", b"1")] == [
            b"",
            b"SELECT",
            b"WITH",
            b"1",
        ]

    def test_codes_have_statuses(self):
        assert [status_of(code) for code in (62, 60, 516, 241, 0, 202)] == [400, 404, 403, 500, 500, 503]
