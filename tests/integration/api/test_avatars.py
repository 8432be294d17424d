"""Pictures of people and organizations over the API (release specification, 19)."""

import base64
from io import BytesIO

import pytest
from django.test import Client
from PIL import Image

from tests.integration.api.client import Api
from tests.support.factories import a_member, an_organization
from vedette.accounts.models import User, UserAvatar
from vedette.core.pictures import MOST_BYTES
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AuditLogEntry, OrganizationAvatar

ME, ORG = "/users/me/avatar/", "/organizations/acme/"
FORMAT, DIMENSIONS = "Invalid image format.", "Invalid image dimensions."


def a_photo(side=300, kind="PNG", colour="red"):
    out = BytesIO()
    Image.new("RGB", (side, side), colour).save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


def upload(photo=None):
    return {"avatar_type": "upload", "avatar_photo": photo or a_photo()}


def fetch(url, size=""):
    return Client().get(url.removeprefix("http://127.0.0.1:9000") + (f"?s={size}" if size else ""))


def opened(answer):
    assert answer.status_code == 200
    return Image.open(BytesIO(answer.content))


def test_a_person_chooses_a_picture_and_everybody_may_fetch_it(api, owner):
    answer = api.put(ME, upload())

    avatar = answer.body["avatar"]
    assert (avatar["avatarType"], answer.body["avatarUrl"]) == ("upload", avatar["avatarUrl"])
    assert avatar["avatarUrl"] == f"http://127.0.0.1:9000/avatar/{avatar['avatarUuid']}/"
    shown = fetch(avatar["avatarUrl"])
    assert opened(shown).size == (256, 256)
    assert shown.headers["Content-Type"] == "image/png"
    assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in shown.headers["Cache-Control"]
    assert shown.headers["Content-Disposition"] == f'inline; filename="{owner.pk}.png"'
    assert "Set-Cookie" not in shown.headers
    assert api.get("/organizations/acme/members/").body[0]["user"]["avatar"] == avatar


@pytest.mark.parametrize(
    ("wish", "side"), [("33", 32), ("120", 120), ("99999", 120), ("0", 20), ("x", 256), ("-1", 256), ("9" * 9, 256)]
)
def test_a_picture_is_made_in_a_few_sizes(api, wish, side):
    url = api.put(ME, upload()).body["avatarUrl"]

    assert opened(fetch(url, wish)).size == (side, side)


def test_another_picture_has_another_name_and_the_one_before_is_gone(api):
    first, second = (api.put(ME, upload(a_photo(colour=colour))).body["avatarUrl"] for colour in ("red", "blue"))

    assert first != second
    assert fetch(first).status_code == 404
    assert opened(fetch(second)).convert("RGB").getpixel((0, 0)) == (0, 0, 255)
    assert UserAvatar.objects.count() == 1


def test_letters_hide_a_picture_which_comes_back_without_being_sent_again(api):
    url = api.put(ME, upload()).body["avatarUrl"]

    letters = api.put(ME, {"avatar_type": "letter_avatar"}).body
    hidden = fetch(url).status_code
    again = api.put(ME, {"avatar_type": "upload"}).body

    assert letters["avatar"] == {"avatarType": "letter_avatar", "avatarUuid": None, "avatarUrl": None}
    assert (letters["avatarUrl"], hidden) == ("", 404)
    assert again["avatarUrl"] == url
    assert fetch(url).status_code == 200


def test_a_gravatar_is_remembered_and_nobody_is_asked_for_it(api):
    answer = api.put(ME, {"avatar_type": "gravatar"})

    assert answer.body["avatar"] == {"avatarType": "gravatar", "avatarUuid": None, "avatarUrl": None}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"avatar_type": ["This field is required."]}),
        ({"avatar_type": "painting"}, {"avatar_type": ['"painting" is not a valid choice.']}),
        ({"avatar_type": "upload"}, {"avatar_type": ["Cannot set avatar_type to upload without avatar_photo"]}),
        (upload("no base64"), {"avatar_photo": [FORMAT]}),
        (upload("é"), {"avatar_photo": [FORMAT]}),
        (upload(base64.b64encode(b"<svg/>").decode()), {"avatar_photo": [FORMAT]}),
        (upload(a_photo(kind="BMP")), {"avatar_photo": [FORMAT]}),
        (upload(a_photo(255)), {"avatar_photo": [DIMENSIONS]}),
        (upload(a_photo(1025)), {"avatar_photo": [DIMENSIONS]}),
    ],
    ids=["nothing", "kind", "no photo", "no base64", "odd", "svg", "bmp", "small", "large"],
)
def test_what_is_no_picture_is_refused_and_nothing_changes(api, body, errors):
    answer = api.put(ME, body)

    assert (answer.status, answer.body) == (400, errors)
    assert not UserAvatar.objects.exists()


