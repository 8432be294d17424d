"""Queries that watch the event store, and their subscriptions.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Relocation, Silo
from vedette.relocation.declared.scopes import ORGANIZATION

DECLARED = (
    Relocation(
        "sentry.snubaquery",
        Silo.REGION,
        ORGANIZATION,
        columns="aggregate:s dataset:s date_added:d query:s resolution:n time_window:n type:n",
        keys="environment>environment?",
        after="organization project",
        sanitised="safe: aggregate dataset; string: query",
    ),
    Relocation(
        "sentry.querysubscription",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d query_extra:s status:n subscription_id:s type:s",
        keys="project>project snuba_query>snubaquery?",
        uniques="{subscription_id}",
        compared="date-updated: date_updated; subscription-id: subscription_id",
        sanitised="string: query_extra; hex: subscription_id; safe: type",
    ),
    Relocation(
        "sentry.snubaqueryeventtype",
        Silo.REGION,
        ORGANIZATION,
        columns="type:n",
        keys="snuba_query>snubaquery",
        uniques="{snuba_query,type}",
    ),
)
