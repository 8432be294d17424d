"""Where the pages of what is shipped are, for those who are told of it elsewhere: mail, webhooks."""

from urllib.parse import quote, urlencode

from django.conf import settings

from vedette.orgs.models import Organization


def release_url(organization: Organization, version: str, environment: str = "") -> str:
    """The address of a release's page, as it looks in one environment where one is named."""
    query = f"?{urlencode({'environment': environment})}" if environment else ""
    return f"{settings.VEDETTE.url}/organizations/{organization.slug}/releases/{quote(version, safe='')}/{query}"
