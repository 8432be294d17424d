"""Dashboards, their widgets, who may edit them and who likes them.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Generation, Relocation, Silo
from vedette.relocation.declared.scopes import ORGANIZATION

DECLARED = (
    Relocation(
        "sentry.dashboardtombstone",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d slug:s",
        keys="organization>organization",
        uniques="{organization,slug}",
        sanitised="slug: slug",
    ),
    Relocation(
        "sentry.dashboard",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d filters:J last_visited:d title:s visits:n",
        keys="created_by_id~>user organization>organization",
        uniques="{organization,title}",
        sanitised="json-texts: filters; string: title",
    ),
    Relocation(
        "sentry.dashboardwidget",
        Silo.REGION,
        ORGANIZATION,
        columns=(
            "date_added:d description:s detail:J discover_widget_split:n display_type:n interval:s limit:n order:n "
            "thresholds:J title:s widget_type:n"
        ),
        keys="dashboard>dashboard",
        uniques="{dashboard,order}",
        sanitised="string: description title; json-texts: detail thresholds; safe: interval",
    ),
    Relocation(
        "sentry.dashboardpermissions",
        Silo.REGION,
        ORGANIZATION,
        keys="dashboard!>dashboard",
        uniques="{dashboard}",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "sentry.dashboardfavoriteuser",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d",
        keys="dashboard>dashboard user_id~>user",
        uniques="{dashboard,user_id}",
        compared="date-updated: date_updated date_added",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "sentry.dashboardwidgetquery",
        Silo.REGION,
        ORGANIZATION,
        columns=(
            "aggregates:P columns:P conditions:s date_added:d date_modified:d field_aliases:P fields:L is_hidden:b "
            "name:s order:n orderby:s"
        ),
        keys="widget>dashboardwidget",
        uniques="{order,widget}",
        compared="date-updated: date_modified",
        sanitised="safe: aggregates columns fields orderby; string: conditions field_aliases name",
    ),
    Relocation(
        "sentry.dashboardpermissionsteam",
        Silo.REGION,
        ORGANIZATION,
        keys="permissions>dashboardpermissions team>team",
        uniques="{permissions,team}",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "sentry.dashboardwidgetqueryondemand",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_modified:d extraction_state:s spec_hashes:L spec_version:n",
        keys="dashboard_widget_query>dashboardwidgetquery",
        compared="date-updated: date_modified",
        sanitised="safe: extraction_state; hex: spec_hashes",
    ),
)
