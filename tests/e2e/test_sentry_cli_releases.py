"""What pipelines do with the real `sentry-cli`: releases, commits, deploys, and the issues that they fix."""

import base64
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.sentrycli import SentryCli
from tests.support.gitrepository import GitRepository

FETCHED_SECONDS = 20.0  # the machine may be busy
HOLD = """
import sys, django
django.setup()
from vedette.core.locks import held
with held(sys.argv[1], 120):
    print("held", flush=True)
    sys.stdin.read()
"""


class Pipeline:
    """A checkout that the server may read as well, and a project that is released from it."""

    def __init__(self, cli: SentryCli, root: Path) -> None:
        self.cli, self.shop = cli, cli.shop
        self.org = ("--org", cli.shop.organization)
        self.repository = f"{cli.shop.organization}/{cli.shop.slug}"
        self.git = GitRepository(root / self.repository)
        self.git.git("remote", "add", "origin", f"git@git.example.com:{self.repository}.git")
        self.commits = [self.git.commit(f"Change number {number}") for number in range(3)]
        address = f"https://git.example.com/{self.repository}"
        done = self.shop.server.command(
            "repository", "add", self.repository, str(self.git.path), *self.org, "--url", address
        )
        assert done.returncode == 0, done.stderr

    def release(self, version: str, *arguments: str) -> str:
        """A new release of the project, made by the client."""
        self.cli("releases", "new", version, *self.org, "--project", self.shop.slug, *arguments)
        return version

    def set_commits(self, version: str, *arguments: str) -> str:
        """Say in the checkout which commits a release has."""
        project = ("--project", self.shop.slug)
        return self.cli("releases", "set-commits", version, *self.org, *project, *arguments, directory=self.git.path)

    def told(self, version: str, part: str = "") -> dict | list:
        """What the API says about a release."""
        answer = self.shop.api.get(
            f"/api/0/organizations/{self.shop.organization}/releases/{quote(version, safe='')}/{part}"
        )
        assert answer.status == 200, answer.text
        return answer.json()

    def commits_of(self, version: str) -> list[str]:
        """The commits of a release, newest first."""
        return [commit["id"] for commit in self.told(version, "commits/")]

    def fetched_commits_of(self, version: str) -> list[str]:
        """The same, as soon as the server has fetched them."""
        deadline = time.monotonic() + FETCHED_SECONDS
        while not (found := self.commits_of(version)):
            assert time.monotonic() < deadline, f"no commits of {version}"
            time.sleep(0.2)
        return found

    def is_listed(self, version: str) -> bool:
        """Whether the page of releases shows it."""
        place = f"/organizations/{self.shop.organization}/releases/"
        shown = self.shop.page(f"{place}?project={self.shop.slug}&query={quote(version)}")
        return re.search(f'href="{place}{re.escape(version)}/', shown) is not None


@pytest.fixture(params=["3", "2"], scope="module")
def pipeline(request, open_shop):
    organization = f"acme-{request.param}"
    open_shop("other", organization)
    cli = SentryCli(request.param, open_shop("shop", organization))
    return Pipeline(cli, Path(cli.shop.server.environment["VEDETTE_GIT_ROOTS"]))


def test_a_new_release_is_there(pipeline):
    assert "Created release shop@1.0.0" in pipeline.cli(
        "releases",
        "new",
        "shop@1.0.0",
        *pipeline.org,
        "--project",
        pipeline.shop.slug,
        "--url",
        "https://example.com/1.0.0",
    )

    told = pipeline.told("shop@1.0.0")
    assert [project["slug"] for project in told["projects"]] == [pipeline.shop.slug]
    assert (told["url"], told["dateReleased"], told["status"]) == ("https://example.com/1.0.0", None, "open")
    assert told["userAgent"].startswith("sentry-cli/")
    assert pipeline.is_listed("shop@1.0.0")


def test_the_same_release_again_is_no_error_and_gains_a_project(pipeline):
    pipeline.release("shop@1.0.1")
    pipeline.release("shop@1.0.1", "--project", "other", "--finalize")

    told = pipeline.told("shop@1.0.1")
    assert {project["slug"] for project in told["projects"]} == {pipeline.shop.slug, "other"}


def test_a_release_can_be_new_and_finished_at_once(pipeline):
    pipeline.release("shop@1.0.2", "--finalize")

    assert pipeline.told("shop@1.0.2")["dateReleased"] is not None


