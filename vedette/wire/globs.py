"""Globs over whole texts: `*` is any text, `?` any character, `[abc]`, `[a-z]` and `[!abc]` one of a class.

Texts are hostile and patterns are a stranger's too, so that a match has to take linear time. The parts between two
stars have a fixed length: the leftmost place of each is as good as any other, and an atomic group keeps it.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

GLOB_LIMIT = 256
_CLASS = re.compile(r"\[!?[^\[\]]+\]")
_NOTHING = re.compile(r"(?!)")


def is_glob(text: str) -> bool:
    """Whether `text` can be used as a pattern: no `[` without its `]`, and not too long."""
    return len(text) <= GLOB_LIMIT and "[" not in _CLASS.sub("", text)


@lru_cache(maxsize=512)
def compile_globs(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern for whole texts (`fullmatch`), whatever their case, that any of the globs matches.

    What is no glob matches nothing.
    """
    usable = [f"(?:{_expression(glob)})" for glob in patterns if is_glob(glob)]
    return re.compile("|".join(usable), re.DOTALL | re.IGNORECASE) if usable else _NOTHING


def compile_stars(text: str) -> re.Pattern[str]:
    """The pattern of a whole text (`fullmatch`), whatever its case, in which a star alone is special: any text."""
    first, *others = [re.escape(part) for part in re.split(r"\*+", text)]
    return re.compile(_joined(first, others), re.DOTALL | re.IGNORECASE)


def any_match(pattern: re.Pattern[str], texts: Iterable[str | None]) -> bool:
    """Whether one of the texts matches as a whole; None is no text."""
    return any(text is not None and pattern.fullmatch(text) is not None for text in texts)


def _expression(glob: str) -> str:
    first, *others = [_part(part) for part in re.split(r"\*+", glob)]
    return _joined(first, others)


def _joined(first: str, others: list[str]) -> str:
    """The expression of parts with stars between them, each of a fixed length."""
    if not others:
        return first
    middle = "".join(f"(?>.*?{part})" for part in others[:-1])
    return f"{first}{middle}.*{others[-1]}"


def _part(text: str) -> str:
    parts: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        group = _CLASS.match(text, position) if character == "[" else None
        if group:
            negated = "^" if group[0][1] == "!" and len(group[0]) > 3 else ""
            body = group[0][1 + len(negated) : -1]
            parts.append(f"[{negated}{_class_body(body)}]")
            position = group.end()
            continue
        parts.append("." if character == "?" else re.escape(character))
        position += 1
    return "".join(parts)


def _class_body(body: str) -> str:
    """A class with nothing special in it but ranges that go upwards."""
    escaped: list[str] = []
    position = 0
    while position < len(body):
        if position + 2 < len(body) and body[position + 1] == "-" and body[position] <= body[position + 2]:
            escaped.append(f"{re.escape(body[position])}-{re.escape(body[position + 2])}")
            position += 3
        else:
            escaped.append(re.escape(body[position]))
            position += 1
    return "".join(escaped)
