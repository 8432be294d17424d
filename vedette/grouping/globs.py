"""Glob patterns as tests of texts.

People write the patterns and strangers send the texts, so a test must never take long: what stands between two stars is
looked for from left to right and never given back (atomic groups), which is right for globs and at worst quadratic.

Source: the grouping specification, 3.4 and 5.1.
"""

import re
from collections.abc import Callable
from functools import lru_cache

_CLASS = re.compile(r"\[(?P<negated>!?)(?P<body>[^\]]+)\]")
_STARS = re.compile(r"\*+")
SPECIAL = re.compile(r"[*?\[]")

Test = Callable[[str], bool]
LONGEST_PATTERN = 256
LONGEST_VALUE = 1280  # characters of a text that are compared; names of frames have at most 1,124
MOST_STEPS = 500_000_000  # for all rules and texts of one event: a second, at worst a few


@lru_cache(maxsize=4096)
def compile_glob(pattern: str, *, paths: bool = False, ignore_case: bool = False) -> re.Pattern[str]:
    """The whole-text pattern of a glob. With `paths`, `*` stops at `/` and only `**` crosses it."""
    if paths:
        pattern = pattern.replace("\\", "/")
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    try:
        return re.compile(_expression(pattern, paths), flags)
    except re.error:
        return re.compile(re.escape(pattern), flags)


def _expression(pattern: str, paths: bool) -> str:
    """Stars that cross everything divide the pattern into blocks, the others divide a block into pieces."""
    blocks: list[list[str]] = [[""]]
    position = 0
    for star in _STARS.finditer(pattern):
        blocks[-1][-1] += _fixed(pattern[position : star.start()], paths)
        if paths and star.end() - star.start() == 1:
            blocks[-1].append("")
        else:
            blocks.append([""])
        position = star.end()
    blocks[-1][-1] += _fixed(pattern[position:], paths)
    parts: list[str] = []
    for number, (first, *more) in enumerate(blocks):
        is_last = number == len(blocks) - 1
        ends = more[-1:] if is_last else []
        middle = more[: len(more) - len(ends)]
        block = first + "".join(f"(?>[^/]*?{piece})" for piece in middle) + "".join(f"[^/]*{piece}" for piece in ends)
        if number == 0:
            parts.append(block)
        else:
            parts.append(f".*{block}" if is_last else f"(?>.*?{block})")
    return "".join(parts)


def _fixed(text: str, paths: bool) -> str:
    """The expression of a part without stars: it matches texts of one length only."""
    parts: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        group = _CLASS.match(text, position) if character == "[" else None
        if group:
            body = "".join(one if one == "-" else re.escape(one) for one in group["body"]).replace("--", "\\-")
            parts.append(f"[{'^' if group['negated'] else ''}{body}]")
            position = group.end()
            continue
        parts.append(("[^/]" if paths else ".") if character == "?" else re.escape(character))
        position += 1
    return "".join(parts)


def text_test(pattern: str, *, ignore_case: bool = False) -> Test:
    """Whether a text matches a glob; the frequent shapes of patterns without a regular expression."""
    if not ignore_case:
        if not SPECIAL.search(pattern):
            return pattern.__eq__
        head = pattern[:-1]
        if pattern.endswith("*") and not SPECIAL.search(head):
            return lambda text: text.startswith(head)
    compiled = compile_glob(pattern, ignore_case=ignore_case)
    return lambda text: compiled.fullmatch(text[:LONGEST_VALUE]) is not None


def path_test(pattern: str) -> Test:
    """Whether a path (lower case, forward slashes) matches a glob, as it is or with a slash in front."""
    pattern = pattern.lower().replace("\\", "/")
    inner = pattern[2:-2]
    if pattern.startswith("**/") and pattern.endswith("/**") and len(pattern) > 5 and not SPECIAL.search(inner):
        return lambda path: inner in path or path.startswith(inner[1:])
    compiled = compile_glob(pattern, paths=True)
    return lambda path: path_matches(compiled, path[:LONGEST_VALUE])


def weight_of(pattern: str, *, paths: bool = False) -> int:
    """How many steps a test takes at most for each character of its text; 0 for those that are as good as free.

    The parts between stars are looked for one after the other, so that the longest of them decides. With `paths`, a
    single star looks through a directory again from every place where its block may begin.
    """
    inner = pattern[3:-3] if paths and pattern.startswith("**/") and pattern.endswith("/**") else pattern.rstrip("*")
    if not SPECIAL.search(inner):
        return 0
    longest = max(map(len, _STARS.split(pattern)))
    blocks = re.split(r"\*\*+", pattern.replace("\\", "/"))[1:] if paths else ()
    again = any("*" in block and "/" not in block.partition("*")[0] for block in blocks)
    return longest * (LONGEST_VALUE // 4 if again else 1)


def path_matches(pattern: re.Pattern[str], path: str) -> bool:
    """Whether a path (lower case, forward slashes) matches, as it is or with a leading slash."""
    return pattern.fullmatch(path) is not None or (
        not path.startswith("/") and pattern.fullmatch("/" + path) is not None
    )