def test_finalize_says_when_it_was_released(pipeline):
    pipeline.release("shop@1.0.3")

    said = pipeline.cli(
        "releases", "finalize", "shop@1.0.3", *pipeline.org, "--project", pipeline.shop.slug, "--released", "1767225600"
    )

    assert "Finalized release shop@1.0.3" in said
    assert pipeline.told("shop@1.0.3")["dateReleased"] == "2026-01-01T00:00:00Z"
    assert "<span>released " in pipeline.shop.release_page("shop@1.0.3")


def test_commits_of_the_checkout_are_those_since_the_release_before(pipeline):
    pipeline.release("local@1")
    said = pipeline.set_commits("local@1", "--local")
    later = [pipeline.git.commit("Mend it", {"src/lamp.py": "on"}), pipeline.git.commit("Paint it")]
    pipeline.release("local@2")
    pipeline.set_commits("local@2", "--local")

    assert "Success! Set commits for release local@1" in said
    assert set(pipeline.commits_of("local@1")) >= set(pipeline.commits)
    assert pipeline.commits_of("local@2") == later[::-1]
    told = pipeline.told("local@2")
    assert (told["commitCount"], told["lastCommit"]["id"]) == (2, later[1])
    assert told["authors"] == [{"name": "Ann Author", "email": "ann@example.com"}]
    files = {(file["filename"], file["type"]) for file in pipeline.told("local@2", "commitfiles/")}
    assert ("src/lamp.py", "A") in files
    shown = pipeline.shop.release_page("local@2")
    assert "2 commits" in shown
    assert all(text in shown for text in ("Mend it", "Paint it", "src/lamp.py", "Ann Author"))


def test_the_commits_up_to_a_ref_are_fetched(pipeline):
    first, _, last = pipeline.commits
    pipeline.release("range@1")

    said = pipeline.set_commits("range@1", "--commit", f"{pipeline.repository}@{first}..{last}")

    assert f"{first[:12]} -> {last[:12]}" in said
    assert pipeline.fetched_commits_of("range@1") == pipeline.commits[:0:-1]
    assert {commit["repository"]["name"] for commit in pipeline.told("range@1", "commits/")} == {pipeline.repository}
    shown = pipeline.shop.release_page("range@1")
    assert all(text in shown for text in (pipeline.repository, "Change number 1", "Change number 2"))


def test_a_checkout_is_known_by_its_remote(pipeline):
    pipeline.release("auto@1")
    pipeline.set_commits("auto@1", "--auto")
    assert pipeline.fetched_commits_of("auto@1")[0] == pipeline.git.git("rev-parse", "HEAD")
    later = pipeline.git.commit("Turn it around")
    pipeline.release("auto@2")

    said = pipeline.set_commits("auto@2", "--auto")

    assert pipeline.repository in said
    assert pipeline.fetched_commits_of("auto@2") == [later]


def test_commits_are_cleared(pipeline):
    pipeline.release("cleared@1")
    pipeline.git.commit("Say it")
    pipeline.set_commits("cleared@1", "--local")
    assert pipeline.commits_of("cleared@1")

    said = pipeline.set_commits("cleared@1", "--clear")

    assert "Clearing commits" in said
    told = pipeline.told("cleared@1")
    assert (pipeline.commits_of("cleared@1"), told["commitCount"], told["lastCommit"]) == ([], 0, None)
    assert "No commits" in pipeline.shop.release_page("cleared@1")


def test_a_commit_that_fixes_an_issue_resolves_it_in_its_release(pipeline):
    shop = pipeline.shop
    pipeline.cli("send-event", "-m", "the fuse blew", "-r", "fix@1", dsn=shop.dsn)
    issue = shop.wait_for_issue("the fuse blew")
    pipeline.git.commit(f"Replace the fuse\n\nFixes {issue['shortId']}")
    pipeline.release("fix@2")

    pipeline.set_commits("fix@2", "--local")

    told = shop.api.get(f"/api/0/organizations/{shop.organization}/issues/{issue['id']}/").json()
    assert told["status"] == "resolved"
    assert told["statusDetails"]["inRelease"] == "fix@2"
    assert [one["id"] for one in pipeline.told("fix@2", "resolved/")] == [issue["id"]]
    assert "fix@2" in shop.issue_page(issue)
    assert issue["shortId"] in shop.release_page("fix@2")


