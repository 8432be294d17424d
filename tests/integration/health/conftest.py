"""A node in a directory of the test's own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vedette.spool.records import Receipt
from vedette.spool.writer import SpoolWriter


@pytest.fixture
def node(tmp_path: Path, settings: Any) -> Callable[..., Any]:
    """Vedette's settings, in an empty data directory; call it to change some."""

    def change(**fields: Any) -> Any:
        settings.VEDETTE = replace(settings.VEDETTE, **fields)
        return settings.VEDETTE

    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    own = change(data_dir=data_dir, redis_url="")
    own.spool_dir.mkdir(mode=0o700)
    return change


@pytest.fixture
def spooled(tmp_path: Path, node: Callable[..., Any]) -> Callable[..., None]:
    """Accept requests that were received at the given Unix times."""

    def accept(*moments: float) -> None:
        writer = SpoolWriter(node().spool_dir / "front-0")
        try:
            for moment in moments:
                writer.append_now(Receipt(1, 2, 3, moment), b"{}")
        finally:
            writer.close()

    return accept
