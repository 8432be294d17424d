"""What belongs to an organization as a whole.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Generation, Relocation, Silo
from vedette.relocation.declared.scopes import ORGANIZATION

DECLARED = (
    Relocation(
        "sentry.projecttemplate",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d name:s",
        keys="organization>organization",
        uniques="{name,organization}",
        compared="date-updated: date_updated",
        sanitised="name: name",
    ),
    Relocation(
        "sentry.projecttemplateoption",
        Silo.REGION,
        ORGANIZATION,
        columns="key:s value:V",
        keys="project_template>projecttemplate",
        uniques="{key,project_template}",
        sanitised="safe: key; option: value",
    ),
    Relocation(
        "sentry.organizationaccessrequest",
        Silo.REGION,
        ORGANIZATION,
        keys="member>organizationmember requester_id~>user? team>team",
        uniques="{member,team}",
    ),
    Relocation(
        "sentry.datasecrecywaiver",
        Silo.REGION,
        ORGANIZATION,
        keys="organization>organization",
        uniques="{organization}",
        since=Generation.EARLY_2025,
    ),
)
