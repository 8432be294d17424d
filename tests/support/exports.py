"""Rows of export files by hand, and small files of them: only what a test is about has to be said."""

from typing import Any

Row = dict[str, Any]
DAY = "2023-06-22T22:59:55.488Z"
NOBODY_KNOWS = "pbkdf2_sha256$1000$salt$boRToEKoQr22LeDTyHDsEkHpDsDOTyWJq16HknEiweU="


def row(model: str, pk: int, **fields: Any) -> Row:
    """A row of a model, of `sentry` unless an app is named."""
    return {"model": model if "." in model else f"sentry.{model}", "pk": pk, "fields": fields}


def organization(pk: int = 1, slug: str = "acme", **fields: Any) -> Row:
    """An organization."""
    return row("organization", pk, **{"slug": slug, "name": slug.title(), "date_added": DAY, **fields})


def user(pk: int = 1, username: str = "ada", **fields: Any) -> Row:
    """A claimed account."""
    given = {"email": f"{username}@example.com", "password": NOBODY_KNOWS, "date_joined": DAY}
    return row("user", pk, username=username, **{**given, **fields})


def member(pk: int, organization: int, user: int | None, **fields: Any) -> Row:
    """Somebody's place in an organization."""
    return row(
        "organizationmember",
        pk,
        organization=organization,
        user_id=user,
        **{"role": "member", "date_added": DAY, **fields},
    )


def team(pk: int = 1, organization: int = 1, slug: str = "core", **fields: Any) -> Row:
    """A team."""
    return row("team", pk, organization=organization, **{"slug": slug, "name": slug, "date_added": DAY, **fields})


def project(pk: int = 1, organization: int = 1, slug: str = "shop", **fields: Any) -> Row:
    """A project."""
    return row("project", pk, organization=organization, **{"slug": slug, "name": slug, "date_added": DAY, **fields})


def rule(pk: int = 1, project: int = 1, **fields: Any) -> Row:
    """An alert rule for issues, which is kept and not used."""
    given = {"label": f"rule {pk}", "data": "{}", "status": 0, "source": 0, "date_added": DAY}
    return row("rule", pk, project=project, **{**given, **fields})
