"""The report of a comparison in a browser: readable on a phone, in the dark, and with nothing of the files running."""

import io

import pytest

from tests.support.relocation import as_file, every_model
from vedette.relocation.comparing import compare
from vedette.relocation.comparing.report import write_report

HOSTILE = "<script>document.title = 'run'</script>" + "wide" * 200


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    right = every_model()
    for one in right[::7]:
        one["fields"]["hostile"] = HOSTILE
    result = compare(io.BytesIO(as_file(every_model())), io.BytesIO(as_file(right[:-3])), work_dir=folder)
    with (folder / "report.html").open("wb") as stream:
        write_report(stream, result, left="before.json", right=f"after-{HOSTILE}.json")
    result.findings.close()
    return (folder / "report.html").as_uri()


@pytest.mark.parametrize("size", ["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_fits_and_nothing_of_it_runs(open_page, report, size, scheme):
    page = open_page(report, size, scheme)

    page.goto(report)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert "differences in" in page.title()
    light = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(251, 250, 247)"
    assert light == (scheme == "light")


def test_a_model_of_the_table_leads_to_its_differences(open_page, report):
    page = open_page(report)
    page.goto(report)

    page.locator("table.models a").last.click()

    assert page.locator("section:target .finding[open] pre, section:target .finding[open] p").first.is_visible()
