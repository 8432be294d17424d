"""What the processes of a server hold for themselves, read from /proc."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes (10^6). `private` is anonymous memory; `pss` counts pages of shared files by their share."""

    private: float
    pss: float

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(round(self.private + other.private, 1), round(self.pss + other.pss, 1))


def of_process(pid: int) -> Memory:
    """One process; nothing if it is gone."""
    try:
        rollup = _fields(Path(f"/proc/{pid}/smaps_rollup").read_text())
        status = _fields(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return Memory(0.0, 0.0)
    return Memory(round(status.get("RssAnon", 0) * 1.024e-3, 1), round(rollup.get("Pss", 0) * 1.024e-3, 1))


def of_processes(pids: Iterable[int]) -> Memory:
    """Several together."""
    total = Memory(0.0, 0.0)
    for pid in pids:
        total += of_process(pid)
    return total


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / 100


def _fields(text: str) -> dict[str, int]:
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if len(words) == 2 and words[1] == "kB":
            found[name] = int(words[0])
    return found
