"""Other services that an organization has connected.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Relocation, Silo
from vedette.relocation.declared.scopes import GLOBAL

DECLARED = (
    Relocation(
        "sentry.integration",
        Silo.CONTROL,
        GLOBAL,
        columns="date_added:d date_updated:d external_id:s metadata:J name:s provider:s status:n",
        uniques="{external_id,provider}",
        compared="date-updated: date_updated",
        sanitised="string: external_id provider; json-empty-object: metadata; name: name",
    ),
    # `default_auth_id` is the pk of an identity, and those never travel.
    Relocation(
        "sentry.organizationintegration",
        Silo.CONTROL,
        GLOBAL,
        columns="config:J date_added:d date_updated:d default_auth_id:n grace_period_end:d status:n",
        keys="integration>integration organization_id~>organization",
        uniques="{integration,organization_id}",
        compared="date-updated: date_updated; equal-or-removed: default_auth_id",
        sanitised="json-empty-object: config",
    ),
    Relocation(
        "sentry.projectintegration",
        Silo.REGION,
        GLOBAL,
        columns="config:J",
        keys="integration_id~>integration project>project",
        uniques="{integration_id,project}",
        sanitised="json-empty-object: config",
    ),
)
