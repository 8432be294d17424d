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


class MatchedRule(Struct, frozen=True, gc=False):
    """A fingerprint rule that matched: its text and line, or the name of a built-in one, which has no line.

    `fingerprint` is what the rule says, `title` what it calls the event (variables filled in).
    """

    text: str
    fingerprint: tuple[str, ...]
    title: str | None = None
    line: int | None = None


class Grouping(Struct, frozen=True, gc=False):
    """`hashes` best first, `variants` in the same order and with those that do not contribute behind them.

    `kind` says what decided: `default`, `custom`, `hybrid`, `checksum` or `fallback`. `main_exception` is the index of
    the exception that names the event, None for the last. `client_fingerprint` is what the client asked for.
    """

    hashes: tuple[str, ...]
    variants: tuple[Variant, ...]
    kind: str
    config: str
    fingerprint: tuple[str, ...] = ("{{ default }}",)
    main_exception: int | None = None
    rule: MatchedRule | None = None
    client_fingerprint: tuple[str, ...] = ("{{ default }}",)

    @property
    def title(self) -> str | None:
        """What the matching rule calls the event, if it says so."""
        return self.rule.title if self.rule is not None else None

    def explain(self) -> dict[str, Any]:
        """The short form that is stored with the event."""
        explained: dict[str, Any] = {"config": self.config, "kind": self.kind, "variants": {}}
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
            explained["rule"] = self.rule.text
            explained["client_fingerprint"] = list(self.client_fingerprint)
        return explained
