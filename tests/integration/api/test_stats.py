from datetime import timedelta

import pytest

from vedette.api import stats
from vedette.core import clock
from vedette.digest.models import OutcomeCount

PATH = "/organizations/acme/stats_v2/?field=sum(quantity)&statsPeriod=24h&interval=1h"


@pytest.fixture
def reasons(acme, web):
    hour = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    OutcomeCount.objects.bulk_create(
        OutcomeCount(
            organization_id=acme.pk,
            project_id=web.pk,
            outcome=1,
            category=1,
            reason=f"made-up-{number}",
            hour=hour,
            quantity=number,
        )
        for number in range(1, 251)
    )


def test_rare_reasons_are_told_as_one(api, reasons):
    body = api.get(f"{PATH}&groupBy=reason&groupBy=reason").body

    totals = {group["by"]["reason"]: group["totals"]["sum(quantity)"] for group in body["groups"]}
    assert len(totals) == stats.MAX_REASONS + 1
    assert totals["other"] == sum(range(1, 51))
    assert totals["made-up-250"] == 250


def test_an_answer_of_too_many_numbers_is_refused(api, reasons, monkeypatch):
    monkeypatch.setattr(stats, "MAX_CELLS", 1000)

    answer = api.get(f"{PATH}&groupBy=reason")

    assert answer.status == 400
    assert answer.detail.startswith("Your query would create more than 1000 numbers.")
    assert api.get(f"{PATH}&groupBy=outcome").status == 200
