"""The endpoints beside those of envelopes and single events: each makes ordinary envelopes of what it takes in.

So the digest has one way in. Source: the ingest specification, 1.
"""

from collections.abc import Awaitable, Callable

from vedette.ingest.answers import Answer
from vedette.ingest.door import Door, IngestRequest
from vedette.ingest.endpoints.checkins import check_in
from vedette.ingest.endpoints.dialog import error_page
from vedette.ingest.endpoints.loader import loader
from vedette.ingest.endpoints.security import network_errors, security_reports
from vedette.ingest.endpoints.uploads import attachments, minidump
from vedette.wire.outcomes import Category

ENDPOINTS: dict[str, Callable[[Door, IngestRequest], Awaitable[Answer]]] = {
    "security": security_reports,
    "csp-report": security_reports,
    "nel": network_errors,
    "minidump": minidump,
    "attachments": attachments,
    "cron": check_in,
    "error-page": error_page,
    "loader": loader,
}
"""Who answers an endpoint, by its name in `routes`."""

CATEGORIES = {
    "store": Category.ERROR,
    "security": Category.SECURITY,
    "csp-report": Category.SECURITY,
    "nel": Category.LOG_ITEM,
    "minidump": Category.ERROR,
    "attachments": Category.ATTACHMENT,
    "cron": Category.MONITOR,
    "error-page": Category.FEEDBACK,
    "loader": Category.UNKNOWN,
}
"""What a refusal counts as while nobody has looked into the body."""
