"""From an event to its hashes.

Source: the grouping specification, sections 1 and 2.
"""

import re
from collections.abc import Mapping

from vedette.grouping import fingerprints
from vedette.grouping.components import Component, digest, node, silenced
from vedette.grouping.exceptions import PreparedException, choose
from vedette.grouping.result import Grouping, Variant
from vedette.grouping.stacktraces import Enhancer, enhancer_for
from vedette.grouping.strategies import has_stacktrace, settle_other_stacktraces, variants_of
from vedette.wire.event import Event

CONFIG = "newstyle:2026-01-20"
FALLBACK = digest("")
_MD5 = re.compile(r"[0-9a-fA-F]{32}")


def group_event(event: Event, tags: Mapping[str, str], enhancements: str = "") -> Grouping:
    """The grouping of a normalised event under `CONFIG` and the project's stack trace rules.

    Settles the frames of the event on the way: `in_app` is never None afterwards, functions are trimmed.
    """
    enhancer = enhancer_for(enhancements)
    _, components = variants_of(event, enhancer)
    _settle_frames(event, enhancer)
    variants = _decided(components)
    main = _main_exception(event)
    if event.checksum:
        return _by_checksum(event.checksum, main)
    client = tuple(event.fingerprint or ("{{ default }}",))
    matched = fingerprints.builtin_fingerprint(event, tags)
    fingerprint = tuple(matched[1]) if matched else client
    rule = matched[0] if matched else None
    if len(fingerprint) == 1 and fingerprints.is_default(fingerprint[0]):
        return _by_default(variants, main)
    if not any(fingerprints.is_default(entry) for entry in fingerprint):
        resolved = "".join(fingerprints.resolve(entry, event, tags) for entry in fingerprint)
        custom = Variant("custom", Component("fingerprint", fingerprint, True, resolved), digest(resolved))
        ignored = tuple(Variant(one.name, silenced(one.component, "the fingerprint decides"), None) for one in variants)
        return Grouping((digest(resolved),), (custom, *ignored), "custom", fingerprint, main, rule, client)
    return _by_hybrid(event, tags, variants, fingerprint, main)


def _settle_frames(event: Event, enhancer: Enhancer) -> None:
    """The strategies stopped at the first that contributes: the other stack traces have in-app frames, too."""
    if event.threads is not None or event.stacktrace is not None or _has_raw(event):
        settle_other_stacktraces(event, enhancer)


def _has_raw(event: Event) -> bool:
    return event.exception is not None and any(one.raw_stacktrace is not None for one in event.exception.values)


def _main_exception(event: Event) -> int | None:
    if event.exception is None or len(event.exception.values) < 2:
        return None
    return choose([PreparedException(value, None) for value in event.exception.values])[1]


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


def _by_checksum(checksum: str, main: int | None) -> Grouping:
    value = checksum.lower() if _MD5.fullmatch(checksum) else digest(checksum)
    component = Component("checksum", (checksum,), True, checksum)
    return Grouping((value,), (Variant("checksum", component, value),), "checksum", main_exception=main)


def _by_default(variants: list[Variant], main: int | None) -> Grouping:
    hashes = tuple(dict.fromkeys(variant.hash for variant in variants if variant.hash))
    if hashes:
        return Grouping(hashes, tuple(variants), "default", main_exception=main)
    fallback = Variant("fallback", Component("fallback", (), True, "", "nothing to group by"), FALLBACK)
    return Grouping((FALLBACK,), (fallback,), "fallback", main_exception=main)


def _by_hybrid(
    event: Event, tags: Mapping[str, str], variants: list[Variant], fingerprint: tuple[str, ...], main: int | None
) -> Grouping:
    mixed: list[Variant] = []
    for variant in variants or [Variant("fallback", node("fallback", ()), None)]:
        if variant.hash is None and variants:
            mixed.append(variant)
            continue
        text = "".join(
            variant.component.text if fingerprints.is_default(entry) else fingerprints.resolve(entry, event, tags)
            for entry in fingerprint
        )
        mixed.append(Variant(variant.name, variant.component, digest(text), variant.hint))
    hashes = tuple(dict.fromkeys(variant.hash for variant in mixed if variant.hash))
    return Grouping(hashes or (FALLBACK,), tuple(mixed), "hybrid", fingerprint, main, None, fingerprint)