def test_deploys_in_both_spellings(pipeline):
    version = pipeline.release("shop@1.1.0")

    first = pipeline.cli(
        "deploys", "new", *pipeline.org, "--release", version, "-e", "production", "-n", "the first", "-t", "60"
    )
    second = pipeline.cli(
        "releases", "deploys", version, "new", *pipeline.org, "-e", "staging", "-u", "https://example.com/d"
    )

    assert "Created new deploy the first for 'production'" in first
    assert "for 'staging'" in second
    deploys = {deploy["environment"]: deploy for deploy in pipeline.told(version, "deploys/")}
    assert (deploys["production"]["name"], deploys["staging"]["url"]) == ("the first", "https://example.com/d")
    assert deploys["production"]["dateStarted"] is not None
    assert pipeline.told(version)["lastDeploy"]["environment"] == "staging"
    shown = pipeline.shop.release_page(version)
    assert all(text in shown for text in ("Deployed to production", "the first", "Deployed to staging"))
    for listed in (
        pipeline.cli("deploys", "list", *pipeline.org, "--release", version),
        pipeline.cli("releases", "deploys", version, "list", *pipeline.org),
    ):
        assert re.search(r"production\s+\|\s+the first", listed)
        assert "staging" in listed


def test_info_shows_projects_and_commits(pipeline):
    pipeline.release("info@1")
    pipeline.git.commit("Inform")
    pipeline.set_commits("info@1", "--local")

    shown = pipeline.cli("releases", "info", "info@1", *pipeline.org, "--show-projects", "--show-commits")

    assert pipeline.shop.slug in shown
    assert pipeline.commits_of("info@1")[0] in shown


def test_releases_are_listed_by_project_and_by_organization(pipeline):
    pipeline.release("listed@1", "--finalize")

    assert "listed@1" in pipeline.cli("releases", "list", *pipeline.org, "--project", pipeline.shop.slug)
    assert "listed@1" in pipeline.cli("releases", "list", *pipeline.org)
    assert "listed@1" not in pipeline.cli("releases", "list", *pipeline.org, "--project", "other")


def test_an_archived_release_leaves_the_lists_until_it_is_restored(pipeline):
    version = pipeline.release("shop@0.1.0")

    assert "Archived release" in pipeline.cli("releases", "archive", version, *pipeline.org)
    assert pipeline.told(version)["status"] == "archived"
    assert version not in pipeline.cli("releases", "list", *pipeline.org, "--project", pipeline.shop.slug)
    assert not pipeline.is_listed(version)
    assert '<span class="badge">archived</span>' in pipeline.shop.release_page(version)

    assert "Restored release" in pipeline.cli("releases", "restore", version, *pipeline.org)
    assert pipeline.told(version)["status"] == "open"
    assert version in pipeline.cli("releases", "list", *pipeline.org, "--project", pipeline.shop.slug)
    assert pipeline.is_listed(version)


def test_a_deleted_release_is_gone_and_deleting_it_again_is_no_error(pipeline):
    shop, version = pipeline.shop, pipeline.release("shop@0.2.0")

    assert "Deleted release" in pipeline.cli("releases", "delete", version, *pipeline.org)

    assert shop.api.get(f"/api/0/organizations/{shop.organization}/releases/{version}/").status == 404
    assert not pipeline.is_listed(version)
    assert "Did nothing" in pipeline.cli("releases", "delete", version, *pipeline.org)


def test_issues_are_resolved_now_and_in_the_next_release(pipeline):
    shop, issues = pipeline.shop, (*pipeline.org, "--project", pipeline.shop.slug)
    for message in ("it is dark", "it is cold"):
        pipeline.cli("send-event", "-m", message, "-r", "resolved@1", dsn=shop.dsn)
    dark, cold = shop.wait_for_issue("it is dark"), shop.wait_for_issue("it is cold")

    pipeline.cli("issues", "resolve", *issues, "--id", dark["id"])
    pipeline.cli("issues", "resolve", *issues, "--id", cold["id"], "--next-release")

    listed = pipeline.cli("issues", "list", *issues, "--query", "is:resolved")
    assert dark["shortId"] in listed
    assert cold["shortId"] in listed
    told = shop.api.get(f"/api/0/organizations/{shop.organization}/issues/{cold['id']}/").json()
    assert told["status"] == "resolved"
    said = next(one["data"] for one in told["activity"] if one["type"] == "set_resolved_in_release")
    assert said == {"version": "", "current_release_version": "resolved@1"}  # versions of one package have an order
    assert "resolved" in shop.issue_page(dark).lower()


def test_a_release_that_an_event_named_knows_its_issues_and_is_kept(pipeline):
    shop = pipeline.shop
    pipeline.cli("send-event", "-m", "it creaks", "-r", "sent@1", "-E", "cellar", "--no-environ", dsn=shop.dsn)
    shop.wait_for_issue("it creaks")

    assert pipeline.told("sent@1")["newGroups"] == 1
    assert pipeline.is_listed("sent@1")
    assert "it creaks" in shop.release_page("sent@1")
    assert "referenced by active issues" in pipeline.cli.refused("releases", "delete", "sent@1", *pipeline.org)


