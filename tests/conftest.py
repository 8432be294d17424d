"""What every test may rely on: a clean environment, and nothing left behind."""

import shutil

import pytest

from tests.support.settings import TEST_DIR


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove this process's directory: each worker of a parallel run has its own."""
    shutil.rmtree(TEST_DIR, ignore_errors=True)
