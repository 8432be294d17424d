"""The stats page: what was sent and what became of it."""

from datetime import timedelta

import pytest

from tests.support.factories import a_member, a_project
from vedette.core import clock
from vedette.digest.models import OutcomeCount
from vedette.wire.outcomes import Category, Outcome

pytestmark = pytest.mark.django_db
PATH = "/organizations/acme/stats/"


@pytest.fixture
def count():
    def _count(project, outcome, quantity, reason="", category=Category.ERROR, hours=2):
        hour = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
        OutcomeCount.objects.create(
            organization_id=project.organization_id,
            project_id=project.pk,
            outcome=outcome,
            category=category,
            reason=reason,
            hour=hour,
            quantity=quantity,
        )

    return _count


@pytest.fixture
def busy(project, count):
    count(project, Outcome.ACCEPTED, 60)
    count(project, Outcome.FILTERED, 25, "web-crawlers")
    count(project, Outcome.RATE_LIMITED, 10, "spike_protection")
    count(project, Outcome.INVALID, 3, "too_large", Category.SECURITY)
    count(project, Outcome.CLIENT_DISCARD, 2, "<b>made up</b>")
    return project


def test_every_fate_has_its_number_and_every_reason_its_words(visit, ann, busy):
    page = visit(ann).get(PATH).text

    assert "60 accepted, 25 filtered, 10 rate limited, 3 invalid, 2 discarded by the client" in page
    assert page.count("<rect class=") == 5
    assert "A program that reads pages, such as a search engine, met the error." in page
    assert "several times more errors than in its usual busiest hour" in page
    assert "&lt;b&gt;made up&lt;/b&gt;" in page
    assert "The sender&#x27;s own word." in page or "The sender's own word." in page


@pytest.mark.parametrize(("period", "hours", "shown"), [("24h", 23, True), ("24h", 25, False), ("30d", 600, True)])
def test_the_range_ends_now(visit, ann, project, count, period, hours, shown):
    count(project, Outcome.ACCEPTED, 77, hours=hours)

    page = visit(ann).get(f"{PATH}?statsPeriod={period}").text

    assert ("77 accepted" in page) is shown
    assert ("nothing in the last" in page) is not shown


def test_kinds_of_data_are_counted_apart_and_files_in_bytes_too(visit, ann, project, count):
    count(project, Outcome.ACCEPTED, 5, category=Category.TRANSACTION)
    count(project, Outcome.ACCEPTED, 2 * 1024 * 1024, category=Category.ATTACHMENT)

    assert "5 accepted" in visit(ann).get(f"{PATH}?category=transaction").text
    assert "2.0\xa0MB" in visit(ann).get(f"{PATH}?category=attachment_bytes").text
    assert "category=session" not in visit(ann).get(PATH).text


def test_nonsense_in_the_address_falls_back_to_the_usual(visit, ann, busy):
    page = visit(ann).get(f"{PATH}?statsPeriod=5y&category=nothing").text

    assert "Errors in the last 7d" in page


def test_only_projects_that_the_visitor_reaches_are_counted(visit, organization, busy, count):
    organization.flags = 0
    organization.save()
    hidden = a_project(organization, "hidden")
    count(hidden, Outcome.ACCEPTED, 1000)
    loner = a_member(organization, "lone@example.com", "member")

    page = visit(loner).get(PATH)

    assert page.status_code == 200
    assert "1,000" not in page.text
    assert "60 accepted" not in page.text
    assert visit(loner).get(f"{PATH}?project=hidden").status_code == 404


def test_one_project_can_be_chosen(visit, ann, organization, busy, count):
    count(a_project(organization, "other"), Outcome.ACCEPTED, 7)

    assert "67 accepted" in visit(ann).get(PATH).text
    assert "60 accepted" in visit(ann).get(f"{PATH}?project=web").text
    assert visit(ann).get(f"{PATH}?project=nowhere").status_code == 404


def test_a_stranger_sees_nothing(visit, stranger, busy):
    assert visit(stranger).get(PATH).status_code == 404
