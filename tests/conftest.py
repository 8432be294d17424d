"""What every test may rely on: a clean environment, live servers, and nothing left behind."""

import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack

import pytest

from tests.support import server as live
from tests.support.server import LiveServer
from tests.support.settings import TEST_DIR


@pytest.fixture(scope="session")
def shared_server() -> Iterator[LiveServer]:
    """A live server for the whole session. Make a project of your own in it; do not stop it, kill it or fill it."""
    with LiveServer() as server:
        yield server


@pytest.fixture
def start_server() -> Iterator[Callable[..., LiveServer]]:
    """Starts servers of the test's own: `start_server("--no-digest", environment={…})`."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(LiveServer(*arguments, **options))


@pytest.fixture
def own_server(start_server: Callable[..., LiveServer]) -> LiveServer:
    """A live server of the test's own."""
    return start_server()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the servers that run said last."""
    report = yield
    if report.failed:
        for server in live.running:
            report.sections.append((f"log of {server.url}", server.log_tail()))
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove this process's directory: each worker of a parallel run has its own."""
    shutil.rmtree(TEST_DIR, ignore_errors=True)
