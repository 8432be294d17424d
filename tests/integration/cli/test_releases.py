"""`vedette releases`, asked of a stand-in that answers as told; the real server is in the end-to-end tests."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from vedette.cli import releases, remote
from vedette.cli.main import main
from vedette.orgs.tokens import token_text

GATE = "/api/0/organizations/acme/releases/web%401.0/gate/"
LIST = "/api/0/organizations/acme/releases/"


def a_check(name="new-issues", measured=0, passed=True, can_recover=False, **fields):
    return {
        "check": name,
        "measured": measured,
        "bound": 0,
        "passed": passed,
        "canRecover": can_recover,
        "reason": f"The reason of {name}.",
        "url": "https://vedette.example.com/r",
        "issues": [],
        **fields,
    }


def a_verdict(*checks):
    return {
        "passed": all(check["passed"] for check in checks),
        "final": all(check["passed"] for check in checks)
        or any(not check["passed"] and not check["canRecover"] for check in checks),
        "observed": True,
        "version": "web@1.0",
        "projects": ["web"],
        "environments": ["production"],
        "statsPeriod": "14d",
        "checks": list(checks),
        "url": "https://vedette.example.com/r",
    }


PASSED = a_verdict(a_check())
BROKEN = a_verdict(a_check(measured=1, passed=False))
LATER = a_verdict(a_check("adoption", None, passed=False, can_recover=True))


class StandIn:
    """A server whose answers are given: (status, body) in turn by path, the last one for good; its `asked` requests."""

    def __init__(self):
        self.answers, self.asked = {}, []
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                stand_in.asked.append((self.path, dict(self.headers)))
                queue = stand_in.answers.get(self.path.partition("?")[0], [(404, {"detail": "Not there"})])
                status, body = queue.pop(0) if len(queue) > 1 else queue[0]
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere/")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def queries(self):
        return [sorted(parse_qsl(urlsplit(path).query)) for path, _ in self.asked]


@pytest.fixture(scope="module")
def running():
    stand_in = StandIn()
    thread = threading.Thread(target=stand_in.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield stand_in
    stand_in.server.shutdown()
    thread.join()
    stand_in.server.server_close()


@pytest.fixture
def server(running, monkeypatch):
    running.answers.clear()
    running.asked.clear()
    monkeypatch.setenv("SENTRY_URL", running.url)
    monkeypatch.setenv("SENTRY_AUTH_TOKEN", "sntryu_secret")
    monkeypatch.setenv("SENTRY_ORG", "acme")
    for name in ("VEDETTE_URL", "SENTRY_PROJECT", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return running


@pytest.fixture
def run(monkeypatch, capsys):
    """`run("gate", …)` gives (exit status, output, complaints)."""
    monkeypatch.setattr("os.umask", lambda _: 0)

    def _run(*arguments):
        monkeypatch.setattr(sys, "argv", ["vedette", "releases", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return end.value.code or 0, said.out, said.err

    return _run


@pytest.fixture
def no_time(monkeypatch):
    """Sleeping takes no time and moves the clock; gives the naps."""
    naps, start = [], 1000.0
    monkeypatch.setattr(
        releases.wait_for, "__kwdefaults__", {"sleep": naps.append, "monotonic": lambda: start + sum(naps)}
    )
    return naps


def test_a_release_that_passes_ends_with_zero(server, run):
    server.answers[GATE] = [(200, PASSED)]

    status, out, err = run("gate", "web@1.0", "--max-new-issues", "0")

    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "web@1.0 in web, production: passed",
        "  ok       new-issues: The reason of new-issues.",
        "  https://vedette.example.com/r",
    ]


def test_a_release_that_fails_ends_with_one_and_names_its_issues_without_obeying_them(server, run):
    issue = {"id": "1", "shortId": "WEB-1", "title": "Bad\x1b[2J thing", "url": "https://vedette.example.com/1"}
    unknown = a_check("adoption", None, passed=False, can_recover=True)
    server.answers[GATE] = [(200, a_verdict(a_check(measured=1, passed=False, issues=[issue]), unknown))]

    status, out, _ = run("gate", "web@1.0", "--max-new-issues", "0", "--min-adoption", "5")

    assert status == 1
    assert "web@1.0 in web, production: FAILED" in out
    assert "  FAILED   new-issues: The reason of new-issues.\n" in out
    assert "WEB-1  Bad·[2J thing  https://vedette.example.com/1\n" in out
    assert "  unknown  adoption: The reason of adoption.\n" in out


def test_json_is_the_server_s_answer(server, run):
    server.answers[GATE] = [(200, BROKEN)]

    status, out, _ = run("gate", "web@1.0", "--max-new-issues", "0", "--json")

    assert (status, json.loads(out)) == (1, BROKEN)


def test_every_option_is_asked_for_with_the_token(server, run, monkeypatch):
    monkeypatch.setenv("SENTRY_PROJECT", "web api")
    server.answers[GATE] = [(200, PASSED)]

    run(
        "gate", "web@1.0", "--environment", "production", "--environment", "eu west", "--max-new-issues", "3",
        "--max-regressed-issues", "0", "--min-crash-free-sessions", "99.95", "--min-crash-free-users", "90",
        "--min-adoption", "0.5", "--period", "24h",
    )  # fmt: skip

    assert server.queries == [
        [
            ("environment", "eu west"),
            ("environment", "production"),
            ("maxNewIssues", "3"),
            ("maxRegressedIssues", "0"),
            ("minAdoption", "0.5"),
            ("minCrashFreeSessions", "99.95"),
            ("minCrashFreeUsers", "90"),
            ("project", "api"),
            ("project", "web"),
            ("statsPeriod", "24h"),
        ]
    ]
    assert server.asked[0][1]["Authorization"] == "Bearer sntryu_secret"


def test_an_organization_token_says_where_to_ask(server, run, monkeypatch):
    server.answers[GATE] = [(200, PASSED)]
    monkeypatch.setenv("SENTRY_AUTH_TOKEN", token_text("acme", server.url))
    monkeypatch.delenv("SENTRY_URL")
    monkeypatch.delenv("SENTRY_ORG")

    assert run("gate", "web@1.0", "--max-new-issues", "0")[0] == 0


def test_the_variable_of_this_server_comes_before_that_of_sentry_cli(server, run, monkeypatch):
    server.answers[GATE] = [(200, PASSED)]
    monkeypatch.setenv("VEDETTE_URL", f"{server.url}/")
    monkeypatch.setenv("SENTRY_URL", "http://127.0.0.1:9")

    assert run("gate", "web@1.0", "--max-new-issues", "0")[0] == 0


@pytest.mark.parametrize(
    ("words", "variables", "complaint"),
    [
        ([], {}, "Name at least one bound"),
        (["--max-new-issues", "-1"], {}, "Invalid value for '--max-new-issues'"),
        (["--min-adoption", "101"], {}, "Invalid value for '--min-adoption'"),
        (["--max-new-issues", "0", "--wait", "1441"], {}, "Invalid value for '--wait'"),
        (["--max-new-issues", "0"], {"SENTRY_AUTH_TOKEN": ""}, "there is no token"),
        (["--max-new-issues", "0"], {"SENTRY_AUTH_TOKEN": "a b"}, "the token is none"),
        (["--max-new-issues", "0"], {"SENTRY_AUTH_TOKEN": "sntrys_nonsense_x", "SENTRY_ORG": ""}, "which organization"),
        (["--max-new-issues", "0"], {"SENTRY_URL": ""}, "nothing says where the server is"),
        (["--max-new-issues", "0"], {"SENTRY_URL": "file:///etc/passwd"}, "address is not understood"),
        (["--max-new-issues", "0"], {"SENTRY_URL": "http://u:secret@host"}, "address is not understood"),
        (["--max-new-issues", "0"], {"SENTRY_URL": "http://127.0.0.1:1"}, "does not answer"),
    ],
)
def test_what_cannot_be_asked_ends_with_two_and_no_secret(server, run, monkeypatch, words, variables, complaint):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    status, out, err = run("gate", "web@1.0", *words)

    assert (status, out) == (2, "")
    assert complaint in err
    assert "secret" not in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ((401, {"detail": "Invalid token"}), "Invalid token"),
        ((403, {"detail": "You do not have permission to perform this action."}), "project:read"),
        ((400, {"statsPeriod": ["One of 24h."]}), "statsPeriod: One of 24h."),
        ((400, {"detail": "Bad\x1b[2J."}), "Bad·[2J."),
        ((418, ["odd"]), "the server answered 418"),
        ((200, {"odd": 1}), "odd: 1"),
        ((200, b"<html>"), "is no Vedette"),
        ((302, b""), "sends elsewhere (status 302)"),
        ((503, {"detail": "away"}), "cannot answer now (status 503)"),
        ((429, {"detail": "slow"}), "cannot answer now (status 429)"),
    ],
    ids=str,
)
def test_a_server_that_refuses_ends_with_two(server, run, answer, complaint):
    server.answers[GATE] = [answer]

    status, _, err = run("gate", "web@1.0", "--max-new-issues", "0")

    assert status == 2
    assert complaint in err
    assert len(server.asked) == 1  # and the token went nowhere else


def test_a_release_that_is_not_there_is_told_from_an_organization_that_is_not(server, run):
    elsewhere = run("gate", "web@1.0", "--max-new-issues", "0")
    server.answers[LIST] = [(200, [])]
    missing = run("gate", "web@1.0", "--max-new-issues", "0", "--project", "web")

    assert (elsewhere[0], missing[0]) == (2, 2)
    assert "Not there" in elsewhere[2]
    assert "organization acme" in elsewhere[2]
    assert "there is no release web@1.0 of this project in acme" in missing[2]


def test_waiting_goes_on_until_it_passes(server, run, no_time):
    server.answers[LIST] = [(200, [])]
    server.answers[GATE] = [(404, {"detail": "Not there"}), (503, {}), (200, LATER), (200, PASSED)]

    status, out, err = run("gate", "web@1.0", "--min-adoption", "5", "--wait", "30")

    assert (status, no_time) == (0, [10.0, 10.0, 10.0])
    assert "passed" in out
    assert "there is no release web@1.0 in acme. Waiting for 30 more minutes at most." in err
    assert "The reason of adoption. Waiting for 30 more minutes at most." in err


def test_waiting_ends_at_once_when_it_cannot_help(server, run, no_time):
    server.answers[GATE] = [(200, LATER), (200, BROKEN)]

    assert run("gate", "web@1.0", "--max-new-issues", "0", "--wait", "30")[0] == 1
    assert no_time == [10.0]


def test_waiting_ends_when_the_time_is_over_with_the_last_answer(server, run, no_time):
    server.answers[GATE] = [(200, LATER)]

    status, out, _ = run("gate", "web@1.0", "--min-adoption", "5", "--wait", "0.25")

    assert (status, no_time) == (1, [10.0, 5.0])
    assert "unknown  adoption" in out


def test_waiting_for_a_server_that_stays_away_ends_with_two(server, run, no_time):
    server.answers[GATE] = [(503, {})]

    status, _, err = run("gate", "web@1.0", "--max-new-issues", "0", "--wait", "0.1")

    assert status == 2
    assert "cannot answer now" in err


def test_a_refusal_is_not_waited_for(server, run, no_time):
    server.answers[GATE] = [(401, {"detail": "Invalid token"})]

    assert run("gate", "web@1.0", "--max-new-issues", "0", "--wait", "30")[0] == 2
    assert no_time == []


def test_releases_are_listed(server, run):
    listed = [{"version": "web@1.1\x07", "dateReleased": None, "dateCreated": "2026-01-01T00:00:00Z"}]
    server.answers[LIST] = [(200, listed)]

    assert run("list", "--project", "web", "--query", "web")[1] == "2026-01-01T00:00:00Z  web@1.1·\n"
    assert json.loads(run("list", "--json")[1]) == listed
    assert server.queries == [[("project", "web"), ("query", "web")], []]


def test_a_release_is_told_about(server, run):
    found = {
        "version": "web@1.0",
        "status": "open",
        "projects": [{"slug": "web"}, {"slug": "api"}],
        "dateCreated": "2026-01-01T00:00:00Z",
        "dateReleased": None,
        "commitCount": 3,
        "lastDeploy": {"environment": "production", "dateFinished": "2026-01-02T00:00:00Z"},
        "newGroups": 2,
    }
    server.answers[f"{LIST}web%401.0/"] = [(200, found)]

    shown = run("info", "web@1.0")[1]

    assert "projects     web, api\n" in shown
    assert "released     not yet\n" in shown
    assert "last deploy  production, 2026-01-02T00:00:00Z\n" in shown
    assert json.loads(run("info", "web@1.0", "--json")[1]) == found
    assert run("info", "web@2.0")[0] == 2


def test_a_list_of_a_server_that_is_away_ends_with_two(server, run):
    server.answers[LIST] = [(502, {})]

    assert run("list")[0] == 2


def test_an_answer_without_end_is_cut(server, run, monkeypatch):
    monkeypatch.setattr(remote, "MAX_ANSWER_BYTES", 10)
    server.answers[GATE] = [(200, PASSED)]

    assert "is no Vedette" in run("gate", "web@1.0", "--max-new-issues", "0")[2]
