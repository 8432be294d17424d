"""The rules of normalisation, one module per part of an event. `STEPS` is their order."""

from vedette.digest.draft import Step
from vedette.digest.normalise.breadcrumbs import settle_breadcrumbs
from vedette.digest.normalise.contexts import settle_contexts
from vedette.digest.normalise.debugmeta import settle_debug_meta
from vedette.digest.normalise.fields import settle_fields
from vedette.digest.normalise.logentry import settle_logentry
from vedette.digest.normalise.mechanisms import settle_mechanisms
from vedette.digest.normalise.requests import settle_request
from vedette.digest.normalise.security import settle_security
from vedette.digest.normalise.stacktraces import settle_stacktraces
from vedette.digest.normalise.tags import settle_tags
from vedette.digest.normalise.users import settle_user

STEPS: tuple[Step, ...] = (
    settle_fields,
    settle_logentry,
    settle_debug_meta,
    settle_breadcrumbs,
    settle_tags,
    settle_user,
    settle_request,
    settle_security,
    settle_stacktraces,
    settle_contexts,
    settle_mechanisms,
)
