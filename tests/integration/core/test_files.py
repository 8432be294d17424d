import errno
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from vedette.core import files as files_module
from vedette.core.errors import TryAgain
from vedette.core.files import FileStore, name_of


def test_the_same_bytes_lie_on_the_disk_once(tmp_path):
    files = FileStore(tmp_path)

    first, second = files.put(b"dump"), files.put(b"dump")

    assert first == second
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [files.path(first)]
    assert files.path(first).read_bytes() == b"dump"


def test_a_file_is_removed_once(tmp_path):
    files = FileStore(tmp_path)
    name = files.put(b"")

    assert files.remove(name)
    assert not files.remove(name)


def test_pieces_make_a_file_if_they_are_the_announced_ones(tmp_path):
    files = FileStore(tmp_path)
    pieces = [files.put(b"one"), files.put(b"two"), files.put(b"one")]

    assert files.join(pieces, name_of(b"onetwoone")) == 9
    assert files.join(pieces[:1], pieces[0]) == 3  # a piece may be the whole

    assert files.path(name_of(b"onetwoone")).read_bytes() == b"onetwoone"
    assert files.path(pieces[0]).read_bytes() == b"one"
    with pytest.raises(ValueError, match="the pieces are not"):
        files.join(pieces, name_of(b"other"))
    with pytest.raises(FileNotFoundError):
        files.join([name_of(b"gone")], name_of(b"gone"))
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3


def test_threads_may_keep_the_same_bytes_at_once(tmp_path):
    files, content = FileStore(tmp_path), b"x" * 2**20

    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(files.put, [content] * 24))

    assert names == {name_of(content)}
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 40, "0" * 39, "0" * 40 + "\n"])
def test_a_name_that_is_no_hash_never_becomes_a_path(tmp_path, name):
    with pytest.raises(ValueError, match="40 lower-case hex digits"):
        FileStore(tmp_path).path(name)


def test_a_full_disk_is_told_as_such_and_leaves_no_draft(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files_module.os, "fsync", full)

    with pytest.raises(TryAgain):
        FileStore(tmp_path).put(b"dump")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_drafts_that_a_kill_left_are_swept_when_they_are_old(tmp_path):
    files = FileStore(tmp_path)
    kept = files.path(files.put(b"dump"))
    old, new = (kept.with_name(f"{kept.name}.{number}.part") for number in (1, 2))
    for draft in (old, new):
        draft.touch()
    os.utime(old, (0, 0))

    assert files.forget_drafts() == 1
    assert (kept.exists(), old.exists(), new.exists()) == (True, False, True)


def test_a_disk_has_room_until_its_free_space_is_below_the_mark(tmp_path, monkeypatch):
    files = FileStore(tmp_path / "not-made-yet")
    free = shutil.disk_usage(tmp_path).free

    monkeypatch.setattr(files_module, "LEAST_FREE_BYTES", free // 2)
    assert files.has_room()
    monkeypatch.setattr(files_module, "LEAST_FREE_BYTES", free * 2)
    assert not files.has_room()
