"""Choosing a picture on a page, and faces on others."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from tests.support.factories import a_member
from vedette.accounts.avatars import ident_of
from vedette.accounts.models import AvatarType, UserAvatar
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.avatars import idents_of

pytestmark = pytest.mark.django_db
ACCOUNT, MINE = "/settings/account/details/", "/settings/account/avatar/"
SETTINGS, OURS = "/organizations/acme/settings/", "/organizations/acme/settings/avatar/"


def a_file(side=300):
    out = BytesIO()
    Image.new("RGB", (side, side), "red").save(out, "PNG")
    return SimpleUploadedFile("me.png", out.getvalue(), "image/png")


def test_a_picture_is_chosen_shown_and_taken_away(visit, ann, organization):
    browser = visit(ann)

    answer = browser.post(MINE, {"do": "upload", "photo": a_file()}, follow=True)

    ann.refresh_from_db()
    address = f"/avatar/{ident_of(ann)}/"
    assert "Your picture is changed." in answer.text
    assert f'src="{address}?s=120"' in answer.text
    record(AuditEvent.TEAM_CREATE, organization, by=ann, data={"slug": "crew"})
    for page in ("members", "audit-log"):
        assert f'src="{address}?s=48"' in browser.get(f"{SETTINGS}{page}/").text
    answer = browser.post(MINE, {"do": "letters"}, follow=True)
    assert "Letters stand for you now." in answer.text
    assert address not in answer.text
    assert "A</span>" in answer.text


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "Choose a file first."),
        ({"photo": SimpleUploadedFile("me.png", b"<script>")}, "Invalid image format."),
        ({"photo": a_file(100)}, "Invalid image dimensions."),
        ({"photo": SimpleUploadedFile("me.png", b"\0" * 5_000_001)}, "Image too large."),
    ],
    ids=["nothing", "no picture", "small", "large"],
)
def test_what_is_no_picture_is_told(visit, ann, organization, sent, sentence):
    browser = visit(ann)

    for address in (MINE, OURS):
        if "photo" in sent:
            sent["photo"].seek(0)
        assert sentence in browser.post(address, sent, follow=True).text
    assert not UserAvatar.objects.exists()
    assert idents_of([organization.pk]) == {}


def test_an_organization_shows_its_picture(visit, ann, organization):
    browser = visit(ann)

    answer = browser.post(OURS, {"photo": a_file()}, follow=True)

    assert f"/organization-avatar/{idents_of([organization.pk])[organization.pk]}/?s=120" in answer.text
    answer = browser.post(OURS, {"do": "letters"}, follow=True)
    assert "Letters stand for the organization now." in answer.text


def test_what_an_import_says_of_a_picture_elsewhere_leads_nowhere(visit, ann, organization):
    eve = a_member(organization, "eve@example.com", name="Eve <b>")
    eve.avatar_type, eve.avatar_url = AvatarType.UPLOAD, "https://elsewhere.example/avatar/x/"
    eve.save()

    page = visit(ann).get(f"{SETTINGS}members/").text

    assert "elsewhere.example" not in page
    assert 'aria-label="Eve &lt;b&gt; &lt;eve@example.com&gt;"' in page
