"""What people have beside their account: addresses they came from, powers and roles.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Relocation, Silo
from vedette.relocation.declared.scopes import CONFIG, GLOBAL

DECLARED = (
    Relocation(
        "sentry.userip",
        Silo.CONTROL,
        GLOBAL,
        columns="country_code:s first_seen:d ip_address:s last_seen:d region_code:s",
        keys="user>user",
        uniques="{ip_address,user}",
        ordinal="user ip_address",
        compared="date-updated: first_seen last_seen; ignored: country_code region_code",
        sanitised="country: country_code; ip: ip_address; subdivision: region_code",
    ),
    Relocation(
        "sentry.userpermission",
        Silo.CONTROL,
        CONFIG,
        columns="permission:s",
        keys="user>user",
        uniques="{permission,user}",
        ordinal="user permission",
        sanitised="safe: permission",
    ),
    Relocation(
        "sentry.userrole",
        Silo.CONTROL,
        CONFIG,
        columns="date_added:d date_updated:d name:s permissions:L",
        uniques="{name}",
        ordinal="name",
        compared="date-updated: date_updated",
        sanitised="name: name; safe: permissions",
    ),
    Relocation(
        "sentry.userroleuser",
        Silo.CONTROL,
        CONFIG,
        columns="date_added:d date_updated:d",
        keys="role>userrole user>user",
        compared="date-updated: date_updated",
    ),
)
