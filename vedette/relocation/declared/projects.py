"""What belongs to a project.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Relocation, Silo
from vedette.relocation.declared.scopes import ORGANIZATION

DECLARED = (
    Relocation(
        "sentry.customdynamicsamplingrule",
        Silo.REGION,
        ORGANIZATION,
        columns=(
            "condition:s condition_hash:s date_added:d end_date:d is_active:b is_org_level:b notification_sent:b "
            "num_samples:n query:s rule_id:n sample_rate:f start_date:d"
        ),
        keys="created_by_id~>user? organization>organization",
        sanitised="json-texts: condition; hex: condition_hash; string: query",
    ),
    Relocation(
        "sentry.customdynamicsamplingruleproject",
        Silo.REGION,
        ORGANIZATION,
        keys="custom_dynamic_sampling_rule>customdynamicsamplingrule project>project",
        uniques="{custom_dynamic_sampling_rule,project}",
    ),
    Relocation(
        "sentry.projectbookmark",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d",
        keys="project>project? user_id~>user",
        uniques="{project,user_id}",
    ),
    Relocation(
        "sentry.projectownership",
        Silo.REGION,
        ORGANIZATION,
        columns=(
            "auto_assignment:b codeowners_auto_sync:b date_created:d fallthrough:b is_active:b last_updated:d raw:s "
            "schema:J suspect_committer_auto_assignment:b"
        ),
        keys="project>project",
        uniques="{project}",
        sanitised="string: raw; json-texts: schema",
    ),
    Relocation(
        "sentry.projectredirect",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d redirect_slug:s",
        keys="organization>organization project>project",
        uniques="{organization,redirect_slug}",
        sanitised="slug: redirect_slug",
    ),
)
