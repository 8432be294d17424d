"""From one grouping configuration to the next, without splitting an issue.

While a transition lasts, an event that its new hashes lead nowhere is looked for under those of the configuration
before; where they lead to an issue, the new ones do so from then on.

Source: the grouping specification, 9.3 and 9.4. [V] 90 days, and nothing changes before somebody asks for it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction

from vedette.grouping.configs import CONFIGS, NEWEST, Config, config_named
from vedette.projects.models import Project
from vedette.projects.options import (
    GROUPING_CONFIG,
    SECONDARY_GROUPING_CONFIG,
    SECONDARY_GROUPING_EXPIRY,
    get_option,
    options_of,
    set_option,
)


@dataclass(frozen=True, slots=True)
class Version:
    """How a project is grouped: its configuration, the newest there is, the transition that it is in."""

    config: Config
    newest: Config
    before: Config | None
    until: datetime | None

    @property
    def is_outdated(self) -> bool:
        """Whether there is a newer configuration."""
        return self.config is not self.newest


def version_of(project: Project, now: datetime) -> Version:
    """The configuration of a project at a moment."""
    options = options_of([project.pk])[project.pk]
    config = config_named(options[GROUPING_CONFIG.field])
    until = datetime.fromtimestamp(options[SECONDARY_GROUPING_EXPIRY.field], UTC)
    before = CONFIGS.get(options[SECONDARY_GROUPING_CONFIG.field])
    lasts = before is not None and until > now
    return Version(config, NEWEST, before if lasts else None, until if lasts else None)


@transaction.atomic
def change_config(project: Project, name: str, now: datetime) -> bool:
    """Group by another configuration from now on, and by the present one besides for a while; True if it is another.

    Of two that change it at once the later one finds it changed. Raises `RuleBroken` for a configuration that is none.
    """
    name = GROUPING_CONFIG.written(name)
    Project.objects.select_for_update().get(pk=project.pk)
    present = get_option(project, GROUPING_CONFIG)
    if name == present:
        return False
    until = now + timedelta(days=settings.VEDETTE.grouping_transition_days)
    set_option(project, GROUPING_CONFIG, name)
    set_option(project, SECONDARY_GROUPING_CONFIG, present)
    set_option(project, SECONDARY_GROUPING_EXPIRY, int(until.timestamp()))
    return True
