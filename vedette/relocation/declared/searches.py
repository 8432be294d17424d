"""Searches that somebody saved, and those made lately.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Relocation, Silo
from vedette.relocation.declared.scopes import ORGANIZATION

DECLARED = (
    Relocation(
        "sentry.savedsearch",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d is_global:b name:s query:s sort:s type:n visibility:s",
        keys="organization>organization? owner_id~>user?",
        uniques="{is_global,name} {organization,owner_id,type}",
        sanitised="name: name; string: query; safe: sort visibility",
    ),
    Relocation(
        "sentry.recentsearch",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d last_seen:d query:s query_hash:s type:n",
        keys="organization>organization user_id~>user",
        uniques="{organization,query_hash,type,user_id}",
        sanitised="string: query; hex: query_hash",
    ),
    Relocation(
        "sentry.groupsearchview",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d name:s position:n query:s query_sort:s",
        keys="organization>organization user_id~>user",
        uniques="{organization,position,user_id}",
        compared="date-updated: date_updated",
        sanitised="name: name; string: query; safe: query_sort",
    ),
)
