"""The page of docs/reference/ about the models that move, written from their declarations."""

from collections.abc import Iterator

from vedette.core.relocation import Generation, Relocation
from vedette.relocation.graph import Declaration, graph


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
            " or ".join(wire.scopes),
            wire.silo.value,
            "; ".join(_keys(wire)) or "none",
            ", ".join(f"`{name}`" for name in wire.ordinal) or "pk",
        )
        lines.append(f"| {number} | {' | '.join(cells)} |")
    excluded = ", ".join(f"`{name}`" for name in sorted(graph().excluded))
    return "\n".join(lines) + f"\n\nNever in a file ({len(graph().excluded)} models): {excluded}."


def _age(wire: Relocation) -> str:
    if wire.since > Generation.MID_2024:
        return " (since 2025)"
    return " (until 2024)" if wire.until else ""


def _here(declaration: Declaration) -> str:
    if declaration.is_preserved:
        return "kept, not used yet"
    without = [name for name in declaration.wire.fields if declaration.column(name) is None]
    return "used" + "".join(f"; `{name}` kept beside" for name in without)


def _keys(wire: Relocation) -> Iterator[str]:
    for name, key in wire.foreign_keys.items():
        fate = "is emptied" if key.nullable else "drops the row"
        yield f"`{name}` → `{key.target.removeprefix('sentry.')}` {fate}"
