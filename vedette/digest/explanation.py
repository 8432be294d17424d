"""Why an event is in its issue: its grouping made again from the stored event, with every reason.

The rules that were in force then are used, if they are still kept; the hashes that were stored are the truth, and where
the new ones differ from them the explanation says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vedette.core import json
from vedette.digest.regroup import recipe, regroup
from vedette.grouping.configs import Config, config_named
from vedette.grouping.result import Grouping
from vedette.projects.models import Project
from vedette.projects.options import FINGERPRINTING_RULES, GROUPING_ENHANCEMENTS, options_of
from vedette.projects.rules import rules_named


@dataclass(frozen=True, slots=True)
class Explanation:
    """`grouping` is None for an event whose body was not kept. `stored` maps variants to their stored hashes.

    `has_lost_rules`: rules of that time are not kept, those of today stand in for them.
    """

    config: Config
    grouping: Grouping | None
    stored: Mapping[str, str]
    has_lost_rules: bool

    @property
    def differs(self) -> bool:
        """Whether the event would be grouped otherwise today: by rules that are lost, or a newer version of Vedette."""
        return self.grouping is not None and set(self.grouping.hashes) != set(self.stored.values())


def explain(project: Project, payload: bytes, tags: Mapping[str, str]) -> Explanation:
    """The explanation of a stored event of `project`."""
    recorded = _recorded(payload)
    own = options_of([project.pk])[project.pk]
    texts: list[str] = []
    lost = False
    for name, option in (("enhancements", GROUPING_ENHANCEMENTS), ("fingerprinting", FINGERPRINTING_RULES)):
        present = own[option.field]
        text = rules_named(project, str(recorded.get(name) or ""), present)
        lost = lost or text is None
        texts.append(present if text is None else text)
    config = config_named(str(recorded.get("config")))
    grouping = regroup(payload, tags, recipe(config.id, *texts), explains=True) if recorded else None
    return Explanation(config, grouping, _hashes(recorded.get("variants")), lost)


def _recorded(payload: bytes) -> dict[str, Any]:
    try:
        event = json.loads(payload)
    except json.JSONDecodeError:
        return {}
    found = event.get("grouping") if isinstance(event, dict) else None
    return found if isinstance(found, dict) else {}


def _hashes(variants: Any) -> dict[str, str]:
    entries = variants.items() if isinstance(variants, dict) else ()
    found = ((name, entry.get("hash")) for name, entry in entries if isinstance(entry, dict))
    return {name: value for name, value in found if isinstance(value, str)}
