"""The scopes that declarations name. Where there are two, each row decides (relocation specification, 2.1)."""

from vedette.core.relocation import RelocationScope

USER = (RelocationScope.USER,)
ORGANIZATION = (RelocationScope.ORGANIZATION,)
CONFIG = (RelocationScope.CONFIG,)
GLOBAL = (RelocationScope.GLOBAL,)
CONFIG_OR_GLOBAL = (RelocationScope.CONFIG, RelocationScope.GLOBAL)
ORGANIZATION_OR_GLOBAL = (RelocationScope.ORGANIZATION, RelocationScope.GLOBAL)
