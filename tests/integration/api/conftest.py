"""A caller of the API, the event store behind it, and an organization to ask about."""

from datetime import timedelta

import pytest

from tests.integration.api import factories
from tests.integration.api.client import Api
from tests.support.factories import a_member, a_project, an_organization
from vedette.accounts.tokens import create_user_token
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.digest.batch import sort_out
from vedette.digest.models import DigestBatch
from vedette.digest.relate import relate
from vedette.digest.store import store
from vedette.orgs.models import OrganizationMember, OrganizationMemberTeam, Team
from vedette.orgs.roles import ALL_SCOPES
from vedette.projects.models import ProjectTeam


@pytest.fixture
def digest(events, tmp_path):
    """Digest prepared values in one batch."""

    def _digest(*values):
        mark = DigestBatch.objects.create(stream=clock.now().isoformat(), first_position=1, last_position=1)
        batch = sort_out(values)
        groups = relate(mark, batch, [], {}, FileStore(tmp_path))
        store(events, mark, batch, groups, [], pytest.fail)
        return groups

    return _digest


@pytest.fixture
def acme(db):
    return an_organization("acme")


@pytest.fixture
def owner(acme):
    return a_member(acme, "owner@example.com", "owner", name="Olive Owner")


@pytest.fixture
def team(acme, owner):
    team = Team.objects.create(organization=acme, slug="core", name="Core")
    member = OrganizationMember.objects.get(organization=acme, user_id=owner.pk)
    OrganizationMemberTeam.objects.create(team=team, organizationmember=member)
    return team


@pytest.fixture
def web(acme, team):
    project = a_project(acme, "web", platform="python")
    ProjectTeam.objects.create(project=project, team=team)
    return project


@pytest.fixture
def shop(acme, team):
    project = a_project(acme, "shop")
    ProjectTeam.objects.create(project=project, team=team)
    return project


@pytest.fixture
def api(owner):
    """The owner's token with every scope."""
    return Api(create_user_token(owner, ALL_SCOPES)[1])


@pytest.fixture
def token_of():
    """An Api with a token of the given user and scopes."""

    def _token_of(user, *scopes):
        return Api(create_user_token(user, frozenset(scopes or ALL_SCOPES))[1])

    return _token_of


@pytest.fixture
def issue(web, digest):
    """One issue of three events in two environments; the last one an hour ago."""
    now = clock.now()
    digest(*(factories.a_real_event(web, timestamp=now - timedelta(hours=hours)) for hours in (3, 2, 1)))
    return web.groups.get()
