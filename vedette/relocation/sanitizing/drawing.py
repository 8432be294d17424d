"""Replacements out of a key and the old value alone: the same key and value always give the same replacement.

Nothing here remembers anything. Characters are replaced one by one within their class, so that the length and the
punctuation of a text stay, and what was lower-case hexadecimal stays that. Source: the relocation specification, 8.1.
"""

import hashlib
import ipaddress
import re
import string
import uuid
from collections.abc import Iterator

_RUN = re.compile(r"[0-9A-Za-z]+")
_HEX_RUN = re.compile(r"(?=[0-9a-f]*[0-9])[0-9a-f]{8,}|(?=[0-9A-F]*[0-9])[0-9A-F]{8,}")
_LOWER_HEX, _UPPER_HEX = "0123456789abcdef", "0123456789ABCDEF"

_ADJECTIVES = """
able agile airy amber ample azure balmy bold brave breezy bright brisk calm candid cheery civil clear clever cosy crisp
curly dainty dapper daring deft eager early earnest easy fair fancy fast fine fleet fond frank free fresh gentle giddy
glad golden good grand great green handy happy hardy hazel honest humble ideal jade jolly jovial keen kind lively loyal
lucid lucky mellow merry mild misty modest neat nice nimble noble novel olive patient perky plain plucky polite proper
proud pure quick quiet rapid ready regal robust rosy ruby rustic sane serene sharp shiny silver sleek smart smooth snug
sober solid spry steady sturdy sunny super sweet swift tidy tough true upbeat vivid warm wise witty zesty
"""
_ANIMALS = """
adder ape asp badger bat bear beaver bee bison boar buck bunny calf camel cat cheetah civet clam cobra cod colt condor
coral cougar cow crab crane cricket crow cub deer dingo dog dove drake duck eagle eel egret elk emu falcon fawn ferret
finch flea fly foal fowl fox frog gecko gibbon gnat goat goose gopher grouse gull hare hawk hen heron hog hornet horse
hound husky hyena ibex ibis iguana impala jackal jaguar jay kid kiwi koala lamb lark lemur leopard lion lizard llama
lobster loon lynx macaw magpie mallard mammoth marlin marten marmot mole moose moth mouse mule newt ocelot octopus orca
oriole osprey ostrich otter owl ox oyster panda panther parrot peacock pelican penguin pig pigeon pony poodle puffin pug
puma python quail rabbit raccoon ram rat raven ray robin rooster salmon seal shark sheep shrew shrimp skunk sloth slug
snail snake snipe sparrow spider squid stag stork swan tapir termite tern thrush tick tiger toad trout turkey turtle
viper vulture walrus warbler wasp weasel whale wolf wombat worm wren yak zebra
"""
ADJECTIVES = tuple(_ADJECTIVES.split())
ANIMALS = tuple(_ANIMALS.split())


class Drawing:
    """Draws with one key. `attempt` counts up when a replacement is taken already."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def stream(self, kind: str, old: str, attempt: int, length: int) -> bytes:
        """That many bytes that look random."""
        seed = b"%b\0%b\0%d\0" % (self._key, kind.encode(), attempt)
        return hashlib.shake_256(seed + old.encode("utf-8", "surrogatepass")).digest(max(length, 1))

    def characters(self, old: str, attempt: int = 0, *, only_hex: bool = False) -> str:
        """The text with its letters and digits replaced; a longer one from the seventh attempt on.

        Letters that differ in nothing but case are replaced alike. Letters beyond ASCII become ASCII ones.
        """
        longer = attempt - 6 if attempt > 6 else 0
        noise = self.stream("characters", old.casefold(), attempt, len(old) + longer)
        hexadecimal = set(_hex_places(old, only_hex=only_hex))
        new = "".join(_character(old[at], noise[at], at in hexadecimal) for at in range(len(old)))
        more = _LOWER_HEX if only_hex else string.digits if old.isdigit() else string.ascii_lowercase
        return new + "".join(more[byte % len(more)] for byte in noise[len(old) : len(old) + longer])

    def name(self, old: str, attempt: int = 0) -> str:
        """A two-word pet name in title case, each word at most as long as the old name; numbered from the fourth
        attempt on."""
        noise = self.stream("name", old, attempt, 8)
        words = (
            ADJECTIVES[int.from_bytes(noise[:2]) % len(ADJECTIVES)],
            ANIMALS[int.from_bytes(noise[2:4]) % len(ANIMALS)],
        )
        new = " ".join(word[: len(old)].title() for word in words)
        return f"{new} {int.from_bytes(noise[4:]) % 10 ** min(attempt - 1, 9)}" if attempt > 2 else new

    def address(self, old: str, attempt: int = 0) -> str:
        """An IP address of the same family. Raises ValueError if the old one is none."""
        family = ipaddress.ip_address(old).version
        noise = self.stream("address", old, attempt, 16)
        if family == 4:
            return str(ipaddress.IPv4Address(bytes([1 + noise[0] % 223]) + noise[1:4]))
        return str(ipaddress.IPv6Address(bytes([0x20 + noise[0] % 0x10]) + noise[1:]))

    def uuid(self, old: uuid.UUID) -> uuid.UUID:
        """A UUID of version 4."""
        return uuid.UUID(bytes=self.stream("uuid", old.hex, 0, 16), version=4)

    def integer(self, old: int) -> int:
        """A number of as many digits and the same sign; 0 stays."""
        if not old:
            return 0
        least: int = 10 ** (len(str(abs(old))) - 1)
        new = least + int.from_bytes(self.stream("integer", str(abs(old)), 0, 12)) % (9 * least)
        new = min(new, 2**63 - 1)
        return new if old > 0 else -new

    def fraction(self, kind: str, old: str) -> float:
        """A number from 0 to below 1."""
        return int.from_bytes(self.stream(kind, old, 0, 6)) / 2**48


def _hex_places(text: str, *, only_hex: bool) -> Iterator[int]:
    """The places within runs of letters and digits that are hexadecimal numbers, by their length and look; with
    `only_hex` all runs are, but for decimal numbers among others (`12/0a…`)."""
    for run in _RUN.finditer(text):
        if (only_hex and (run[0] == text or not run[0].isdigit())) or _HEX_RUN.fullmatch(run[0]):
            yield from range(run.start(), run.end())


def _character(old: str, byte: int, hexadecimal: bool) -> str:
    if hexadecimal and old in string.hexdigits:
        return (_UPPER_HEX if old in "ABCDEF" else _LOWER_HEX)[byte % 16]
    if old in string.digits:
        return string.digits[byte % 10]
    if old.isalpha() or ord(old) > 127:
        return (string.ascii_uppercase if old.isupper() else string.ascii_lowercase)[byte % 26]
    return old
