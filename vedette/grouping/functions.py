"""Function names without what compilers add: arguments, template parameters, hashes, clones.

Source: the grouping specification, 4.1.
"""

import re
from functools import lru_cache

from vedette.grouping.families import NATIVE

_KEPT = ("[", "+[", "-[")
_CLONE = re.compile(r" ?\[clone [^\]]*\]")
_QUALIFIERS = ("const", "noexcept")
_LAMBDA = re.compile(r"\{lambda\([^{}]*\)#\d+\}|\blambda_[0-9a-f]{32}\b|\$_\d+\b")
_ANONYMOUS = re.compile(r"\?A0x[0-9a-f]{8}::")
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_GLIBC = re.compile(r"@{1,2}GLIBC_[\w.]+$")
_WINDOWS = re.compile(r"^@?(.+?)@\d+$")
_OPEN, _CLOSE = {"(": ")", "<": ">", "{": "}", "[": "]"}, {")", ">", "}", "]"}
_OPERATOR = re.compile(r"operator\s*(?:<<=|>>=|<=>|->\*|->|<<|>>|<=|>=|<|>|\(\))$")
_ANONYMOUS_NAMESPACE = "(anonymous namespace)"
_LONGEST = 4096
_MOST_BRACKETS = 60  # a name with more of them is no name, and following each would take too long


def trim_function(function: str, platform: str) -> str:
    """The name under which a function is known to grouping, for frames of this platform."""
    if platform == "csharp":
        return function.partition(" (")[0] or function
    if platform in NATIVE and len(function) <= _LONGEST and sum(map(function.count, _OPEN)) <= _MOST_BRACKETS:
        return _trim_native(function)
    return function


@lru_cache(maxsize=8192)
def _trim_native(function: str) -> str:
    text = function.strip()
    if text in ("<redacted>", "<unknown>") or text.startswith(_KEPT):
        return text
    text = _without_qualifiers(_CLONE.sub("", text))
    text = _LAMBDA.sub("lambda", text)
    text = _ANONYMOUS.sub("`anonymous namespace'::", text)
    text = _without_qualifiers(_without_arguments(text))
    text = _last_token(_without_templates(text))
    text = _GLIBC.sub("", _RUST_HASH.sub("", text))
    windows = _WINDOWS.match(text)
    return (windows[1] if windows else text) or function


def _without_qualifiers(text: str) -> str:
    while True:
        text = text.rstrip(" &")
        head, space, last = text.rpartition(" ")
        if not space or last not in _QUALIFIERS:
            return text
        text = head


def _matching(text: str, start: int) -> int:
    """The position behind the bracket that closes the one at `start`; the end of the text if none does.

    Arrows and operators are no brackets.
    """
    stack: list[str] = []
    position = start
    while position < len(text):
        character = text[position]
        if character in _OPEN and not _is_operator(text, position):
            stack.append(_OPEN[character])
        elif stack and character == stack[-1] and not _is_arrow(text, position):
            stack.pop()
            if not stack:
                return position + 1
        position += 1
    return len(text)


def _is_arrow(text: str, position: int) -> bool:
    return text[position] == ">" and position > 0 and text[position - 1] in "-="


def _is_operator(text: str, position: int) -> bool:
    return text[position] in "<>" and _OPERATOR.search(text[max(0, position - 12) : position + 1]) is not None


def _without_arguments(text: str) -> str:
    kept: list[str] = []
    position = 0
    while position < len(text):
        if text[position] != "(":
            kept.append(text[position])
            position += 1
            continue
        if text.startswith(_ANONYMOUS_NAMESPACE, position):
            kept.append(_ANONYMOUS_NAMESPACE)
            position += len(_ANONYMOUS_NAMESPACE)
            continue
        if "".join(kept[-8:]) == "operator" and text.startswith("()", position):
            kept.append("()")
            position += 2
            continue
        position = _matching(text, position)
    return "".join(kept)


def _without_templates(text: str) -> str:
    kept: list[str] = []
    position = 0
    while position < len(text):
        if text[position] != "<" or _is_operator(text, position):
            kept.append(text[position])
            position += 1
            continue
        end = _matching(text, position)
        before = "".join(kept)
        if not before.strip():
            kept.append(_rust_self(text[position + 1 : end - 1]))
        else:
            kept.append("<T>")
        position = end
    return "".join(kept)


def _rust_self(inner: str) -> str:
    """`A as B` names B, `A` names A."""
    depth = 0
    for position, character in enumerate(inner):
        if character == "<":
            depth += 1
        elif character == ">" and not _is_arrow(inner, position):
            depth -= 1
        elif depth == 0 and inner.startswith(" as ", position):
            return _without_templates(inner[position + 4 :])
    return _without_templates(inner)


def _last_token(text: str) -> str:
    head, arrow, _ = text.partition(" -> ")
    tokens = _tokens(head)
    if not tokens:
        return text
    if (arrow and tokens[-1].startswith("@")) or tokens[-1].startswith("@objc") or tokens[-1] == "@callee_guaranteed":
        return ("thunk for " if "thunk for " in text else "") + "closure"
    return tokens[-1]


def _tokens(text: str) -> list[str]:
    """Split at spaces outside brackets and quotes; an operator keeps its name."""
    tokens: list[str] = []
    depth = start = 0
    for position, character in enumerate(text):
        if character in _OPEN or character == "`":
            depth += 1
        elif (character in _CLOSE and not _is_arrow(text, position)) or character == "'":
            depth = max(0, depth - 1)
        elif character == " " and depth == 0 and not text[start:position].endswith("operator"):
            if start < position:
                tokens.append(text[start:position])
            start = position + 1
    if start < len(text):
        tokens.append(text[start:])
    return tokens
