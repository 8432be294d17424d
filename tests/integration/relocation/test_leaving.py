"""What relocation has kept goes with what it belongs to."""

from datetime import UTC, datetime

import pytest

from tests.support.factories import an_organization
from vedette.orgs.models import Team
from vedette.relocation.leaving import CHUNKS_KEPT, forget_orphans
from vedette.relocation.models import ExtraFields, RegionImportChunk

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_extra_fields_go_after_their_rows_and_not_before():
    team = Team.objects.create(organization=an_organization(), slug="core", name="Core")
    ExtraFields.objects.create(model="sentry.team", pk_of_row=team.pk, fields={"shiny": True})
    ExtraFields.objects.create(model="sentry.team", pk_of_row=team.pk + 1, fields={"shiny": False})

    forget_orphans(NOW)

    assert ExtraFields.objects.get().pk_of_row == team.pk


def test_chunks_are_kept_for_a_while():
    for ordinal, moment in ((1, NOW - CHUNKS_KEPT * 2), (2, NOW)):
        RegionImportChunk.objects.create(
            import_uuid="a" * 32, model="sentry.team", min_ordinal=ordinal, max_ordinal=ordinal, date_added=moment
        )

    forget_orphans(NOW)

    assert RegionImportChunk.objects.get().min_ordinal == 2
