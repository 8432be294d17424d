"""The page of what people said, and the files of events on the issue's page."""

from datetime import timedelta

import pytest
from django.conf import settings

from tests.support.factories import a_project
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.issues.models import EventAttachment, GroupStatus, UserReport
from vedette.orgs.options import ATTACHMENTS_ROLE
from vedette.orgs.options import set_option as set_for_all
from vedette.web.views import feedback as views

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
FEEDBACK = "/organizations/acme/feedback/"


@pytest.fixture
def said(project):
    """Somebody said something; minutes ago."""

    def _said(words="it broke", minutes=0, **more):
        values = {
            "project": project,
            "event_id": f"{UserReport.objects.count():032x}",
            "name": "Kim",
            "comments": words,
        }
        return UserReport.objects.create(**{**values, "date_added": clock.now() - timedelta(minutes=minutes), **more})

    return _said


@pytest.fixture
def issue(project, report, an_error):
    """An issue whose one event came with a picture and a text."""
    report(project, an_error(), attachments=[("shot.png", PNG), ("<b>.txt", b"<script>")])
    return project.groups.get()


def lines(page) -> str:
    return " ".join(page.content.decode().split())


# ---------------------------------------------------------------- the list


def test_nobody_has_said_anything(visit, ann, project):
    page = visit(ann).get(FEEDBACK)

    assert (page.status_code, "Nobody has said anything yet" in lines(page)) == (200, True)


def test_the_newest_comes_first_with_its_issue_and_event(visit, ann, issue, said):
    event_id = EventAttachment.objects.first().event_id
    said("older", minutes=9, email="kim@example.com")
    said("newer", event_id=event_id, group=issue)

    text = lines(visit(ann).get(FEEDBACK))

    assert text.index("newer") < text.index("older")
    assert f'href="/organizations/acme/issues/{issue.qualified_short_id}/events/{event_id}/"' in text
    assert "kim@example.com" in text
    assert "shot.png" in text
    assert "is kept here" in text


def test_words_of_strangers_are_only_words(visit, ann, said):
    said("<script>alert(1)</script>\u202e", name="<i>", email='"><svg')

    text = visit(ann).get(FEEDBACK).content.decode()

    assert not [bad for bad in ("<script>alert", "<i>", "<svg o", "\u202e") if bad in text]
    assert "&lt;script&gt;alert(1)" in text


def test_one_project_at_a_time(visit, ann, organization, team, project, said):
    other = a_project(organization, "shop")
    said("about the web")
    said("about the shop", project=other)

    page, unknown = visit(ann).get(f"{FEEDBACK}?project=shop"), visit(ann).get(f"{FEEDBACK}?project=none")

    assert "about the shop" in lines(page)
    assert "about the web" not in lines(page)
    assert '<option value="shop" selected>' in lines(page)
    assert "No such project" in lines(unknown)


def test_page_by_page(visit, ann, said, monkeypatch):
    monkeypatch.setattr(views, "PER_PAGE", 2)
    for number in range(5):
        said(f"words {number}", minutes=number)

    pages = [lines(visit(ann).get(f"{FEEDBACK}?page={number}")) for number in (1, 2, 3)]

    assert [[n for n in range(5) if f"words {n}" in page] for page in pages] == [[0, 1], [2, 3], [4]]
    assert 'rel="next"' not in pages[2]
    assert visit(ann).get(f"{FEEDBACK}?page=9").status_code == 302


def test_issues_that_are_being_deleted_are_not_spoken_of(visit, ann, issue, said):
    issue.status = GroupStatus.PENDING_DELETION
    issue.save()
    said("about the deleted one", group=issue)

    assert "about the deleted one" not in lines(visit(ann).get(FEEDBACK))


def test_strangers_find_nothing(visit, stranger, said, ann):
    said()

    assert visit(stranger).get(FEEDBACK).status_code == 404
    assert visit().get(FEEDBACK).status_code == 302


def test_the_page_is_in_the_bar(visit, ann, project):
    assert f'<a href="{FEEDBACK}" aria-current="page">Feedback</a>' in lines(visit(ann).get(FEEDBACK))


# ---------------------------------------------------------------- files


def asked(visitor, address):
    """The answer, its file closed again."""
    page = visitor.get(address)
    page.close()
    return page


def picture_of(issue, name="shot.png") -> str:
    file = EventAttachment.objects.get(name=name)
    return f"/organizations/acme/issues/{issue.qualified_short_id}/attachments/{file.pk}/picture/"


def test_the_issue_s_page_lists_files_and_shows_pictures(visit, ann, issue):
    text = lines(visit(ann).get(f"/organizations/acme/issues/{issue.qualified_short_id}/"))

    assert f'<img src="{picture_of(issue)}"' in text
    assert text.count("<img") == 1
    assert "&lt;b&gt;.txt" in text
    assert "image/png" in text


def test_a_picture_is_shown_as_what_its_bytes_are(visit, ann, issue):
    page = visit(ann).get(picture_of(issue))

    assert (page.status_code, page["Content-Type"], b"".join(page.streaming_content)) == (200, "image/png", PNG)
    page.close()
    assert page["Content-Disposition"].startswith("inline")
    assert page["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert page["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg", 200),
        (b"GIF89a", "image/gif; x=y", 200),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp", 200),
        (b"\xff\xd8\xff\xe0", "image/png", 200),
        (b"RIFF\0\0\0\0WAVEfmt ", "image/webp", 404),
        (b"<svg onload=alert(1)>", "image/svg+xml", 404),
        (b"<svg onload=alert(1)>", "image/png", 404),
        (b"<html>", "image/gif", 404),
        (PNG, "text/html", 404),
    ],
)
def test_only_pictures_are_shown(visit, ann, issue, content, kind, status):
    sha1 = FileStore(settings.VEDETTE.files_dir).put(content)
    EventAttachment.objects.filter(name="shot.png").update(sha1=sha1, content_type=kind, size=len(content))

    page = asked(visit(ann), picture_of(issue))

    assert page.status_code == status
    assert page["Content-Type"] in ("image/png", "image/jpeg", "image/gif", "image/webp") or status == 404


def test_a_large_picture_is_only_downloaded(visit, ann, issue):
    EventAttachment.objects.filter(name="shot.png").update(size=11 * 1024 * 1024)

    assert "<img" not in lines(visit(ann).get(f"/organizations/acme/issues/{issue.qualified_short_id}/"))
    assert visit(ann).get(picture_of(issue)).status_code == 404


def test_pictures_are_for_those_with_the_role(visit, ann, stranger, organization, issue):
    address = picture_of(issue)

    assert visit(stranger).get(address).status_code == 404
    set_for_all(organization, ATTACHMENTS_ROLE, "owner")
    assert asked(visit(ann), address).status_code == 200


def test_the_page_says_that_a_dump_was_not_kept(visit, ann, project, report):
    crash = {"exception": {"values": [{"type": "Minidump", "value": "x", "mechanism": {"type": "minidump"}}]}}
    report(project, crash)
    issue = project.groups.get()

    text = lines(visit(ann).get(f"/organizations/acme/issues/{issue.qualified_short_id}/"))

    assert "The crash dump itself was not kept: this installation keeps none." in text