@pytest.mark.parametrize("path", [ME, f"{ORG}avatar/"])
def test_too_many_bytes_are_413(api, acme, path):
    answer = api.put(path, upload(base64.b64encode(b"\0" * (MOST_BYTES + 200)).decode()))

    assert (answer.status, answer.detail) == (413, "Image too large")


def test_a_picture_may_come_as_a_page_has_it(api):
    assert api.put(ME, upload(f"data:image/png;base64,{a_photo()}")).status == 200


def test_nobody_chooses_for_somebody_else(api, acme, owner, token_of):
    ann = a_member(acme, "ann@example.com")

    assert api.put(f"/users/{ann.pk}/avatar/", upload()).status == 404
    assert api.put("/users/999999/avatar/", upload()).status == 404
    assert api.put(f"/users/{owner.pk}/avatar/", upload()).status == 200
    owner.is_superuser = True
    owner.save()
    assert api.put(f"/users/{ann.pk}/avatar/", upload()).status == 200
    assert User.objects.get(pk=ann.pk).avatar_type == 1


def test_the_picture_of_somebody_who_left_is_gone(api, owner):
    url = api.put(ME, upload()).body["avatarUrl"]
    owner.is_active = False
    owner.save()

    assert fetch(url).status_code == 404


@pytest.mark.parametrize("ident", ["0" * 32, "x", "..", "0" * 31 + "é"])
def test_an_unknown_name_is_not_found(api, ident):
    assert fetch(f"/avatar/{ident}/").status_code == 404
    assert fetch(f"/organization-avatar/{ident}/").status_code == 404


# ---------------------------------------------------------------- organizations


@pytest.mark.parametrize("way", ["settings", "own"])
def test_an_organization_has_a_picture_that_is_told(api, acme, way):
    if way == "settings":
        answer = api.put(ORG, {"avatar": a_photo(), "avatarType": "upload"})
    else:
        answer = api.put(f"{ORG}avatar/", upload())

    avatar = answer.body["avatar"]
    assert avatar["avatarUrl"] == f"http://127.0.0.1:9000/organization-avatar/{avatar['avatarUuid']}/"
    shown = fetch(avatar["avatarUrl"], 64)
    assert opened(shown).size == (64, 64)
    assert shown.headers["Content-Disposition"] == 'inline; filename="acme.png"'
    assert api.get("/organizations/").body[0]["avatar"] == avatar
    assert AuditLogEntry.objects.get(event=AuditEvent.ORG_EDIT).data == {"avatar": "to upload"}
    assert api.put(ORG, {"avatarType": "letter_avatar"}).body["avatar"]["avatarType"] == "letter_avatar"
    assert fetch(avatar["avatarUrl"]).status_code == 404


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"avatarType": "upload"}, {"avatarType": ["Cannot set avatarType to upload without avatar"]}),
        ({"avatarType": "gravatar"}, {"avatarType": ['"gravatar" is not a valid choice.']}),
        ({"avatar": "x"}, {"avatar": [FORMAT]}),
        ({"avatar": a_photo(200), "name": "New"}, {"avatar": [DIMENSIONS]}),
    ],
    ids=["no photo", "kind", "no base64", "small"],
)
def test_settings_with_a_wrong_picture_change_nothing(api, acme, body, errors):
    answer = api.put(ORG, body)

    assert (answer.status, answer.body) == (400, errors)
    assert not OrganizationAvatar.objects.exists()
    assert api.get(ORG).body["name"] == "Acme"


def test_the_endpoint_of_the_picture_names_its_own_fields(api, acme):
    answer = api.put(f"{ORG}avatar/", {"avatar_type": "upload"})

    assert (answer.status, list(answer.body)) == (400, ["avatar_type"])
    assert api.put(f"{ORG}avatar/", upload(a_photo(100))).body == {"avatar_photo": [DIMENSIONS]}


def test_only_who_may_change_the_organization_chooses_its_picture(acme, token_of):
    member = token_of(a_member(acme, "ann@example.com"))
    stranger = token_of(a_member(an_organization("other"), "stranger@example.com", "owner"))

    assert member.put(f"{ORG}avatar/", upload()).status == 403
    assert stranger.put(f"{ORG}avatar/", upload()).status == 404
    assert Api().put(ME, upload()).status == 401
    assert not OrganizationAvatar.objects.exists()
