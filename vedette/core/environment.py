"""The environment, through small typed readers that refuse nonsense by the variable's name.

Each `VEDETTE_X` may also come from a file named by `VEDETTE_X_FILE`. Which variables there are, `vedette.settings`
says, and it alone calls these. All raise `Misconfigured`.
"""

import ipaddress
import os
import re
from pathlib import Path

from vedette.core.errors import Misconfigured

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def text(name: str, default: str = "") -> str:
    """The value of a variable, or of the file that its `_FILE` twin names."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        if os.environ.get(name):
            raise Misconfigured(f"both {name} and {name}_FILE are set", "Keep one of them.")
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise Misconfigured(f"{name}_FILE cannot be read: {error.strerror}: {path}") from error
    return os.environ.get(name) or default


def number(name: str, default: int, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    given = text(name, str(default))
    try:
        value = int(given)
    except ValueError:
        raise Misconfigured(f"{name} is {given!r}, which is no whole number") from None
    if not least <= value <= most:
        raise Misconfigured(f"{name} is {value}, outside {least} to {most}")
    return value


def flag(name: str, default: bool) -> bool:
    """Yes or no, in the words that people use."""
    given = text(name, str(default)).lower()
    if given in ("1", "true", "yes", "on"):
        return True
    if given in ("0", "false", "no", "off"):
        return False
    raise Misconfigured(f"{name} is {given!r}; say true or false")


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """One of `choices`, which are upper case; the variable may say it in any."""
    given = text(name, default).upper()
    if given not in choices:
        raise Misconfigured(f"{name} is {given!r}; say one of {', '.join(choices)}")
    return given


def hosts(name: str) -> tuple[str, ...]:
    """Hosts, addresses and networks, separated by commas; `*` is any."""
    found = tuple(part.strip() for part in text(name).split(",") if part.strip())
    for one in found:
        if one == "*" or _HOST.fullmatch(one):
            continue
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            raise Misconfigured(f"{name} names {one!r}, which is no host, address or network") from None
    return found


def directories(name: str) -> tuple[Path, ...]:
    """Absolute paths, separated by colons. Whether they are there is not asked: a disk may be mounted later."""
    found = tuple(Path(part) for part in text(name).split(":") if part)
    for path in found:
        if not path.is_absolute() or path == Path("/"):
            raise Misconfigured(f"{name} names {str(path)!r}, which is no absolute path below /")
    return found
