"""Factories for streams. Whatever a test opens is closed behind it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vedette.spool.reader import SpoolReader
from vedette.spool.records import Receipt
from vedette.spool.writer import SpoolLimits, SpoolWriter


@pytest.fixture
def a_receipt() -> Callable[..., Receipt]:
    def make(**changes: Any) -> Receipt:
        fields: dict[str, Any] = {"organization_id": 1, "project_id": 2, "key_id": 3, "received_at": 1000.0, **changes}
        return Receipt(**fields)

    return make


@pytest.fixture
def a_writer(tmp_path: Path) -> Iterator[Callable[..., SpoolWriter]]:
    made: list[SpoolWriter] = []

    def make(directory: Path = tmp_path / "front-0", **limits: float) -> SpoolWriter:
        limits.setdefault("max_age_seconds", 1e12)
        writer = SpoolWriter(directory, SpoolLimits(**limits))  # type: ignore[arg-type]
        made.append(writer)
        return writer

    yield make
    for writer in made:
        writer.close()


@pytest.fixture
def a_reader(tmp_path: Path) -> Iterator[Callable[..., SpoolReader]]:
    made: list[SpoolReader] = []

    def make(directory: Path = tmp_path / "front-0") -> SpoolReader:
        reader = SpoolReader(directory)
        made.append(reader)
        return reader

    yield make
    for reader in made:
        reader.close()
