"""Glob patterns as regular expressions.

Source: the grouping specification, 3.4 and 5.1.
"""

import re
from functools import lru_cache

_CLASS = re.compile(r"\[(?P<negated>!?)(?P<body>[^\]]+)\]")


@lru_cache(maxsize=4096)
def compile_glob(pattern: str, *, paths: bool = False, ignore_case: bool = False) -> re.Pattern[str]:
    """The whole-text pattern of a glob. With `paths`, `*` stops at `/` and only `**` crosses it."""
    if paths:
        pattern = pattern.replace("\\", "/")
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "*":
            end = position
            while end < len(pattern) and pattern[end] == "*":
                end += 1
            parts.append("[^/]*" if paths and end - position == 1 else ".*")
            position = end
            continue
        group = _CLASS.match(pattern, position) if character == "[" else None
        if group:
            body = group["body"].replace("\\", "\\\\").replace("[", "\\[")
            parts.append(f"[{'^' if group['negated'] else ''}{body}]")
            position = group.end()
            continue
        parts.append("[^/]" if character == "?" and paths else "." if character == "?" else re.escape(character))
        position += 1
    try:
        return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))
    except re.error:
        return re.compile(re.escape(pattern), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def path_matches(pattern: re.Pattern[str], path: str) -> bool:
    """Whether a path (lower case, forward slashes) matches, as it is or with a leading slash."""
    return pattern.fullmatch(path) is not None or (
        not path.startswith("/") and pattern.fullmatch("/" + path) is not None
    )
