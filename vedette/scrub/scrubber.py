"""Takes secrets out of plain JSON values, and remembers where.

One `Scrubber` per set of options, shared by all events of a project; one `Sweep` per event.

Source: the ingest specification, section 10.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from vedette.scrub import rules
from vedette.scrub.rules import FILTERED, PartRule
from vedette.scrub.suspicion import CLEAN, Probe, Suspicion, look

Path = tuple[str, ...]
_KEPT_KEYS = 4096
_LONGEST_KEPT_KEY = 200


@dataclass(frozen=True, slots=True)
class Remark:
    """One replacement: at `path`, by `rule`, kind "s" (substituted) or "x" (removed), the range of the new text, and
    the length of the old one (None where the old value was no text)."""

    path: Path
    rule: str
    kind: str
    start: int = 0
    end: int = 0
    length: int | None = None


@lru_cache(maxsize=256)
def scrubber_for(
    enabled: bool, defaults: bool, addresses: bool, sensitive: tuple[str, ...], safe: tuple[str, ...]
) -> "Scrubber":
    """The scrubber of a project with these options (`dataScrubber`, `dataScrubberDefaults`, `scrubIPAddresses`,
    `sensitiveFields`, `safeFields`)."""
    return Scrubber(enabled, defaults, addresses, sensitive, safe)


class Scrubber:
    """The rules of one project, compiled."""

    __slots__ = ("_always", "_keys", "_probes", "addresses", "defaults", "gentle", "safe", "sensitive", "strict")

    def __init__(
        self, enabled: bool, defaults: bool, addresses: bool, sensitive: tuple[str, ...], safe: tuple[str, ...]
    ) -> None:
        self.defaults = enabled and defaults
        self.addresses = addresses
        fields = (_fold(word.strip()) for word in sensitive) if enabled else ()
        self.sensitive = tuple(word for word in fields if word)
        self.safe = frozenset(_fold(word.strip()) for word in safe)
        ip = (rules.ADDRESSES,) if addresses else ()
        self.strict = (*(rules.STRICT if self.defaults else ()), *ip)
        self.gentle = (*(rules.GENTLE if self.defaults else ()), *ip)
        self._probes = (
            *(_probe(start, words) for start, words in rules.PROBES.items() if self.defaults),
            *(_probe(word, (word,)) for word in self.sensitive),
        )
        hidden = any(not word.isascii() or _escapes(word) for word in self.sensitive)
        words = tuple(word for probe in self._probes for _, word in probe.words)
        self._always = Suspicion(words, shapes=True) if hidden or addresses else None
        self._keys: dict[str, bool] = {}

    @property
    def idle(self) -> bool:
        """Whether no rule is on."""
        return not (self.defaults or self.sensitive or self.addresses)

    def suspect(self, text: bytes) -> Suspicion:
        """What of these rules may concern free-form data with this JSON text."""
        if self._always is not None:
            return self._always
        return CLEAN if self.idle else look(text, self._probes, self.defaults)

    def hides_key(self, key: str) -> bool:
        """Whether the value under `key` is hidden whatever it is."""
        verdict = self._keys.get(key)
        if verdict is None:
            verdict = self._judge_key(_fold(key))
            if len(key) <= _LONGEST_KEPT_KEY:
                if len(self._keys) >= _KEPT_KEYS:
                    self._keys.clear()
                self._keys[key] = verdict
        return verdict

    def is_safe(self, key: str) -> bool:
        """Whether the value under `key` is exempt from every rule."""
        return bool(self.safe) and _fold(key) in self.safe

    def _judge_key(self, key: str) -> bool:
        if key in self.safe:
            return False
        if any(word in key for word in self.sensitive):
            return True
        if not self.defaults:
            return False
        return key in rules.WHOLE_WORDS or rules.TOKEN in key or any(word in key for word in rules.WORDS)

    def hides_text(self, text: str, words: tuple[str, ...]) -> bool:
        """Whether `text` mentions one of `words` (those that the event can hold at all) so that it has to go."""
        folded = _fold(text)
        for word in words:
            if word not in folded:
                continue
            if word in self.sensitive:
                return True
            if word == rules.TOKEN:
                if rules.TOKEN_IN_TEXT.search(text):
                    return True
            elif word not in rules.WHOLE_WORDS or folded == word:
                return True
        return False


@dataclass(slots=True)
class Sweep:
    """One event's pass: `remarks` grows with every replacement."""

    scrubber: Scrubber
    suspicion: Suspicion
    remarks: list[Remark] = field(default_factory=list)

    def raw(self, raw: msgspec.Raw, path: Path) -> msgspec.Raw:
        """The same JSON text, or a cleaned one."""
        text = bytes(raw)
        if not text or not self.suspicion.of(text):
            return raw
        before = len(self.remarks)
        value = self.value(msgspec.json.decode(text), path)
        return raw if len(self.remarks) == before else msgspec.Raw(msgspec.json.encode(value))

    def value(self, value: Any, path: Path) -> Any:
        """`value` without secrets. Dicts and lists are changed in place."""
        kind = type(value)
        if kind is str:
            return self.text(value, path)
        if kind is dict:
            self._members(value, path)
        elif kind is list:
            for index, element in enumerate(value):
                kind = type(element)
                if kind is str or kind is dict or kind is list:
                    value[index] = self.value(element, (*path, str(index)))
        return value

    def _members(self, members: dict[str, Any], path: Path) -> None:
        scrubber = self.scrubber
        for key, member in members.items():
            if scrubber.hides_key(key):
                members[key] = self.hidden(member, (*path, key))
                continue
            kind = type(member)
            if (kind is str or kind is dict or kind is list) and not scrubber.is_safe(key):
                members[key] = self.value(member, (*path, key))

    def member(self, key: str, value: Any, path: Path) -> Any:
        """The value of one member `key`, by the key rule and the value rules; `path` ends in the key."""
        if self.scrubber.hides_key(key):
            return self.hidden(value, path)
        return value if self.scrubber.is_safe(key) else self.value(value, path)

    def pairs(self, pairs: list[Any], path: Path, exempt: frozenset[str] = frozenset()) -> None:
        """Clean a list of [key, value] in place, except under the keys (in lower case) in `exempt`."""
        for index, pair in enumerate(pairs):
            if not isinstance(pair, list) or len(pair) != 2:
                continue
            key, value = pair
            where = (*path, str(index), "1")
            if not isinstance(key, str):
                pair[1] = self.value(value, where)
            elif key.lower() not in exempt:
                pair[1] = self.member(key, value, where)

    def cookies(self, pairs: list[Any], path: Path) -> None:
        """Clean the cookies of a request in place: sign-in cookies go as a whole."""
        for index, pair in enumerate(pairs):
            if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str):
                pair[1] = self.cookie(pair[0], pair[1], (*path, str(index), "1"))

    def cookie(self, name: str, value: Any, path: Path) -> Any:
        """The value of a cookie, by the names of sign-in cookies and then by the rules for any member."""
        scrubber = self.scrubber
        if scrubber.defaults and name.lower() in rules.SESSION_COOKIES and not scrubber.is_safe(name):
            return self.hidden(value, path, "@anything:filter")
        return self.member(name, value, path)

    def hidden(self, value: Any, path: Path, rule: str = "@password:filter") -> Any:
        """What takes the place of a value under a secret key: a mark for texts, null for numbers, lists and objects."""
        if isinstance(value, str):
            if not value or value == FILTERED:
                return value
            self.remarks.append(Remark(path, rule, "s", 0, len(FILTERED), len(value)))
            return FILTERED
        if value is None or isinstance(value, bool):
            return value
        self.remarks.append(Remark(path, rule, "x"))
        return None

    def text(self, text: str, path: Path, parts: tuple[PartRule, ...] | None = None) -> str:
        """A text of free-form data: gone as a whole if it mentions a secret word, else without its secret parts."""
        suspicion = self.suspicion
        if suspicion.words and self.scrubber.hides_text(text, suspicion.words):
            hidden: str = self.hidden(text, path)
            return hidden
        return self.parts(text, path, parts or self.scrubber.strict) if suspicion.shapes else text

    def parts(self, text: str, path: Path, parts: tuple[PartRule, ...]) -> str:
        """`text` with every match of `parts` replaced."""
        for rule in parts:
            if rule.pattern.search(text):
                text = self._replace(text, path, rule)
        return text

    def _replace(self, text: str, path: Path, rule: PartRule) -> str:
        length = len(text)
        pieces: list[str] = []
        position = size = 0
        for match in rule.pattern.finditer(text):
            start = match.end(1) if rule.pattern.groups else match.start()
            pieces += (text[position:start], rule.replacement)
            size += start - position
            self.remarks.append(Remark(path, rule.id, "s", size, size + len(rule.replacement), length))
            size += len(rule.replacement)
            position = match.end()
        pieces.append(text[position:])
        return "".join(pieces)


def _fold(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


_ASCII_LOWER = {upper: upper + 32 for upper in range(65, 91)}


def _probe(start: str, words: tuple[str, ...]) -> Probe:
    return Probe(_needle(start), tuple((_needle(word), word) for word in words))


def _needle(word: str) -> bytes:
    """A word as it stands in folded JSON text: digits are zeros there, and a whole word ends with its string."""
    folded = "".join("0" if "1" <= character <= "9" else character for character in word)
    return folded.encode() + (b'"' if word in rules.WHOLE_WORDS else b"")


def _escapes(word: str) -> bool:
    return any(character < " " or character in '"\\/\x7f' for character in word)
