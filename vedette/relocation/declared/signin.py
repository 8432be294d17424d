"""Signing in through somebody else's directory.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Relocation, Silo
from vedette.relocation.declared.scopes import GLOBAL

DECLARED = (
    Relocation(
        "sentry.authprovider",
        Silo.CONTROL,
        GLOBAL,
        columns=(
            "config:J date_added:d default_global_access:b default_role:n flags:B last_sync:d provider:s sync_time:n"
        ),
        keys="organization_id~>organization",
        uniques="{organization_id}",
        sanitised="json-empty-object: config; string: provider",
    ),
    Relocation(
        "sentry.authidentity",
        Silo.CONTROL,
        GLOBAL,
        columns="data:J date_added:d ident:s last_synced:d last_verified:d",
        keys="auth_provider>authprovider user>user",
        uniques="{auth_provider,ident} {auth_provider,user}",
        compared="hash: ident token",
        sanitised="json-empty-object: data; string: ident",
    ),
)
