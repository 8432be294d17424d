import pytest

from vedette.core.files import FileStore


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


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 40, "0" * 39, "0" * 40 + "\n"])
def test_a_name_that_is_no_hash_never_becomes_a_path(tmp_path, name):
    with pytest.raises(ValueError, match="40 lower-case hex digits"):
        FileStore(tmp_path).path(name)
