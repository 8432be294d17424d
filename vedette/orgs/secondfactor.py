"""Organizations that want every member to sign in with more than a password (`require_2fa`).

Whoever has no authenticator app is sent to set one up before any page of theirs, and a browser's requests to the API
are refused; tokens go on. Source: the release specification, 20; the API specification, 7.
"""

from vedette.accounts.factors import asks_for_code
from vedette.accounts.models import User
from vedette.core.errors import RuleBroken
from vedette.orgs.models import Organization, OrganizationFlags


def must_set_up(user: User, organization: Organization) -> bool:
    """Whether `user` has to set an app up before anything of `organization` is shown."""
    return organization.has_flag(OrganizationFlags.REQUIRE_2FA) and not asks_for_code(user)


def check_may_require(by: User | None) -> None:
    """Raises `RuleBroken` for somebody without an app, who would lock themselves out first."""
    if by is None or not asks_for_code(by):
        raise RuleBroken({"require2FA": ["Set up an authenticator app for yourself first."]})