def test_repositories_are_listed(pipeline):
    assert pipeline.repository in pipeline.cli("repos", "list", *pipeline.org)


def test_a_whole_pipeline_needs_no_more_than_an_organization_token_and_variables(pipeline):
    told = {"SENTRY_ORG": pipeline.shop.organization, "SENTRY_PROJECT": pipeline.shop.slug}
    pipeline.git.commit("Ship it")
    version = pipeline.cli("releases", "propose-version", directory=pipeline.git.path, **told).strip()
    for words in (
        ("releases", "new", version),
        ("releases", "set-commits", version, "--local"),
        ("releases", "finalize", version),
        ("deploys", "new", "--release", version, "-e", "production"),
        ("releases", "info", version),
        ("releases", "list"),
        ("repos", "list"),
    ):
        pipeline.cli(*words, token=pipeline.shop.org_token, directory=pipeline.git.path, **told)

    found = pipeline.told(version)
    assert found["version"] == pipeline.git.git("rev-parse", "HEAD")
    assert found["commitCount"] > 0
    assert found["dateReleased"] is not None
    assert found["deployCount"] == 1


NO_RELEASE = "Release not found|release does not exist"
NO_PROJECT = "Invalid project ids or slugs|Project not found"
# what is asked for, and what the client says about it
ERRORS = {
    "a project that is not there": ("releases new x@1 --org {org} --project nowhere", NO_PROJECT),
    "a version that is none": ("releases new latest --org {org} --project other", "name latest is not allowed"),
    "a version with a slash": ("releases new a/b --org {org} --project other", "Invalid release version"),
    "an organization that is not there": (
        "releases new x@1 --org nowhere --project other",
        "organization not found|Project not found",
    ),
    "a release that is not there is finalized": ("releases finalize no@1 --org {org}", NO_RELEASE),
    "a release that is not there is archived": ("releases archive no@1 --org {org}", NO_RELEASE),
    "a release that is not there is deployed": ("deploys new --release no@1 -e x --org {org}", NO_RELEASE),
    "deploys of a release that is not there": ("deploys list --release no@1 --org {org}", NO_RELEASE),
    "an environment that is none": (
        "deploys new --release shop@1.0.0 -e a/b --org {org}",
        "Invalid value for environment",
    ),
    "a repository that is not there": (
        "releases set-commits shop@1.0.0 --org {org} --commit acme/nowhere@abc",
        "Unknown repo 'acme/nowhere'",
    ),
    "issues of a project that is not there": ("issues list --org {org} --project nowhere", "Project not found"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_a_mistake_is_explained(pipeline, case):
    words, reason = ERRORS[case]
    if "shop@1.0.0" in words:
        pipeline.release("shop@1.0.0")

    complaint = pipeline.cli.refused(*words.format(org=pipeline.shop.organization).split(), directory=pipeline.git.path)

    assert re.search(reason, complaint)


def test_a_release_that_is_not_there_has_no_info(pipeline):
    assert pipeline.cli.run("releases", "info", "no@1", *pipeline.org).returncode == 1  # the client says nothing more


@pytest.mark.parametrize(
    "words", [("releases", "new", "x@1", "--project", "other"), ("releases", "list")], ids=" ".join
)
def test_a_wrong_token_is_told_as_such(pipeline, words):
    assert "Invalid token" in pipeline.cli.refused(*words, *pipeline.org, token="sntryu_" + "0" * 64)
    assert "Invalid org token" in pipeline.cli.refused(*words, *pipeline.org, token="sntrys_e30=_" + "0" * 43)


def test_somebody_of_another_organization_gets_nowhere(pipeline):
    foreign = pipeline.shop.server.bootstrap(org="rivals", project="spy", email="rival@example.com")
    pipeline.release("secret@1")

    for words in (
        ("releases", "new", "theirs@1", "--project", pipeline.shop.slug),
        ("releases", "finalize", "secret@1"),
        ("releases", "archive", "secret@1"),
        ("deploys", "new", "--release", "secret@1", "-e", "production"),
    ):
        complaint = pipeline.cli.refused(*words, *pipeline.org, token=foreign["auth_token"])
        assert re.search("not found|could not be found", complaint, re.IGNORECASE), complaint
        # The client itself holds the token's organization against the one that is asked for.
        pipeline.cli.refused(*words, *pipeline.org, token=foreign["org_auth_token"])
    assert pipeline.told("secret@1")["dateReleased"] is None
    assert "secret@1" not in pipeline.cli("releases", "list", "--org", "rivals", token=foreign["auth_token"])


@pytest.fixture
def built(tmp_path):
    """What a build of a front end leaves."""
    (tmp_path / "a.js").write_text("go()\n//# sourceMappingURL=a.js.map\n")
    (tmp_path / "a.js.map").write_text('{"version":3,"sources":["a.ts"],"mappings":"AAAA","names":[]}')
    return tmp_path


@pytest.mark.parametrize("waiting", [(), ("--wait",)], ids=["not waiting", "waiting"])
def test_source_maps_are_uploaded_and_listed(pipeline, built, waiting):
    version = pipeline.release(f"maps@{len(waiting)}")
    where = (*pipeline.org, "--project", pipeline.shop.slug)
    words = ("sourcemaps", "upload", *where, "--release", version, "--dist", "7", *waiting, ".")

    for _ in range(2):  # the second time everything is there
        pipeline.cli(*words, directory=built)

    meta = pipeline.told(version, "meta/")
    assert (meta["releaseFileCount"], meta["isArtifactBundle"]) == (2, True)
    shown = pipeline.shop.release_page(version).partition('id="artifacts"')[2]
    assert shown.count("dist 7 · 2 files") == 1


def test_source_maps_need_no_more_than_an_organization_token_and_no_release(pipeline, built):
    pipeline.cli("sourcemaps", "inject", ".", directory=built)

    pipeline.cli(
        *("sourcemaps", "upload", *pipeline.org, "--project", pipeline.shop.slug, "--wait", "."),
        directory=built,
        token=pipeline.shop.org_token,
    )


def test_a_large_bundle_comes_in_pieces(pipeline, built):
    (built / "b.js").write_text("// " + base64.b64encode(os.urandom(16 * 2**20)).decode())  # does not get smaller
    version = pipeline.release("large@1")
    where = (*pipeline.org, "--project", pipeline.shop.slug)

    pipeline.cli("sourcemaps", "upload", *where, "--release", version, "--wait", ".", directory=built)

    assert pipeline.told(version, "meta/")["releaseFileCount"] == 3
    assert "3 files · 16." in pipeline.shop.release_page(version)


def test_files_of_a_release_are_added_listed_and_deleted(pipeline, built):
    if pipeline.cli.line != "2":
        pytest.skip("sentry-cli 3 knows no files of releases")
    version = pipeline.release("files@1")
    files = ("releases", *pipeline.org, "--project", pipeline.shop.slug, "files", version)

    pipeline.cli(*files, "upload", "a.js", "~/a.js", "--file-header", "Sourcemap:a.js.map", directory=built)
    pipeline.cli(*files, "upload", "--dist", "7", "a.js.map", "~/a.js.map", directory=built)

    told = {file["name"]: file for file in pipeline.told(version, "files/")}
    assert told["~/a.js"]["headers"]["Sourcemap"] == "a.js.map"
    assert told["~/a.js.map"]["dist"] == "7"
    listed = pipeline.cli(*files, "list")
    assert "~/a.js" in listed
    shown = pipeline.shop.release_page(version).partition('id="artifacts"')[2]
    assert "~/a.js.map" in shown
    pipeline.cli(*files, "delete", "~/a.js")
    assert [file["name"] for file in pipeline.told(version, "files/")] == ["~/a.js.map"]
    pipeline.cli(*files, "delete", "--all")
    assert pipeline.told(version, "files/") == []


def test_debug_files_that_are_not_taken_yet_say_so(pipeline):
    where = (*pipeline.org, "--project", pipeline.shop.slug)

    complaint = pipeline.cli.refused("debug-files", "upload", sys.executable, *where)

    assert "This server takes no debug files yet. (http status: 400)" in complaint


def test_commits_that_another_build_sets_at_this_moment_are_refused(pipeline):
    version = pipeline.release("locked@1")
    pipeline.git.commit("Wait")
    organization = pipeline.shop.api.get(f"/api/0/organizations/{pipeline.shop.organization}/").json()["id"]
    lock = f"releasecommits:{organization}:{pipeline.told(version)['id']}"
    environment = {**pipeline.shop.server.environment, "DJANGO_SETTINGS_MODULE": "vedette.settings"}

    with subprocess.Popen(
        [sys.executable, "-c", HOLD, lock], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        complaint = pipeline.cli.refused(
            "releases", "set-commits", version, *pipeline.org, "--local", directory=pipeline.git.path
        )
        holder.stdin.close()

    assert "Release commits are currently being processed (http status: 409)" in complaint
    assert pipeline.commits_of(version) == []
    pipeline.set_commits(version, "--local")
    assert pipeline.commits_of(version)
