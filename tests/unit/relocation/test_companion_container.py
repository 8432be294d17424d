"""The container of a companion archive: what is written is read, and nothing else is."""

import io
import tarfile
from pathlib import Path

import orjson
import pytest

from vedette.relocation.companion.container import (
    BLOCK,
    ArchiveWriter,
    Contents,
    looks_like_archive,
    read_manifest,
    read_members,
)
from vedette.relocation.companion.pieces import LONGEST_LINE, PieceWriter, read_lines, zstd
from vedette.relocation.files.findings import BadFile, FindingKind


def an_archive(tmp_path: Path, *files: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    writer = ArchiveWriter(stream, {"scope": "Organization"})
    for name, content in files:
        (tmp_path / "member").write_bytes(content)
        writer.add_file(name, tmp_path / "member", 3)
    writer.close()
    return stream.getvalue()


def read(raw: bytes) -> dict[str, bytes]:
    return {member.name: b"".join(member.steps()) for member in read_members(io.BytesIO(raw))}


def kind_of(raw: bytes) -> FindingKind:
    with pytest.raises(BadFile) as refused:
        read(raw)
    return refused.value.finding.kind


def test_what_was_written_is_read(tmp_path):
    rows = "rows/01-releases.release/0001.jsonl.zst"
    raw = an_archive(tmp_path, ("export.json", b"[]"), (rows, b"x" * 1000))

    found = read(raw)

    assert list(found) == ["manifest.json", "export.json", rows, "contents.json"]
    assert found[rows] == b"x" * 1000
    assert read_manifest(found["manifest.json"])["scope"] == "Organization"
    contents = Contents.from_bytes(found["contents.json"])
    assert [(one.name, one.size, one.rows) for one in contents.members[1:]] == [("export.json", 2, 3), (rows, 1000, 3)]


def test_any_tar_shows_what_is_in_it(tmp_path):
    raw = an_archive(tmp_path, ("export.json", b"[]"))

    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        assert tar.getnames() == ["manifest.json", "export.json", "contents.json"]
        assert tar.extractfile("export.json").read() == b"[]"


def test_an_archive_is_told_from_an_export(tmp_path):
    assert looks_like_archive(an_archive(tmp_path)[:BLOCK])
    assert not looks_like_archive(b"[]")
    assert not looks_like_archive(b"[" + b" " * BLOCK)
    assert not looks_like_archive(tar_of(tarfile.TarInfo("export.json"))[:BLOCK])


def test_a_file_that_went_meanwhile_is_left_out(tmp_path):
    writer = ArchiveWriter(io.BytesIO(), {})
    (tmp_path / "here").write_bytes(b"content")

    assert writer.add_blob("0" * 40, tmp_path / "here")
    assert not writer.add_blob("1" * 40, tmp_path / "gone")
    assert (writer.contents.files, writer.contents.file_bytes) == (1, 7)


def tar_of(info: tarfile.TarInfo, content: bytes = b"", form: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as tar:
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def info_of(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize(
    "info",
    [
        info_of("../../etc/passwd"),
        info_of("/etc/passwd"),
        info_of("rows/../../x/0001.jsonl.zst"),
        info_of("files/" + "A" * 40),
        info_of("files/" + "a" * 41),
        info_of("export.json/"),
        info_of("manifest.json", tarfile.SYMTYPE, "/etc/passwd"),
        info_of("files/" + "a" * 40, tarfile.LNKTYPE, "manifest.json"),
        info_of("export.json", tarfile.DIRTYPE),
        info_of("export.json", tarfile.FIFOTYPE),
        info_of("rows/" + "x" * 200 + "/0001.jsonl.zst"),
        info_of("käse"),
    ],
)
def test_a_member_that_is_no_plain_file_of_ours_is_refused(info):
    assert kind_of(tar_of(info)) == FindingKind.MALFORMED_ARCHIVE


def test_a_size_is_not_believed(tmp_path):
    info = info_of("manifest.json")
    info.size = 2**40

    assert kind_of(info.tobuf(tarfile.GNU_FORMAT)) == FindingKind.TOO_LARGE


def test_a_damaged_header_is_refused(tmp_path):
    raw = bytearray(an_archive(tmp_path))
    raw[3] ^= 1

    assert kind_of(bytes(raw)) == FindingKind.MALFORMED_ARCHIVE


@pytest.mark.parametrize("length", [1, 100, 511, 512, 515, 1024, 1030, 1600])
def test_an_archive_that_is_cut_off_is_refused(tmp_path, length):
    raw = an_archive(tmp_path, ("export.json", b"x" * 3000))

    assert kind_of(raw[:length]) == FindingKind.TRUNCATED_FILE


@pytest.mark.parametrize(
    "manifest", [b"", b"[]", b"{}", b'{"format":"other","version":1}', b'{"format":"vedette-archive","version":2}']
)
def test_a_manifest_of_something_else_is_refused(manifest):
    with pytest.raises(BadFile):
        read_manifest(manifest)


@pytest.mark.parametrize("contents", [b"", b"[]", b"{}", b'{"members":[["x"]]}', b"\xff"])
def test_contents_that_say_nothing_are_refused(contents):
    with pytest.raises(BadFile):
        Contents.from_bytes(contents)


def test_rows_are_cut_into_pieces_of_a_bounded_size(tmp_path, monkeypatch):
    monkeypatch.setattr("vedette.relocation.companion.pieces.PIECE_BYTES", 25)
    stream = io.BytesIO()
    archive = ArchiveWriter(stream, {})

    with PieceWriter(archive, "events/errors", tmp_path, b'["id"]\n') as pieces:
        pieces.add(orjson.dumps([number]) + b"\n" for number in range(100, 112))
    archive.close()

    names = [one.name for one in archive.contents.members[1:]]
    assert names == [f"events/errors/000{number}.jsonl.zst" for number in (1, 2, 3)]
    assert ([one.rows for one in archive.contents.members[1:]], pieces.rows) == ([5, 5, 2], 12)
    found = read(stream.getvalue())
    lines: list[bytes] = []
    for name in names:
        (tmp_path / "unpacked").write_bytes(found[name])
        head, *rest = read_lines(tmp_path / "unpacked", name)
        assert head == b'["id"]\n'
        lines += rest
    assert [orjson.loads(line)[0] for line in lines] == list(range(100, 112))
    assert list(tmp_path.glob("piece*")) == []


def test_a_piece_that_explodes_is_refused(tmp_path):
    (tmp_path / "bomb").write_bytes(zstd.compress(b"0" * (LONGEST_LINE + 2)))

    with pytest.raises(BadFile) as refused:
        list(read_lines(tmp_path / "bomb", "rows/x"))

    assert refused.value.finding.kind == FindingKind.TOO_LARGE


@pytest.mark.parametrize("content", [b"no zstd", zstd.compress(b"abc" * 1000)[:-8]])
def test_a_piece_that_does_not_decompress_is_refused(tmp_path, content):
    (tmp_path / "piece").write_bytes(content)

    with pytest.raises(BadFile) as refused:
        list(read_lines(tmp_path / "piece", "rows/x"))

    assert refused.value.finding.kind == FindingKind.MALFORMED_ARCHIVE
