"""Two rows that belong together, judged: every comparator of their model, then whatever is left as JSON.

Source: the relocation specification, 7.2 (step 6) and 7.3. Beyond it: what is left is compared by what it means, so
that another spelling of the same list, option or moment is no difference; ids inside of JSON are compared by the rows
that they lead to; and secrets in a difference are masked.
"""

import difflib
import hashlib
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

import orjson

from vedette.core.relocation import Comparator, Encoding, Relocation
from vedette.relocation.comparing.comparators import DEMANDING, RULES, as_moment, missing, user_password
from vedette.relocation.comparing.masking import is_secret_field, mask_named_secrets, mask_texts
from vedette.relocation.comparing.references import by_ordinal
from vedette.relocation.comparing.scratch import Model, Scratch, Side
from vedette.relocation.files.encodings import decode
from vedette.relocation.files.findings import Finding, FindingKind, Origin
from vedette.relocation.files.values import BadValue

CONTEXT_LINES = 15
_MOST_LINES = 2000
_LONGEST_DIFF = 18_000  # characters
_MEANT = frozenset(
    {
        Encoding.MOMENT,
        Encoding.OPTION,
        Encoding.JSON_TEXT,
        Encoding.LITERAL_LIST,
        Encoding.TEXT_LIST,
        Encoding.BITS,
    }
)

Fields = dict[str, Any]


class Judge:
    """Judges the rows of one model. `wire` is None for a model that nobody knows: then everything is JSON."""

    def __init__(self, scratch: Scratch, model: Model, wire: Relocation | None) -> None:
        self._scratch = scratch
        self._model = model
        self._wire = wire
        self._encodings: Mapping[str, Encoding] = wire.fields if wire else {}
        self._foreign_keys = wire.foreign_keys if wire else {}
        order = list(Comparator)
        rules = [(rule, name) for name, found in (wire.comparators if wire else {}).items() for rule in found]
        self._rules = sorted(rules, key=lambda pair: order.index(pair[0]))
        self._judged = frozenset(name for _, name in rules)
        self._lenient = [pair for pair in self._rules if pair[0] not in DEMANDING]
        self._skips_equal = len(self._lenient) == len(self._rules)

    def judge(self, ordinal: int, left_pk: int, line: int, left: bytes, right_pk: int, right: bytes) -> list[Finding]:
        """The findings of one pair: by comparator in the order of their kinds, then what is left."""
        if left == right and self._skips_equal and not self._foreign_keys:
            return []
        ours: Fields = orjson.loads(left)
        theirs: Fields = orjson.loads(right)
        return [
            Finding(Origin.COMPARE, kind, self._model.name, ordinal, left_pk, right_pk, reason, name, line)
            for kind, name, reason in self._differences(ours, theirs)
        ]

    def _differences(self, left: Fields, right: Fields) -> Iterator[tuple[FindingKind, str | None, str]]:
        for rule, name in self._rules:
            if rule is Comparator.USER_PASSWORD:
                reason = missing(rule, left.get(name), right.get(name))
                if reason is not None:
                    yield _existence(rule), name, reason
                elif left.get(name) is not None and (reason := user_password(left, right)) is not None:
                    yield FindingKind(rule), name, reason
                continue
            ours, theirs = left.get(name), right.get(name)
            if rule is Comparator.FOREIGN_KEY:
                if ours is None and theirs is None:
                    continue
            elif ours == theirs and (ours is None or rule not in DEMANDING):
                continue
            reason = missing(rule, ours, theirs)
            if reason is not None:
                if not _is_kept_as_hash(name, ours, right):
                    yield _existence(rule), name, reason
            elif ours is not None and theirs is not None:
                reason = self._led(name, ours, theirs) if rule is Comparator.FOREIGN_KEY else RULES[rule](ours, theirs)
                if reason is not None:
                    yield FindingKind(rule), name, reason
        reason = self._rest(left, right)
        if reason is not None:
            yield FindingKind.UNEQUAL_JSON, None, reason

    # ------------------------------------------------------------ foreign keys

    def _led(self, name: str, left: Any, right: Any) -> str | None:
        target = self._foreign_keys[name].target
        if not (isinstance(left, int) and isinstance(right, int)):
            side, value = ("left", left) if not isinstance(left, int) else ("right", right)
            return f"the {side} value ({str(value)[:40]!r}) is no primary key of {target}"
        ours, theirs = self._scratch.ordinal("left", target, left), self._scratch.ordinal("right", target, right)
        if ours is None:
            return f"the left file has no {target} with pk {left}"
        if theirs is None:
            return f"the right file has no {target} with pk {right}"
        if ours == theirs:
            return None
        return f"the left key leads to {target} {ours} (pk {left}), the right one to {target} {theirs} (pk {right})"

    # ------------------------------------------------------------ what is left

    def _rest(self, left: Fields, right: Fields) -> str | None:
        ours, theirs = self._left_over("left", left), self._left_over("right", right)
        if ours == theirs and _same_types(ours, theirs):
            return None
        differing = [
            name
            for name in ours.keys() | theirs.keys()
            if (name in ours) != (name in theirs) or not self._means_the_same(name, ours[name], theirs[name])
        ]
        return self._diff(ours, theirs, frozenset(differing)) if differing else None

    def _left_over(self, side: Side, fields: Fields) -> Fields:
        if self._wire is not None:
            fields = by_ordinal(self._model.name, fields, lambda model, pk: self._scratch.ordinal(side, model, pk))
        return {name: value for name, value in fields.items() if name not in self._judged}

    def _means_the_same(self, name: str, left: Any, right: Any) -> bool:
        if left == right:
            return _same_types(left, right)
        encoding = self._encodings.get(name)
        if encoding is None or encoding not in _MEANT or left is None or right is None:
            return False
        if encoding is Encoding.MOMENT:
            before = as_moment(left)
            return before is not None and before == as_moment(right)
        try:
            ours, theirs = decode(encoding, left), decode(encoding, right)
        except BadValue:
            return False
        return bool(ours == theirs) and _same_types(ours, theirs)

    def _diff(self, left: Fields, right: Fields, differing: frozenset[str]) -> str:
        """A unified diff of both sides as sorted, indented JSON. A field that means the same on both sides is shown as
        the left has it, so that only true differences stand out."""
        right = {name: value if name in differing else left[name] for name, value in right.items()}
        ours, theirs = self._shown(left), self._shown(right)
        if ours == theirs:  # only masked texts differ
            names = ", ".join(sorted(differing))
            return f"the values of {names} differ; they are secret and not shown"
        return _unified(ours.split("\n"), theirs.split("\n"))

    def _shown(self, fields: Fields) -> str:
        shown = {}
        for name, value in fields.items():
            meant = self._unpacked(name, value)
            secret = is_secret_field(self._model.name, name, fields)
            shown[name] = mask_texts(meant) if secret else mask_named_secrets(meant)
        return orjson.dumps(shown, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2).decode()

    def _unpacked(self, name: str, value: Any) -> Any:
        """JSON inside of a text is shown as JSON, so that masking finds its keys and people find the line."""
        if self._encodings.get(name) in (Encoding.OPTION, Encoding.JSON_TEXT) and isinstance(value, str):
            try:
                return orjson.loads(value)
            except orjson.JSONDecodeError:
                return value
        return value


