"""The page of docs/reference/ about the models that move, written from their declarations."""

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from django.apps import apps

from vedette.core.relocation import Generation, Relocation
from vedette.relocation.companion.declarations import LEFT_BEHIND, TRAVELS
from vedette.relocation.exporting import run as exported
from vedette.relocation.graph import Declaration, graph
from vedette.relocation.importing import rules as imported


def relocation_models() -> str:
    """A table of all models in canonical order, and the names of those that never travel."""
    lines = [
        "| # | Model | Here | Scope | Silo | Foreign keys, and what an unmapped one does | Compared by |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for number, declaration in enumerate(graph(), 1):
        wire = declaration.wire
        cells = (
            f"`{wire.model}`{_age(wire)}",
            _here(declaration),
            _scopes(wire),
            wire.silo.value,
            "; ".join(_keys(wire)) or "none",
            ", ".join(f"`{name}`" for name in wire.ordinal) or "pk",
        )
        lines.append(f"| {number} | {' | '.join(cells)} |")
    excluded = ", ".join(f"`{name}`" for name in sorted(graph().excluded))
    never = f"Never in a file ({len(graph().excluded)} models): {excluded}."
    return "\n".join((*lines, "", never, "", *_rules(), "", *_own()))


def _rules() -> Iterator[str]:
    """What single models do besides the general rule, in the words of what does it."""
    yield "## Models with rules of their own\n"
    yield "| Model | On the way in | On the way out |"
    yield "| --- | --- | --- |"
    for declaration in graph():
        model = declaration.wire.model
        if model in imported.RULES or model in exported.RULES:
            arrives = _sentence(type(imported.RULES[model])) if model in imported.RULES else ""
            leaves = _sentence(exported.RULES[model]) if model in exported.RULES else ""
            yield f"| `{model}` | {arrives} | {leaves} |"


def _sentence(rule: type) -> str:
    return " ".join(cleandoc(rule.__doc__ or "").partition("\n\n")[0].split())


def _own() -> Iterator[str]:
    """The tables that Sentry's format does not hold, and whether an archive does."""
    yield "## Vedette's own models\n"
    archived = {one.label: "yes, with `--with-events`" if one.with_events else "yes" for one in TRAVELS}
    yield "| Model | Silo | In an archive of `--full` |"
    yield "| --- | --- | --- |"
    for table in sorted(apps.get_models(), key=lambda table: table._meta.label_lower):
        label = table._meta.label_lower
        if table.__module__.startswith("vedette.") and not hasattr(table, "relocation"):
            why = LEFT_BEHIND.get(label) or LEFT_BEHIND.get(table._meta.app_label, "")
            yield f"| `{label}` | {_silos(table)} | {archived.get(label, f'no: {why}')} |"


def _silos(table: Any) -> str:
    silos = table.silos if hasattr(table, "silos") else (table.silo,)
    return ", ".join(silo.value for silo in silos)


def _age(wire: Relocation) -> str:
    if wire.since > Generation.MID_2024:
        return " (since 2025)"
    return " (until 2024)" if wire.until else ""


def _scopes(wire: Relocation) -> str:
    older = "" if wire.older_scopes == wire.scopes else f"; {' or '.join(wire.older_scopes)} until 2024"
    return " or ".join(wire.scopes) + older


def _here(declaration: Declaration) -> str:
    if declaration.is_preserved:
        return "kept, not used yet"
    without = [name for name in declaration.wire.fields if declaration.column(name) is None]
    return "used" + "".join(f"; `{name}` kept beside" for name in without)


def _keys(wire: Relocation) -> Iterator[str]:
    for name, key in wire.foreign_keys.items():
        drops = not key.nullable or name in imported.rule_for(wire.model).keeps
        fate = "drops the row" if drops else "is emptied"
        yield f"`{name}` → `{key.target.removeprefix('sentry.')}` {fate}"
