"""Organization tokens: `sntrys_<payload>_<secret>`, as `sentry-cli` takes them apart (API specification, 3.2)."""

import base64
import secrets
import time

from vedette.accounts.models import User
from vedette.accounts.tokens import hash_token
from vedette.core import json
from vedette.orgs.models import Organization, OrgAuthToken

PREFIX = "sntrys_"


def token_text(slug: str, url: str) -> str:
    """A fresh token text that names the organization and the server's address. `url` may not be empty."""
    if not url:
        raise ValueError("an organization token needs the server's external URL")
    payload = json.dumps({"iat": time.time(), "url": url, "region_url": url, "org": slug})
    secret = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return f"{PREFIX}{base64.b64encode(payload).decode()}_{secret}"


def create_org_token(organization: Organization, url: str, *, name: str, by: User | None) -> tuple[OrgAuthToken, str]:
    """A new token of `organization` with the scope `org:ci`, and its text, which cannot be had again."""
    text = token_text(organization.slug, url)
    row = OrgAuthToken.objects.create(
        organization_id=organization.pk,
        name=name,
        token_hashed=hash_token(text),
        token_last_characters=text[-4:],
        scope_list=["org:ci"],
        created_by=by,
    )
    return row, text


def find_org_token(text: str) -> OrgAuthToken | None:
    """The stored, active token with this text."""
    return OrgAuthToken.objects.filter(token_hashed=hash_token(text), date_deactivated__isnull=True).first()
