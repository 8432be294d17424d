"""Django's settings for the tests: the real ones, in a directory of their own, on databases that tests may fill.

SQLite in a file (so that its locks and its journal are the real ones) unless `VEDETTE_TEST_DATABASE_URL` names a
PostgreSQL server; no Redis unless `VEDETTE_TEST_REDIS_URL` names one. What the caller's shell says about a real
installation (`VEDETTE_DATA_DIR` and the like) is dropped, so that a test never touches it.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests.support.databases import redis_url

OF_TESTS = ("VEDETTE_TEST_", "VEDETTE_SAMPLES", "VEDETTE_FAULT_")  # what a person says to the tests themselves
for _name in list(os.environ):
    if _name.startswith("VEDETTE_") and not _name.startswith(OF_TESTS):
        del os.environ[_name]

TEST_DIR = Path(tempfile.mkdtemp(prefix="vedette-test-"))
atexit.register(shutil.rmtree, TEST_DIR, ignore_errors=True)  # also of a run that ends before conftest.py is read

os.environ["VEDETTE_DATA_DIR"] = str(TEST_DIR)
os.environ["VEDETTE_SECRET_KEY"] = "not-secret-only-for-tests-0123456789abcdefghijklmnopqrstuvwxyz"
if os.environ.get("VEDETTE_TEST_DATABASE_URL"):
    os.environ["VEDETTE_DATABASE_URL"] = os.environ["VEDETTE_TEST_DATABASE_URL"]
if redis_url():
    os.environ["VEDETTE_REDIS_URL"] = redis_url()

from vedette.settings import *  # noqa: E402, F403
from vedette.settings import DATABASES  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(TEST_DIR / "test.sqlite3")}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the slow one is Django's, and tested there
