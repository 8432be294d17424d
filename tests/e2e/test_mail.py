"""Mail of a live server: commits that cannot be fetched, a link that stops such mails, and what the doctor says."""

import re
from urllib.parse import urlsplit

from tests.support.gitrepository import GitRepository
from tests.support.http import Client
from tests.support.smtp import Behaviour, mail_server
from vedette.core import json

EMAIL, PASSWORD = "ann@example.com", "correct horse battery"
REPOSITORY = "acme/shop"


def mail_line(server):
    """What `vedette doctor` says about mail."""
    findings = json.loads(server.command("doctor", "--json").stdout)["findings"]
    (found,) = [one for one in findings if one["check"] == "mail"]
    return found["verdict"], found["detail"]


def test_whoever_sets_refs_hears_that_they_cannot_be_fetched_until_they_stop_it(start_server, tmp_path):
    git = GitRepository(tmp_path / "shop")
    git.commit()
    with mail_server() as mailbox:
        mailbox.behaviour = Behaviour(password=("post", "s3cret/word"))
        server = start_server(
            environment={
                "VEDETTE_GIT_ROOTS": str(tmp_path),
                "VEDETTE_MAIL_URL": f"smtp://post:s3cret%2Fword@127.0.0.1:{mailbox.port}"
                "?tls=false&from=vedette@example.com",
            }
        )
        made = server.bootstrap(org="acme", project="shop", email=EMAIL, password=PASSWORD)
        server.command("repository", "add", REPOSITORY, str(git.path), "--org", "acme")
        api = server.api(made["auth_token"])

        def release(version):
            refs = [{"repository": REPOSITORY, "commit": "f" * 40}]
            wish = {"version": version, "projects": ["shop"], "refs": refs}
            answer = api.post_json("/api/0/organizations/acme/releases/", wish)
            assert answer.status == 201, answer.text

        release("1.0")
        server.wait_for(lambda: len(mailbox.delivered) == 1, 60, "the mail")

        (arrived,) = mailbox.delivered
        assert (arrived.sender, arrived.recipients) == ("vedette@example.com", [EMAIL])
        assert arrived.message["Subject"] == "Unable to Fetch Commits"
        assert f"{server.url}/organizations/acme/releases/1.0/" in arrived.part("plain")
        assert mail_line(server) == ("ok", "0 wait; in a day 1 were sent, 0 given up")

        link = re.search(r"<(.+)>", arrived.message["List-Unsubscribe"])[1]
        assert link.startswith(server.url)
        program = Client(server.url)  # nobody who signed in
        assert "Stop these mails?" in program.get(link).text
        said = {"Content-Type": "application/x-www-form-urlencoded"}
        stopped = program.request("POST", urlsplit(link).path, b"List-Unsubscribe=One-Click", said)
        assert stopped.status == 200
        told = api.get("/api/0/users/me/notifications/").json()
        assert told == {"deployNotifications": "committed", "fetchNotifications": "never"}

        release("2.0")
        api.post_json("/api/0/users/me/notifications/", {"deployNotifications": "all"}, "PUT")
        deployed = api.post_json("/api/0/organizations/acme/releases/2.0/deploys/", {"environment": "production"})
        assert deployed.status == 201
        server.wait_for(lambda: mail_line(server)[1].startswith("1 wait"), 60, "the deploy's mail in the outbox")
        assert len(mailbox.delivered) == 1
