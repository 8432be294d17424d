"""Archives that strangers upload: a manifest is read out of good ones, and nothing bad costs more than a look."""

import hashlib
import struct
import zipfile
from uuid import UUID

import pytest

from tests.support.parts import BUNDLE, an_archive
from vedette.releases import archives
from vedette.releases.archives import BadArchive, Manifest, read_archive


@pytest.fixture
def read(tmp_path):
    def _read(content):
        path = tmp_path / "bundle.zip"
        path.write_bytes(content)
        return read_archive(path)

    return _read


def test_a_manifest_says_what_the_bundle_is(read):
    assert read(an_archive(**{"a.js": b"go()"})) == Manifest(UUID(BUNDLE), "7", 2)


def test_what_stands_before_the_archive_is_no_matter(read):
    assert read(b"SYSB\2\0\0\0" + an_archive()).file_count == 2


def test_an_id_may_have_an_age(read):
    assert read(an_archive({"debug_id": f"{BUNDLE}-1", "files": {}})).bundle_id == UUID(BUNDLE)


@pytest.mark.parametrize("own", [{}, {"debug_id": 7}, {"debug_id": "nothing"}, {"debug_id": None}])
def test_an_archive_without_an_id_is_known_by_its_bytes(read, own):
    content = an_archive({**own, "files": {}})

    assert read(content).bundle_id.hex == hashlib.sha256(content).hexdigest()[:32]


def with_end(content, **changes):
    """The archive with other numbers in what closes it."""
    names = ("mark", "disk", "start_disk", "here", "entries", "listed", "start", "comment")
    end = dict(zip(names, struct.unpack("<4s4H2LH", content[-22:]), strict=True)) | changes
    return content[:-22] + struct.pack("<4s4H2LH", *end.values())


def encrypted(content):
    start = content.index(b"PK\1\2")
    return content[: start + 8] + b"\1\0" + content[start + 10 :]


def swollen(content, size):
    """The archive whose list says that its first file has this size."""
    start = content.index(b"PK\1\2") + 24
    return content[:start] + struct.pack("<L", size) + content[start + 4 :]


BAD = {
    "nothing": (b"", "no zip archive"),
    "text": (b"no archive at all, though long enough for one", "no zip archive"),
    "cut off": (an_archive()[:-5], "no zip archive"),
    "a comment": (with_end(an_archive(), comment=1), "no zip archive"),
    "a list that is too long": (with_end(an_archive(), listed=archives.MOST_LISTED_BYTES + 1), "too many files"),
    "an archive of the large kind": (an_archive()[:-22] + b"PK\6\7" + bytes(16) + an_archive()[-22:], "too many files"),
    "no manifest": (an_archive().replace(b"manifest.json", b"manifesto.jso"), "no manifest.json"),
    "a manifest that is no JSON": (an_archive(b"{"), "no JSON"),
    "a manifest that is a list": (an_archive([]), "names no files"),
    "files that are a list": (an_archive({"files": []}), "names no files"),
    "a file that is a text": (an_archive({"files": {"a": "b"}}), "names no files"),
    "a dist with a null character": (an_archive({"files": {}, "dist": "a\0b"}), "null characters"),
    "an encrypted file": (encrypted(an_archive()), "encrypted"),
    "a bomb": (an_archive(bomb=bytes(archives.SMALL_BYTES + 1)), "unpacks to too much"),
    "a large manifest": (an_archive(b" " * (archives.MOST_MANIFEST_BYTES + 1)), "too large"),
    "a manifest that lies about its size": (swollen(an_archive(), 5), "damaged|no JSON"),
    "a damaged manifest": (an_archive().replace(b"PK\3\4", b"PK\3\5", 1), "damaged"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_archive_is_refused_in_a_sentence(read, case):
    content, sentence = BAD[case]

    with pytest.raises(BadArchive, match=sentence):
        read(content)


def test_many_files_may_not_be_too_much_together(read, monkeypatch):
    monkeypatch.setattr(archives, "MOST_UNPACKED_BYTES", 1000)

    with pytest.raises(BadArchive, match="unpacks to too much"):
        read(an_archive(kind=zipfile.ZIP_STORED, a=bytes(600), b=bytes(600)))
