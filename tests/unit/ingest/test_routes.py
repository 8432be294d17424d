"""Which paths belong to ingest (ingest specification, 1)."""

import pytest

from vedette.ingest.routes import Route, find_route, is_ingest_path, project_id
from vedette.wire.refusals import Malformed


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/7/envelope/", Route("envelope", "7")),
        ("//api///7//envelope//", Route("envelope", "7")),
        ("/api/7/store/", Route("store", "7")),
        ("/api/store/", Route("store", None)),
        ("/api/x/store/", Route("store", "x")),
        ("/api/7/envelope", None),
        ("/api/7/", None),
        ("/api/7/security/", Route("security", "7")),
        ("/api/7/csp-report/", Route("csp-report", "7")),
        ("/api/7/nel/", Route("nel", "7")),
        ("/api/7/minidump/", Route("minidump", "7")),
        ("/api/7/minidump", Route("minidump", "7")),
        ("/api/7/events/abc/attachments/", Route("attachments", "7", ("abc",))),
        ("/api/7/events/abc/attachments", None),
        ("/api/7/cron/nightly", Route("cron", "7", ("nightly",))),
        ("/api/7/cron/nightly/", Route("cron", "7", ("nightly",))),
        ("/api/7/cron/nightly/key/", Route("cron", "7", ("nightly", "key"))),
        ("/api/7/cron/", None),
        ("/api/7/cron/nightly/key/more/", None),
        ("/api/embed/error-page/", Route("error-page", None)),
        ("/api/embed/error-page", None),
        ("/js-sdk-loader/abc.min.js", Route("loader", None)),
        ("/js-sdk-loader/abc", None),
        ("/api/7/unreal/key/", None),
        ("/api/7/upload/", None),
        ("/api/7/integration/otlp/v1/traces", None),
        ("/api/7/envelope/more/", None),
        ("/api/envelope/", None),
        ("/" * 300 + "api/7/envelope/", None),
    ],
)
def test_a_path_leads_to_its_endpoint(path, route):
    assert find_route(path) == route


@pytest.mark.parametrize(
    ("path", "is_ingest"),
    [
        ("/api/7/envelope/", True),
        ("//api//7//envelope/", True),
        ("/api/7/envelope", True),
        ("/api/7/anything", True),
        ("/api/7", True),
        ("/api/store/", True),
        ("/api/x/envelope/", True),
        ("/js-sdk-loader/abc.js", True),
        ("/js-sdk-loader/", False),
        ("/api/x/y/", False),
        ("/api/0/organizations/", False),
        ("/api/0/store/", False),
        ("/api/00/", False),
        ("/api/", False),
        ("/api", False),
        ("/", False),
        ("//", False),
        ("/organizations/acme/issues/", False),
        ("/api/embed/error-page/", True),
        ("/api/embed/other/", False),
        ("/api/x/events/abc/attachments/", True),
        ("/api/x/cron/nightly", True),
        ("/api/0/events/abc/attachments/", False),
        ("/api/7/" + "x" * 300, False),
    ],
)
def test_everything_under_a_project_belongs_to_ingest(path, is_ingest):
    assert is_ingest_path(path) is is_ingest


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("007", 7), ("18446744073709551615", 2**64 - 1)])
def test_a_project_is_a_number_of_64_bits(text, number):
    assert project_id(text) == number


@pytest.mark.parametrize("text", ["x", "-1", "1.0", "٣", "18446744073709551616", "7" * 30])
def test_any_other_project_is_400(text):
    with pytest.raises(Malformed, match="bad project path parameter"):
        project_id(text)
