"""The script that pages load from the address `cdn` of a key: it stands in for an SDK that this server does not ship.

Source: the ingest specification, 1.6. Answered alike for every key, known or not.
"""

from vedette.ingest.answers import Answer
from vedette.ingest.bodies import drain
from vedette.ingest.door import Door, IngestRequest

_HEADERS = [
    ("content-type", "text/javascript; charset=utf-8"),
    ("x-content-type-options", "nosniff"),
    ("access-control-allow-origin", "*"),
    ("cross-origin-resource-policy", "cross-origin"),
    (
        "cache-control",
        "public, max-age=3600, s-maxage=60, stale-while-revalidate=315360000, stale-if-error=315360000",
    ),
]
# A page that calls these before its SDK is there must not break. Nothing is kept for an SDK that never comes.
_SCRIPT = b"""\
/* Vedette ships no bundle of the SDK: load @sentry/browser with your other scripts. Until then these do nothing. */
(function (page) {
  var sdk = (page.Sentry = page.Sentry || {});
  "onLoad forceLoad init addBreadcrumb captureEvent captureException captureMessage configureScope withScope \
showReportDialog".split(" ").forEach(function (name) {
    sdk[name] = sdk[name] || function () {};
  });
})(window);
"""


async def loader(door: Door, request: IngestRequest) -> Answer:
    """Row 12."""
    await drain(request.exchange, None)
    return Answer(200, _HEADERS, _SCRIPT)