def _unified(left: list[str], right: list[str]) -> str:
    """The diff; of rows with very many lines only that of the lines around the first difference, for finding the
    shortest diff takes a time that grows with the square of their number."""
    if len(left) + len(right) > _MOST_LINES:
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
        window = slice(max(0, same - CONTEXT_LINES), same + _MOST_LINES // 4)
        left, right = left[window], right[window]
    text = "\n".join(difflib.unified_diff(left, right, "left", "right", lineterm="", n=CONTEXT_LINES))
    return text if len(text) <= _LONGEST_DIFF else f"{text[:_LONGEST_DIFF]}\n…"


def _is_kept_as_hash(name: str, left: Any, right: Fields) -> bool:
    """Whether the right side has the hash of a token instead of the token, which is all that is kept of one here."""
    return isinstance(left, str) and right.get(f"hashed_{name}") == hashlib.sha256(left.encode()).hexdigest()


def _existence(rule: Comparator) -> FindingKind:
    return FindingKind(f"{rule}ExistenceCheck")


def _same_types(left: Any, right: Any) -> bool:
    """True and 1 are equal to Python, and are not to JSON. 1 and 1.0 are one number to JSON."""
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool)
    if isinstance(left, dict) and isinstance(right, dict):
        return all(_same_types(value, right[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return all(_same_types(ours, theirs) for ours, theirs in zip(left, right, strict=True))
    return True
