"""What grouping says of an event."""

from typing import Any

from msgspec import Struct

from vedette.grouping.components import Component


class Variant(Struct, frozen=True, gc=False):
    """One way to group an event; `hash` is None if it does not contribute."""

    name: str
    component: Component
    hash: str | None
    hint: str | None = None


class Grouping(Struct, frozen=True, gc=False):
    """`hashes` best first, `variants` in the same order and with those that do not contribute behind them.

    `kind` says what decided: `default`, `custom`, `hybrid`, `checksum` or `fallback`. `main_exception` is the index of
    the exception that names the event, None for the last. `rule` names the fingerprint rule that matched.
    """

    hashes: tuple[str, ...]
    variants: tuple[Variant, ...]
    kind: str
    fingerprint: tuple[str, ...] = ("{{ default }}",)
    main_exception: int | None = None
    rule: str | None = None
    client_fingerprint: tuple[str, ...] = ()

    def explain(self, config: str) -> dict[str, Any]:
        """The short form that is stored with the event."""
        explained: dict[str, Any] = {"config": config, "kind": self.kind, "variants": {}}
        for variant in self.variants:
            entry: dict[str, Any] = {"component": variant.component.id}
            if variant.hash:
                entry["hash"] = variant.hash
            if variant.hint or variant.component.hint:
                entry["hint"] = variant.hint or variant.component.hint
            explained["variants"][variant.name] = entry
        if self.kind in ("custom", "hybrid"):
            explained["fingerprint"] = list(self.fingerprint)
        if self.rule:
            explained["rule"] = self.rule
        return explained
