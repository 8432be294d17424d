"""A stream written and read on a real disk."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from vedette.spool.errors import SpoolFull, SpoolUnavailable
from vedette.spool.files import (
    damaged_files,
    file_numbers,
    file_path,
    note_consumed,
    position_of,
    split_position,
    streams,
)
from vedette.spool.reader import Depth
from vedette.spool.writer import SpoolLimits, SpoolWriter, StreamTaken, claim_stream


def commits_in(directory):
    """How many transactions the logs hold: a frame that ends one says the size of the file after it."""
    count = 0
    for path in directory.glob("*-wal"):
        log = path.read_bytes()
        frame = 24 + int.from_bytes(log[8:12])  # a header and a page, after the log's own header of 32 bytes
        count += sum(log[start + 4 : start + 8] != bytes(4) for start in range(32, len(log), frame))
    return count


def test_what_is_appended_is_read_in_order(a_writer, a_reader, a_receipt):
    writer = a_writer()
    receipt = a_receipt(encoding="gzip", event_id="a" * 32, refused=((1, "key_quota"),))

    positions = [writer.append_now(receipt, body) for body in (b"one", b"", b"three")]

    items = a_reader().read()
    assert [(item.position, item.body) for item in items] == list(zip(positions, [b"one", b"", b"three"], strict=True))
    assert items[0].receipt == receipt


def test_reading_goes_on_behind_a_position_and_in_bounds(a_writer, a_reader, a_receipt):
    writer, reader = a_writer(), a_reader()
    positions = [writer.append_now(a_receipt(), b"x" * 10) for _ in range(6)]

    assert [item.position for item in reader.read(positions[1], max_items=2)] == positions[2:4]
    assert [item.position for item in reader.read(positions[1], max_bytes=25)] == positions[2:5]
    assert reader.read(positions[-1]) == []


def test_a_range_is_the_same_on_every_replay(a_writer, a_reader, a_receipt):
    writer = a_writer(file_bytes=30_000)
    positions = [writer.append_now(a_receipt(), bytes(5000)) for _ in range(20)]
    first = [item.position for item in a_reader().read_range(positions[3], positions[16])]

    writer.append_now(a_receipt(), b"later")

    assert first == positions[3:17]
    assert [item.position for item in a_reader().read_range(positions[3], positions[16])] == first


def test_one_commit_answers_all_that_wait(a_writer, a_reader, a_receipt, tmp_path):
    writer = a_writer()

    async def flood() -> list[int]:
        return await asyncio.gather(*(writer.append(a_receipt(), b"%d" % number) for number in range(5000)))

    positions = asyncio.run(flood())

    assert positions == sorted(positions)
    assert len(set(positions)) == 5000
    assert [int(item.body) for item in a_reader().read(max_items=10_000)] == list(range(5000))
    assert commits_in(writer.directory) < 500


def test_files_rotate_by_size_and_positions_keep_growing(a_writer, a_reader, a_receipt):
    writer = a_writer(file_bytes=50_000)

    positions = [writer.append_now(a_receipt(), bytes(10_000)) for _ in range(30)]

    assert len(file_numbers(writer.directory)) > 3
    assert positions == sorted(set(positions))
    assert [item.position for item in a_reader().read()] == positions


def test_a_new_writer_begins_a_new_file(a_writer, a_receipt):
    first = a_writer()
    before = first.append_now(a_receipt(), b"x")
    first.close()

    after = a_writer().append_now(a_receipt(), b"y")

    assert split_position(after)[0] > split_position(before)[0]


def test_positions_do_not_start_again_when_the_directory_is_emptied(a_writer, a_receipt):
    first = a_writer()
    before = first.append_now(a_receipt(), b"x")
    first.close()
    for path in first.directory.iterdir():
        path.unlink()
    time.sleep(1.1)

    assert a_writer().append_now(a_receipt(), b"y") > before


def test_two_writers_never_share_a_stream(a_writer, tmp_path):
    a_writer(tmp_path / "front-0")

    with pytest.raises(StreamTaken):
        SpoolWriter(tmp_path / "front-0")


def test_a_second_front_claims_the_next_stream(tmp_path):
    first, second = claim_stream(tmp_path), claim_stream(tmp_path)
    first.close()
    third = claim_stream(tmp_path)

    assert [writer.directory.name for writer in (first, second, third)] == ["front-0", "front-1", "front-0"]
    assert [path.name for path in streams(tmp_path)] == ["front-0", "front-1"]
    second.close()
    third.close()


def test_the_depth_of_a_stream_is_known_across_files(a_writer, a_reader, a_receipt):
    writer, reader = a_writer(file_bytes=50_000), a_reader()
    positions = [writer.append_now(a_receipt(received_at=1000.0 + number), bytes(10_000)) for number in range(20)]

    depths = [reader.depth(after) for after in (0, positions[4], positions[-1])]

    assert [depth.items for depth in depths] == [20, 15, 0]
    assert [depth.oldest_received_at for depth in depths] == [1000.0, 1005.0, None]
    assert 200_000 < depths[0].bytes < 210_000
    assert depths[1].bytes == depths[0].bytes * 15 // 20
    assert depths[2] == Depth(0, 0, None)
    assert reader.last_position() == positions[-1]


def test_an_empty_stream_has_no_depth_and_no_last_position(a_writer, a_reader, tmp_path):
    a_writer()

    assert a_reader().depth(0) == Depth(0, 0, None)
    assert a_reader().last_position() == 0
    assert a_reader(tmp_path / "nowhere").read() == []


def test_forgetting_removes_whole_files_but_never_the_newest(a_writer, a_reader, a_receipt):
    writer, reader = a_writer(file_bytes=50_000), a_reader()
    positions = [writer.append_now(a_receipt(), bytes(10_000)) for _ in range(20)]
    numbers = file_numbers(writer.directory)
    last_of_first = max(position for position in positions if split_position(position)[0] == numbers[0])

    assert reader.forget(last_of_first - 1) == 0
    assert reader.forget(last_of_first) == 1
    assert reader.forget(positions[-1]) == len(numbers) - 2

    assert file_numbers(writer.directory) == numbers[-1:]
    assert sorted(path.name for path in writer.directory.glob("*.sqlite*")) == [
        f"{numbers[-1]:010d}.sqlite{side}" for side in ("", "-shm", "-wal")
    ]
    assert reader.read(positions[-1]) == []


def test_a_full_spool_refuses_until_the_digest_has_come_further(a_writer, a_reader, a_receipt):
    writer = a_writer(max_bytes=100_000)
    for _ in range(9):
        last = writer.append_now(a_receipt(), bytes(10_000))

    with pytest.raises(SpoolFull) as caught:
        writer.append_now(a_receipt(), bytes(10_000))
    assert caught.value.status == 429

    a_reader().forget(last)
    within(5, lambda: not writer.is_full(10_000))
    writer.append_now(a_receipt(), bytes(10_000))


def test_counted_refusals_still_fit_into_a_full_spool(a_writer, a_reader, a_receipt):
    writer = a_writer(max_bytes=100)

    async def append() -> int:
        with pytest.raises(SpoolFull):
            writer.append(a_receipt(), bytes(200))
        return await writer.append(a_receipt(kind="outcomes"), b"[]", beyond_limits=True)

    assert asyncio.run(append()) == a_reader().last_position()


def test_a_spool_whose_oldest_item_is_too_old_refuses(a_writer, a_receipt):
    writer = a_writer(max_age_seconds=60)
    writer.append_now(a_receipt(received_at=time.time() - 100), b"old")
    within(5, writer.is_full)

    with pytest.raises(SpoolFull):
        writer.append_now(a_receipt(received_at=time.time()), b"new")

    note_consumed(writer.directory, 2**62)
    within(5, lambda: not writer.is_full())


def test_a_closed_writer_has_stored_what_waited_and_takes_no_more(a_writer, a_reader, a_receipt):
    writer = a_writer()

    async def append_and_close() -> list[int]:
        futures = [writer.append(a_receipt(), b"x") for _ in range(500)]
        await asyncio.to_thread(writer.close)
        return await asyncio.gather(*futures)

    positions = asyncio.run(append_and_close())

    assert [item.position for item in a_reader().read()] == positions
    with pytest.raises(SpoolUnavailable):
        writer.append_now(a_receipt(), b"y")


def test_closing_does_not_copy_the_log(a_writer, a_reader, a_receipt):
    writer = a_writer()
    writer.append_now(a_receipt(), bytes(1_000_000))

    writer.close()

    path = file_path(writer.directory, file_numbers(writer.directory)[0])
    assert path.stat().st_size < 20_000
    assert len(a_reader().read()) == 1
    assert path.stat().st_size < 20_000


def test_a_request_that_was_cancelled_meanwhile_disturbs_nobody(a_writer, a_receipt):
    writer = a_writer()

    async def append() -> int:
        futures = [writer.append(a_receipt(), b"x") for _ in range(10)]
        futures[3].cancel()
        return await futures[9]

    assert asyncio.run(append()) > 0


def test_an_empty_file_of_a_killed_writer_is_passed_over(a_writer, a_reader, a_receipt):
    writer = a_writer()
    writer.append_now(a_receipt(), b"x")
    writer.close()
    file_path(writer.directory, file_numbers(writer.directory)[0] + 1).touch()
    later = a_writer()
    last = later.append_now(a_receipt(), b"y")

    reader = a_reader()

    assert [item.body for item in reader.read()] == [b"x", b"y"]
    assert reader.depth(0).items == 2
    assert reader.forget(last) == 2
    assert reader.take_damage() == []


def test_a_file_that_is_no_database_is_reported_and_set_aside(a_writer, a_reader, a_receipt):
    broken = a_writer()
    broken.append_now(a_receipt(), b"x")
    broken.close()
    number = file_numbers(broken.directory)[0]
    path = file_path(broken.directory, number)
    path.with_name(path.name + "-wal").unlink()
    path.write_bytes(b"this is no database at all" * 1000)
    writer = a_writer()
    last = writer.append_now(a_receipt(), b"y")
    reader = a_reader()

    assert [item.body for item in reader.read()] == [b"y"]
    assert [item.body for item in reader.read()] == [b"y"]
    (damage,) = reader.take_damage()
    assert (damage.file, damage.position) == (f"{number:010d}", 0)
    assert "not a database" in damage.reason
    assert reader.depth(0).items == 1

    reader.forget(last)
    assert [path.name for path in damaged_files(writer.directory)] == [f"{number:010d}.sqlite.damaged"]


def test_rows_on_healthy_pages_of_a_damaged_file_are_still_read(a_writer, a_reader, a_receipt):
    writer = a_writer()
    positions = [writer.append_now(a_receipt(), b"%03d" % number + bytes(3000)) for number in range(40)]
    writer.close()
    number = file_numbers(writer.directory)[0]
    path = file_path(writer.directory, number)
    connection = sqlite3.connect(path)
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    damage_a_leaf(path)
    reader = a_reader()

    bodies = [int(item.body[:3]) for item in reader.read()]

    lost = {positions.index(damage.position) for damage in reader.take_damage()}
    assert lost
    assert len(bodies) >= 30
    assert sorted(lost | set(bodies)) == list(range(40))


def damage_a_leaf(path):
    content = bytearray(path.read_bytes())
    page = next(
        start for start in range(4096 * 8, len(content), 4096) if content[start] == 13 and content[start + 4096] == 13
    )
    content[page : page + 100] = b"\xff" * 100
    path.write_bytes(content)


def test_a_receipt_that_cannot_be_read_is_reported_with_its_bytes(a_writer, a_reader, a_receipt):
    writer = a_writer()
    first = writer.append_now(a_receipt(), b"one")
    writer.append_now(a_receipt(), b"two")
    writer.close()
    connection = sqlite3.connect(file_path(writer.directory, split_position(first)[0]))
    connection.execute("update items set receipt = x'00ff' where id = 1")
    connection.commit()
    connection.close()
    reader = a_reader()

    assert [item.body for item in reader.read()] == [b"two"]
    (damage,) = reader.take_damage()
    assert (damage.position, damage.receipt, damage.body) == (first, b"\x00\xff", b"one")


DISK_FULL = """
import resource, signal, sys, time
from pathlib import Path
from vedette.spool.errors import SpoolUnavailable
from vedette.spool.reader import SpoolReader
from vedette.spool.records import Receipt
from vedette.spool.writer import SpoolWriter

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = SpoolWriter(Path(sys.argv[1]))
receipt = Receipt(1, 2, 3, time.time())
kept = [writer.append_now(receipt, bytes(1000))]
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
refused = 0
for _ in range(20):
    try:
        kept.append(writer.append_now(receipt, bytes(100_000)))
    except SpoolUnavailable as error:
        assert error.status == 503
        refused += 1
    time.sleep(0.05)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
