"""Monitors of scheduled jobs.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Relocation, Silo
from vedette.relocation.declared.scopes import ORGANIZATION

DECLARED = (
    Relocation(
        "sentry.monitor",
        Silo.REGION,
        ORGANIZATION,
        columns="config:J date_added:d guid:u is_muted:b name:s owner_team_id:n slug:s status:n type:n",
        keys="organization_id#>organization owner_user_id~>user? project_id#>project",
        uniques="{guid} {project_id,slug}",
        compared="uuid4: guid",
        sanitised="json-texts: config; name: name; slug: slug",
    ),
)
