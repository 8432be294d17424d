"""Rows of export files, by hand: only what a test is about has to be said."""

import json
from typing import Any

Row = dict[str, Any]
PASSWORD = "pbkdf2_sha256$1000$salt$boRToEKoQr22LeDTyHDsEkHpDsDOTyWJq16HknEiweU="  # of "correct horse"
DAY = "2023-06-22T22:59:55.488Z"


def a_row(model: str, pk: int, **fields: Any) -> Row:
    """One row of a model of `sentry`."""
    return {"model": f"sentry.{model}", "pk": pk, "fields": fields}


def a_user(pk: int, username: str, **fields: Any) -> Row:
    """A claimed account without any powers; its address is its name where that is one."""
    given = {
        "username": username,
        "password": PASSWORD,
        "email": username if "@" in username else f"{username}@example.com",
        "name": username.title(),
        "is_active": True,
        "is_sentry_app": None,
        "is_unclaimed": False,
        "date_joined": DAY,
        "last_password_change": DAY,
        "flags": "0",
    }
    return a_row("user", pk, **{**given, **fields})


def its_address(pk: int, user: int, email: str, **fields: Any) -> Row:
    """An address of an account."""
    given = {"validation_hash": "v" * 32, "date_hash_added": DAY, "is_verified": True}
    return a_row("useremail", pk, user=user, email=email, **{**given, **fields})


def an_organization_row(pk: int, slug: str, **fields: Any) -> Row:
    """An organization."""
    given = {"name": slug.title(), "status": 0, "date_added": DAY, "flags": "1", "default_role": "member"}
    return a_row("organization", pk, slug=slug, **{**given, **fields})


def a_membership(pk: int, organization: int, user: int | None, **fields: Any) -> Row:
    """Somebody's place in an organization, or an invitation."""
    given = {"email": None, "role": "member", "token": None, "inviter_id": None, "date_added": DAY}
    return a_row("organizationmember", pk, organization=organization, user_id=user, **{**given, **fields})


def a_project_row(pk: int, organization: int, slug: str, **fields: Any) -> Row:
    """A project."""
    given = {"name": slug.title(), "status": 0, "date_added": DAY, "flags": "10", "platform": "python"}
    return a_row("project", pk, organization=organization, slug=slug, **{**given, **fields})


def a_key(pk: int, project: int, public: str, secret: str, **fields: Any) -> Row:
    """A key of a project."""
    given = {"label": "Default", "roles": "1", "status": 0, "date_added": DAY, "data": {}}
    return a_row("projectkey", pk, project=project, public_key=public, secret_key=secret, **{**given, **fields})


def an_org_token(pk: int, hashed: str | None = None, **fields: Any) -> Row:
    """A token of organization 1."""
    return a_row("orgauthtoken", pk, organization_id=1, token_hashed=hashed, scope_list="['org:ci']", **fields)


def an_option(value: Any) -> str:
    """A text, a list or an object as options have it."""
    return json.dumps(value)
