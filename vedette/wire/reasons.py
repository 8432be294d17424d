"""What the reasons of outcomes mean, in plain words: what happened, and what one can do about it.

Clients and older servers make up others; those are shown as they are.
"""

from dataclasses import dataclass

from vedette.wire import filters, quotas
from vedette.wire.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Meaning:
    """A sentence about what happened, and perhaps one about the next step."""

    what: str
    then: str = ""


_FILTERED = {
    filters.HYDRATION: Meaning("React found another page than it had rendered.", "The filter is a project's switch."),
    filters.CHUNKS: Meaning(
        "A part of the page's script could not be loaded, mostly just after a deploy.",
        "The filter is a project's switch.",
    ),
    filters.CSP: Meaning("A security report about an extension, or another source that the site does not control."),
    filters.ADDRESSES: Meaning("The user or the sender has an address that the project filters."),
    filters.RELEASES: Meaning("The release is one that the project filters."),
    filters.MESSAGES: Meaning("The message or the exception is one that the project filters."),
    filters.LOCALHOST: Meaning("It came from somebody's own machine."),
    filters.EXTENSIONS: Meaning("The code of a browser's extension failed, not that of the page."),
    filters.LEGACY_BROWSERS: Meaning("The browser is older than the project cares for."),
    filters.CRAWLERS: Meaning("A program that reads pages, such as a search engine, met the error."),
    filters.HEALTH_CHECKS: Meaning("A transaction that only asked whether the service is alive."),
    "discarded-hash": Meaning("An event of an issue that was deleted with its future events."),
    "crash-report-limit": Meaning("The issue has as many stored crash reports as it may have."),
    "not_supported_yet": Meaning("A kind of item that this version takes and does not keep."),
}
_LIMITED = {
    quotas.KEY_QUOTA: Meaning("The key's own rate limit was reached.", "Raise it in the project's filters and limits."),
    quotas.PROJECT_QUOTA: Meaning(
        "The project sent its share of what the organization may send in a minute.",
        "Raise the limit in the organization's settings.",
    ),
    quotas.ORG_QUOTA: Meaning(
        "The organization sent as many errors as it may in a minute.", "Raise the limit in its settings."
    ),
    quotas.PROJECT_ABUSE: Meaning(
        "The project sent more in ten seconds than its limit against floods allows.",
        "Raise it in the project's filters and limits.",
    ),
    quotas.ORG_ABUSE: Meaning(
        "The organization sent more in ten seconds than its limit against floods allows.",
        "Raise it in the organization's settings.",
    ),
    quotas.SPIKE_PROTECTION: Meaning(
        "The project sent several times more errors than in its usual busiest hour; the rest of the hour was cut off.",
        "Look for what broke, or switch spike protection off for the project.",
    ),
    "spool_full": Meaning("More waits on a node's disk than it may hold.", "Ask whoever runs the server."),
    "spool_unavailable": Meaning("A node's disk took no more, or the server was stopping."),
    "keys_unavailable": Meaning("The key was not known yet while the database that knows it was away."),
    "files_full": Meaning("The disk of the attachments has too little free space.", "Ask whoever runs the server."),
    "busy": Meaning("Too many bytes were on their way at once, or the server was stopping."),
}
_INVALID = {
    "no_data": Meaning("An empty body, or a report that says nothing."),
    "invalid_encoding": Meaning("A body that is not in the encoding that it claims, or that ends too early."),
    "invalid_envelope": Meaning("The envelope breaks its grammar."),
    "invalid_json": Meaning("An item that is not JSON."),
    "too_deep": Meaning("JSON that is nested deeper than the limit."),
    "too_many": Meaning(
        "More user reports or client reports in one envelope, or files of one event, than are kept.",
        "Send fewer at a time.",
    ),
    "too_large": Meaning("A body or an item beyond its limit.", "Send smaller ones; the reference names the limits."),
    "duplicate": Meaning(
        "An event id that the project already has on that day; the later one replaced it. Or a file that its event has."
    ),
    "invalid_multipart": Meaning("A form that breaks the grammar of forms, or has too many parts."),
    "missing_minidump": Meaning("An upload for crash dumps without a part called `upload_file_minidump`."),
    "invalid_minidump": Meaning("A crash dump that does not begin like one, or cannot be unpacked."),
    "content_type": Meaning("A security report with a content type that browsers do not use for it."),
    "already_reported": Meaning("Feedback about an event that somebody reported about more than five minutes earlier."),
    "too_many_items": Meaning("More items in one envelope than the limit."),
    "invalid_event_id": Meaning("An event id that is not 32 hexadecimal digits."),
    "missing_event_id": Meaning("A file that belongs to no event."),
    "timestamp": Meaning("A moment that is missing, or too far away.", "Look at the sender's clock."),
    "invalid_transaction": Meaning("A transaction that lacks what makes it one."),
    "invalid_session": Meaning("A session without a start or a release, or with members that are none."),
    "invalid_release": Meaning("Sessions of a release whose name is not valid.", "Look at the release of the SDK."),
    "security_report": Meaning("A security report of a kind that nobody understands."),
    "auth_version": Meaning("A version of the protocol that is not supported."),
    "timeout": Meaning("The body did not arrive in time."),
    "project_id": Meaning("The key does not belong to this project, or one of them is disabled or deleted."),
    "cors": Meaning("The project does not allow the page's origin.", "Add it to the project's allowed domains."),
}
_DISCARDED = {
    "queue_overflow": Meaning("The SDK's queue was full.", "More happens than one connection carries."),
    "cache_overflow": Meaning("The SDK's offline store was full."),
    "buffer_overflow": Meaning("The SDK's buffer was full."),
    "ratelimit_backoff": Meaning("The SDK obeyed a rate limit and did not send.", "See what was rate limited."),
    "network_error": Meaning("The SDK could not reach the server."),
    "sample_rate": Meaning("The SDK's sample rate left it out, as configured."),
    "before_send": Meaning("The application's `before_send` threw it away."),
    "event_processor": Meaning("A processor of the application or of an integration threw it away."),
    "send_error": Meaning("The server answered the SDK with an error."),
    "internal_sdk_error": Meaning("The SDK failed."),
    "insufficient_data": Meaning("The SDK had too little to make an item of."),
    "backpressure": Meaning("The SDK sampled down because the application was under load."),
    "other": Meaning("Reasons that were too many to be told apart."),
}
MEANINGS: dict[Outcome, dict[str, Meaning]] = {
    Outcome.FILTERED: _FILTERED,
    Outcome.RATE_LIMITED: _LIMITED,
    Outcome.INVALID: _INVALID,
    Outcome.CLIENT_DISCARD: _DISCARDED,
}
NOTHING_SAID = Meaning("")


def meaning(outcome: Outcome, reason: str) -> Meaning:
    """What the reason means; nothing for one that nobody here makes."""
    return MEANINGS.get(outcome, {}).get(reason, NOTHING_SAID)