time.sleep(0.3)
kept.append(writer.append_now(receipt, bytes(100_000)))
writer.close()
assert refused, "the limit was never met"
stored = [item.position for item in SpoolReader(Path(sys.argv[1])).read()]
assert set(kept) <= set(stored), (kept, stored)
"""


def test_a_full_disk_is_503_and_heals_by_itself(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(tmp_path / "front-0")], capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr


KILLED = """
import asyncio, sys, time
from pathlib import Path
from vedette.spool.records import Receipt
from vedette.spool.writer import SpoolLimits, SpoolWriter

async def client(writer, number):
    turn = 0
    while True:
        body = b"%d-%d " % (number, turn) + bytes(2000)
        position = await writer.append(Receipt(1, 2, 3, time.time()), body)
        print(f"{number}-{turn} {position}", flush=True)
        turn += 1

async def main():
    writer = SpoolWriter(Path(sys.argv[1]), SpoolLimits(file_bytes=300_000))
    await asyncio.gather(*(client(writer, number) for number in range(16)))

asyncio.run(main())
"""


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path, a_reader, a_writer, a_receipt):
    directory = tmp_path / "front-0"
    acknowledged: list[tuple[bytes, int]] = []
    for seconds in (0.4, 0.7, 0.5):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(directory)], stdout=subprocess.PIPE, text=True)
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        output, _ = process.communicate(timeout=30)
        timer.join()
        for line in output.splitlines(keepends=True):
            name, _, position = line.partition(" ")
            if position.endswith("\n"):  # the last line may have been cut by the kill
                acknowledged.append((name.encode(), int(position)))

    stored = {item.position: item.body for item in a_reader(directory).read(max_items=10**6)}

    assert len(acknowledged) > 50
    assert all(stored[position].startswith(name + b" ") for name, position in acknowledged)
    assert a_writer(directory).append_now(a_receipt(), b"after") > max(stored)
    assert a_reader(directory).take_damage() == []


def test_a_reader_follows_a_writer_without_missing_anything(a_writer, a_reader, a_receipt):
    writer, reader = a_writer(file_bytes=40_000), a_reader()

    def write() -> None:
        for number in range(300):
            writer.append_now(a_receipt(), b"%04d" % number + bytes(1000))

    thread = threading.Thread(target=write)
    thread.start()
    seen: list[int] = []
    after = 0
    deadline = time.monotonic() + 30
    while len(seen) < 300 and time.monotonic() < deadline:
        for item in reader.read(after, max_items=7):
            seen.append(int(item.body[:4]))
            after = item.position
        reader.forget(after)
    thread.join()

    assert seen == list(range(300))
    writer.close()  # the last row may have filled its file, and the next one is made by another thread
    reader.forget(after)
    assert len(file_numbers(writer.directory)) == 1


def test_a_writer_removes_what_lies_beside_files_that_are_gone(a_writer, a_reader, a_receipt, tmp_path):
    writer = a_writer()
    position = writer.append_now(a_receipt(), b"kept")
    directory = writer.directory
    writer.close()
    for name in ("0000000007.sqlite-wal", "0000000007.sqlite-shm"):
        (directory / name).write_bytes(b"")

    a_writer(directory)

    assert not list(directory.glob("0000000007*"))
    assert [item.position for item in a_reader(directory).read(0)] == [position]


def test_positions_are_made_of_file_and_row():
    assert split_position(position_of(7, 9)) == (7, 9)
    assert position_of(8, 1) > position_of(7, 2**32 - 1)


def within(seconds, condition):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_the_limits_suit_one_machine():
    assert SpoolLimits().file_bytes < SpoolLimits().max_bytes
