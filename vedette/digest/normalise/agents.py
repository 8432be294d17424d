"""User agents: which browser, device and system a text stands for.

Source: the ingest specification, 9.8 (user agent).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

_LONGEST = 1024
_BRAND = re.compile(r'"((?:[^"\\]|\\.)*)"\s*;\s*v="?([^",;]*)"?')
_PLACEHOLDER = re.compile(r"not.?a.?brand", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent says of its client; empty parts are unknown."""

    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    family: str = ""
    model: str = ""
    brand: str = ""


def read_agent(text: str) -> Agent:
    """The client behind a `User-Agent` header."""
    return _read_agent(text[:_LONGEST])


@lru_cache(maxsize=4096)
def _read_agent(text: str) -> Agent:
    from ua_parser import parse  # costs 30 MB: only a process that meets a user agent pays

    result = parse(text)
    browser, system, device = result.user_agent, result.os, result.device
    os_name = system.family if system else ""
    os_version = _version(system.major, system.minor, system.patch) if system else ""
    return Agent(
        browser="Chrome" if browser and browser.family == "Google Chrome" else browser.family if browser else "",
        browser_version=_version(browser.major, browser.minor, browser.patch) if browser else "",
        os=os_name,
        os_version=_bounded(os_name, os_version),
        family=device.family or "" if device else "",
        model=device.model or "" if device else "",
        brand=device.brand or "" if device else "",
    )


def read_hints(headers: dict[str, str]) -> Agent:
    """The client behind client hints (`headers` by Title-Case name); an empty `Agent` without them."""
    brands = headers.get("Sec-Ch-Ua", "")
    browser, version = _brand(headers.get("Sec-Ch-Ua-Full-Version-List") or brands)
    platform = _unquoted(headers.get("Sec-Ch-Ua-Platform", ""))
    return Agent(
        browser="Chrome" if browser == "Google Chrome" else browser,
        browser_version=version,
        os=platform,
        os_version=_unquoted(headers.get("Sec-Ch-Ua-Platform-Version", "")),
        model=_unquoted(headers.get("Sec-Ch-Ua-Model", "")),
    )


@lru_cache(maxsize=4096)
def contexts_of(agent: Agent, os_key: str) -> tuple[tuple[str, dict[str, Any], Raw], ...]:
    """The contexts that an agent fills, as (key, context, the same as JSON). Shared: not to be changed.

    `os_key` is `os` or `client_os`.
    """
    contexts: dict[str, dict[str, Any]] = {}
    if agent.browser:
        contexts["browser"] = _named("browser", agent.browser, agent.browser_version)
    if agent.family or agent.model:
        members = {"family": agent.family, "model": agent.model, "brand": agent.brand}
        contexts["device"] = {"type": "device", **{key: value for key, value in members.items() if value}}
    if agent.os:
        contexts[os_key] = _named("os", agent.os, agent.os_version)
    return tuple((key, context, Raw(msgspec.json.encode(context))) for key, context in contexts.items())


def _named(kind: str, name: str, version: str) -> dict[str, Any]:
    if version:
        return {"type": kind, "name": name, "version": version, kind: f"{name} {version}"}
    return {"type": kind, "name": name, kind: name}


def _version(*parts: str | None) -> str:
    known: list[str] = []
    for part in parts:
        if not part:
            break
        known.append(part)
    return ".".join(known)


def _bounded(name: str, version: str) -> str:
    """Browsers freeze these versions, so that they only are a lower bound."""
    if (name, version) in (("Windows", "10"), ("Mac OS X", "10.15.7")):
        return f">={version}"
    return version


def _brand(brands: str) -> tuple[str, str]:
    found = [(name, version) for name, version in _BRAND.findall(brands[:_LONGEST]) if not _PLACEHOLDER.search(name)]
    telling = [pair for pair in found if pair[0] != "Chromium"] or found
    return telling[0] if telling else ("", "")


def _unquoted(text: str) -> str:
    return text.strip().strip('"')[:100]
