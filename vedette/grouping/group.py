"""From an event to its hashes.

Source: the grouping specification, sections 1 and 2.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from vedette.grouping import fingerprints
from vedette.grouping.components import Component, digest, node, silenced
from vedette.grouping.configs import FIRST, Config
from vedette.grouping.fingerprint_rules import first_match
from vedette.grouping.result import Grouping, MatchedRule, Variant
from vedette.grouping.stacktraces import Settling, enhancer_for, unsettle
from vedette.grouping.strategies import has_stacktrace, variants_of
from vedette.wire.event import Event

FALLBACK = digest("")
_MD5 = re.compile(r"[0-9a-fA-F]{32}")
_DEFAULT = ("{{ default }}",)


class Recipe(Struct, frozen=True, gc=False):
    """All that decides how the events of a project are grouped: a configuration and the texts of its own rules."""

    enhancements: str = ""
    fingerprinting: str = ""
    config: Config = FIRST


def group_event(event: Event, tags: Mapping[str, str], recipe: Recipe, *, explains: bool = False) -> Grouping:
    """The grouping of a normalised event.

    Settles the frames of the event on the way: `in_app` is never None afterwards, functions are trimmed. `explains`:
    hints say which rule did what, at the cost of speed.
    """
    return _group(event, tags, recipe, explains)


def group_again(event: Event, tags: Mapping[str, str], recipe: Recipe, *, explains: bool = False) -> Grouping:
    """The same for an event that was grouped before: what the rules changed then is taken back first."""
    unsettle(event)
    return _group(event, tags, recipe, explains)


def _group(event: Event, tags: Mapping[str, str], recipe: Recipe, explains: bool) -> Grouping:
    settling = Settling(enhancer_for(recipe.enhancements, recipe.config, explains), event.platform)
    components, main = variants_of(event, settling)
    settling.prepare_rest(event)
    variants = _decided(components)
    client = tuple(event.fingerprint or _DEFAULT)
    if event.checksum:
        return _by_checksum(event.checksum, recipe.config, main, client)
    rule = _matched(event, tags, recipe)
    fingerprint = (rule.fingerprint or _DEFAULT) if rule else client
    if fingerprint is _DEFAULT:
        hashes, shown, kind = _by_default(variants)
        return Grouping(hashes, tuple(shown), kind, recipe.config.id, fingerprint, main, rule, client)
    entries = [_Entry(text, event, tags, recipe.config) for text in fingerprint]
    if len(entries) == 1 and entries[0].text is None:
        hashes, shown, kind = _by_default(variants)
    elif any(entry.text is None for entry in entries):
        hashes, shown, kind = _by_hybrid(variants, entries)
    else:
        hashes, shown, kind = _by_fingerprint(variants, fingerprint, entries)
    return Grouping(hashes, tuple(shown), kind, recipe.config.id, fingerprint, main, rule, client)


class _Entry:
    """One part of a fingerprint, resolved; `text` is None for the part that stands for the default grouping."""

    __slots__ = ("text",)

    def __init__(self, text: str, event: Event, tags: Mapping[str, str], config: Config) -> None:
        is_default = fingerprints.is_default(text)
        self.text = None if is_default else fingerprints.resolve(text, event, tags, config)


_Decision = tuple[tuple[str, ...], list[Variant], str]


def _matched(event: Event, tags: Mapping[str, str], recipe: Recipe) -> MatchedRule | None:
    """The first rule that matches: the project's own, then the built-in ones."""
    if recipe.fingerprinting:
        rule = first_match(recipe.fingerprinting, event, tags)
        if rule is not None:
            title = fingerprints.fill_in(rule.title, event, tags, recipe.config) if rule.title is not None else None
            return MatchedRule(rule.source, rule.fingerprint, title, rule.line)
    builtin = fingerprints.builtin_fingerprint(event, tags)
    return MatchedRule(builtin[0], tuple(builtin[1])) if builtin else None


def _decided(components: dict[str, Component]) -> list[Variant]:
    """The variants, with those switched off that another one makes superfluous."""
    decided: list[Variant] = []
    stacked = [component.contributes and has_stacktrace(component) for component in components.values()]
    seen: set[str] = set()
    for (name, component), is_stacked in zip(components.items(), stacked, strict=True):
        hint = None
        if component.contributes and not is_stacked and any(stacked):
            hint = "another variant has a stack trace"
        elif component.contributes and component.text in seen:
            hint = "same as another variant"
        if hint:
            component = silenced(component, hint)
        value = digest(component.text) if component.contributes else None
        seen.add(component.text)
        decided.append(Variant(name, component, value, hint))
    return decided


def _by_checksum(checksum: str, config: Config, main: int | None, client: tuple[str, ...]) -> Grouping:
    value = checksum.lower() if _MD5.fullmatch(checksum) else digest(checksum)
    component = Component("checksum", (checksum,), True, checksum)
    shown = (Variant("checksum", component, value),)
    return Grouping((value,), shown, "checksum", config.id, client, main, None, client)


def _by_default(variants: list[Variant]) -> _Decision:
    hashes = tuple(dict.fromkeys([variant.hash for variant in variants if variant.hash]))
    if hashes:
        return hashes, variants, "default"
    fallback = Component("fallback", (), True, "", "nothing to group by")
    return (FALLBACK,), [Variant("fallback", fallback, FALLBACK)], "fallback"


def _by_fingerprint(variants: list[Variant], fingerprint: tuple[str, ...], entries: list[_Entry]) -> _Decision:
    resolved = "".join([entry.text or "" for entry in entries])
    value = digest(resolved)
    custom = Variant("custom", Component("fingerprint", fingerprint, True, resolved), value)
    ignored = [Variant(one.name, silenced(one.component, "the fingerprint decides"), None) for one in variants]
    return (value,), [custom, *ignored], "custom"


def _by_hybrid(variants: list[Variant], entries: list[_Entry]) -> _Decision:
    mixed: list[Variant] = []
    for variant in variants or [Variant("fallback", node("fallback", ()), None)]:
        if variant.hash is None and variants:
            mixed.append(variant)
            continue
        text = "".join([variant.component.text if entry.text is None else entry.text for entry in entries])
        mixed.append(Variant(variant.name, variant.component, digest(text), variant.hint))
    hashes = tuple(dict.fromkeys([variant.hash for variant in mixed if variant.hash]))
    return hashes or (FALLBACK,), mixed, "hybrid"
