"""Any value in any field of any model: an import takes it, or names the row; nothing else happens.

`VEDETTE_TEST_FUZZ_ROUNDS` does more of it, `VEDETTE_TEST_FUZZ_SEED` repeats what failed.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from tests.support.moving import Mover, wipe
from tests.support.relocation import every_model
from vedette.core.relocation import RelocationScope
from vedette.relocation.files.findings import Finding, FindingKind
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.importing.options import ImportScope

pytestmark = pytest.mark.django_db

ROUNDS = int(os.environ.get("VEDETTE_TEST_FUZZ_ROUNDS", "4"))
SEED = int(os.environ.get("VEDETTE_TEST_FUZZ_SEED") or random.SystemRandom().randrange(10**6))
JUNK: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    7,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63),
    2**64 - 1,
    1.5,
    1e308,
    -0.0,
    "",
    " ",
    "x",
    "0",
    "-1",
    "null",
    "[]",
    "{}",
    '"x"',
    "[1, 2]",
    "{a,b}",
    "['a', 'b']",
    "x" * 300,
    "x" * 70_000,
    "Ärger 🐘",
    "n\0n",
    '"n\\u0000n"',
    "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00Z",
    "2023-06-22",
    "gAJYBgAAADIyLjkuMHEALg==",
    "../../etc/passwd",
    "00000000-0000-4000-8000-000000000000",
    "127.0.0.1",
    "ann@example.com",
    [],
    {},
    [None],
    ["x"],
    {"a": {"b": [1, None, "c"]}},
    [[[]]],
    {"": ""},
    {"n\0": "n\0"},
]


def damaged(chance: random.Random) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(json.dumps(every_model()))
    for _ in range(chance.randrange(1, 4)):
        row = chance.choice(rows)
        fields = row["fields"]
        what = chance.random()
        if what < 0.7 and fields:
            fields[chance.choice(list(fields))] = chance.choice(JUNK)
        elif what < 0.8 and fields:
            del fields[chance.choice(list(fields))]
        elif what < 0.9:
            row["pk"] = chance.choice([0, 1, 2, 10**6, 2**63 - 1])
        else:
            rows.remove(row)
    return rows


def problem_of(mover: Mover, rows: list[dict[str, Any]], scope: ImportScope) -> Finding | None:
    """The finding of an import that does not say which row it is about. What is taken goes out and comes in again."""
    try:
        mover.imports(json.dumps(rows).encode(), scope)
    except ImportFailed as failure:
        if failure.findings is not None:
            failure.findings.close()
        finding = failure.finding
        is_told = finding.kind != FindingKind.UNKNOWN and finding.model and finding.left_pk is not None
        return None if is_told else finding
    again = mover.exports(RelocationScope.GLOBAL)
    wipe()
    mover.imports(again, ImportScope.GLOBAL)
    return None


@pytest.mark.parametrize("number", range(ROUNDS))
def test_any_damage_is_told_or_taken_and_what_is_taken_goes_there_and_back(number: int, tmp_path: Path) -> None:
    chance = random.Random(f"{SEED} {number}")
    scope = ImportScope(chance.choice(["Global", "Organization", "User", "Config"]))

    problem = problem_of(Mover(tmp_path), damaged(chance), scope)

    assert problem is None, f"VEDETTE_TEST_FUZZ_SEED={SEED}, {scope}: {problem}"
