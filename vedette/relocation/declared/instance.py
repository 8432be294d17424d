"""Settings of an instance, and the relays that speak to it.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Relocation, Silo
from vedette.relocation.declared.scopes import CONFIG

DECLARED = (
    Relocation(
        "sentry.controloption",
        Silo.CONTROL,
        CONFIG,
        columns="key:s last_updated:d last_updated_by:s value:V",
        uniques="{key}",
        ordinal="key",
        sanitised="safe: key last_updated_by; option: value",
    ),
    Relocation(
        "sentry.option",
        Silo.REGION,
        CONFIG,
        columns="key:s last_updated:d last_updated_by:s value:V",
        uniques="{key}",
        ordinal="key",
        sanitised="safe: key last_updated_by; option: value",
    ),
    Relocation(
        "sentry.relay",
        Silo.REGION,
        CONFIG,
        columns="first_seen:d is_internal:b last_seen:d public_key:s relay_id:s",
        uniques="{relay_id}",
        ordinal="relay_id",
        compared="hash: relay_id public_key",
        sanitised="string: public_key; uuid: relay_id",
    ),
    Relocation(
        "sentry.relayusage",
        Silo.REGION,
        CONFIG,
        columns="first_seen:d last_seen:d public_key:s relay_id:s version:s",
        uniques="{relay_id,version}",
        ordinal="relay_id version",
        compared="hash: relay_id public_key",
        sanitised="string: public_key; uuid: relay_id; safe: version",
    ),
)
