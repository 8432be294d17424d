"""The documentation names everything there is, and leads nowhere that is not there."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support import reference
from tests.support.reference import ROOT
from vedette.wire.outcomes import Outcome
from vedette.wire.reasons import MEANINGS

PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])
REASON = re.compile(
    r"(?:reason = |reason=|reason: str = |Dropping\(Outcome\.\w+, |(?:dropped|refused)\([^\"\n]*, |Rejected\()"
    r"\"([a-z][a-z_-]+)\""
)


@pytest.mark.parametrize("page", reference.PARTS)
def test_a_reference_page_is_what_the_code_says(page):
    assert (ROOT / page).read_text() == reference.written(page), "run `make docs`"


def test_pages_have_words_for_the_reasons_that_are_in_the_reference_and_for_no_others():
    outcomes = (ROOT / "docs/reference/outcomes.md").read_text()
    explained = set(re.findall(r"^\| `(\w+)` \| `([\w-]+)` \|", outcomes, re.MULTILINE))
    told = {
        (outcome.word, reason)
        for outcome, words in MEANINGS.items()
        if outcome is not Outcome.CLIENT_DISCARD  # those are the client's
        for reason in words
    }

    assert told == explained


def test_every_reason_of_an_outcome_is_explained():
    rooms = ("ingest", "spool", "wire", "digest")
    sources = [
        path for room in rooms for path in (ROOT / "vedette" / room).rglob("*.py") if "normalise" not in path.parts
    ]
    used = {reason for path in sources for reason in REASON.findall(path.read_text())}
    explained = set(
        re.findall(r"^\| `\w+` \| `([\w-]+)` \|", (ROOT / "docs/reference/outcomes.md").read_text(), re.MULTILINE)
    )

    assert used
    assert used <= explained, f"not in docs/reference/outcomes.md: {sorted(used - explained)}"


def test_every_direct_dependency_is_explained():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.match(r"[\w.-]+", line)[0].lower() for line in pinned}
    rows = re.findall(r"^\| ([\w.-]+) \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)

    assert names <= {row.lower() for row in rows}


def test_every_direct_dependency_is_locked_with_a_hash():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = {
        name.lower(): rest
        for name, rest in re.findall(r"^([\w.-]+)==(.*)$", (ROOT / "requirements/run.lock").read_text(), re.M)
    }

    for line in project["dependencies"]:
        name = re.match(r"[\w.-]+", line)[0].lower()
        assert locked[name].endswith("\\"), f"{name} has no hash"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target or target.startswith(("#", "mailto:")):
            continue
        assert (page.parent / target.partition("#")[0]).exists(), f"{page.name} links to {target}"
