"""View hierarchies: what was on the screen, as JSON that an app attaches to its event. Scrubbed like the event itself.

Source: the ingest specification, 10.1.
"""

import msgspec

from vedette.digest.decode import TOO_DEEP
from vedette.digest.draft import Dropping
from vedette.digest.nesting import is_deeper_than
from vedette.digest.values import ProjectConfig
from vedette.scrub.event import scrub_json
from vedette.scrub.scrubber import scrubber_for
from vedette.wire.outcomes import Outcome

TYPE = "event.view_hierarchy"
MAX_DEPTH = 300  # a tree of widgets is deeper than an event ever is
MAX_BYTES = 1024 * 1024  # like an event; reading costs many times that
TOO_LARGE = Dropping(Outcome.INVALID, "too_large")


def scrub_view(content: bytes, config: ProjectConfig) -> bytes | Dropping:
    """The attachment without secrets; as it came if it is no JSON. One that is too large or nested too deep to be
    looked into is dropped."""
    if len(content) > MAX_BYTES:
        return TOO_LARGE
    scrubber = scrubber_for(
        config.scrub_data,
        config.scrub_defaults,
        config.scrub_ip_addresses,
        config.sensitive_fields,
        config.safe_fields,
    )
    if scrubber.idle:
        return content
    if is_deeper_than(content, MAX_DEPTH):
        return TOO_DEEP
    try:
        return scrub_json(content, scrubber)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return content
    except RecursionError:
        return TOO_DEEP
