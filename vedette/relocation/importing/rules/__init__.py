"""The models that do something of their own on their way in, by wire name. All others follow `Rule` itself."""

from vedette.relocation.importing.rules.base import Rule

RULES: dict[str, Rule] = {}

_DEFAULT = Rule()


def rule_for(model: str) -> Rule:
    """The rule of a model (canonical wire name)."""
    return RULES.get(model, _DEFAULT)
