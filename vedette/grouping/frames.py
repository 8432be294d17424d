"""One frame of a stack trace: what of it counts.

Equal frames are met again and again, so that what follows from a frame's names alone is worked out once.

Source: the grouping specification, section 6.
"""

import re
from dataclasses import dataclass

from vedette.grouping.components import Component, leaf, node, silenced, silent
from vedette.grouping.configs import Config
from vedette.grouping.enhancements import Names, Rules, names_of
from vedette.grouping.functions import trim_function
from vedette.wire.event import Frame

FOREIGN = "not in-app"
_REMOTE = ("http:", "https:", "applewebdata:", "blob:")
_CONTEXT_PLATFORMS = frozenset({"javascript", "node", "python", "php", "ruby"})
_LONGEST_LINE = 120
_IGNORED_JS_PATHS = frozenset({"[native code]", "native code", "eval code", "<anonymous>"})
_ANONYMOUS_JS = frozenset({"?", "<anonymous function>", "<anonymous>", "Anonymous function"})
_JAVASSIST = re.compile(r"\$\$_javassist(?:_seam)?(?:_[0-9]+)?")
_ERB = re.compile(r"__\d{4,}_\d{4,}$")
_JAVA_AUTO = (
    (re.compile(r"((?:sun|jdk\.internal)\.reflect\.GeneratedMethodAccessor)\d+"), r"\1"),
    (re.compile(r"(Generated(?:Serialization)?ConstructorAccessor)\d+"), r"\1<auto>"),
    (_JAVASSIST, "$$_javassist<auto>"),
    (re.compile(r"(\$fn)__\d+"), r"\1<auto>"),
    (re.compile(r"(\$\$?+EnhancerBy\w++\$\$?+)[0-9a-fA-F]+"), r"\1<auto>"),
    (re.compile(r"(\$\$?+FastClassBy\w++\$\$?+)[0-9a-fA-F]+"), r"\1<auto>"),
    (re.compile(r"(\$\$?+HibernateProxy\$)\w++"), r"\1<auto>"),
)
_WORD = re.compile(r"[\w$]+")
_CGLIB = re.compile(r"(CGLIB\$\$)[0-9a-fA-F]++")
_SPAWN = re.compile(r"(from multiprocessing\.\w+ import \w+; \w+\()[^)]*\)")
_KEPT_SHAPES = 8192
_LONGEST_KEPT_LINE = 4096
_LONGEST_KEPT_PLATFORM = 64


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What follows from a frame's names: its component, and which rules it may satisfy. Equal to itself alone."""

    component: Component
    foreign: Component  # the same, not contributing because it is not in-app
    names: Names
    rules: tuple[int, ...]
    verdict: tuple[bool | None, bool | None] | None  # (in_app, group) by rules that look at nothing else


class ShapeBook:
    """Remembers the shapes of frames under one set of rules; bounded."""

    __slots__ = ("_config", "_rules", "_shapes")

    def __init__(self, rules: Rules, config: Config) -> None:
        self._rules, self._config = rules, config
        self._shapes: dict[tuple[object, ...], Shape] = {}

    def shape_of(self, frame: Frame, event_platform: str) -> Shape:
        """The shape of a frame; its function is trimmed on the way."""
        platform = frame.platform or event_platform
        data = frame.data
        mapped = data is not None and "sourcemap" in data and bool(data["sourcemap"])
        key = (
            platform,
            frame.abs_path,
            frame.filename,
            frame.module,
            frame.function,
            frame.package,
            frame.raw_function,
            frame.context_line,
            mapped,
        )
        shape = self._shapes.get(key)
        if shape is None:
            if len(self._shapes) >= _KEPT_SHAPES:
                self._shapes.clear()
            shape = self._shape(frame, platform, mapped)
            # Names have bounds, source lines and platforms have none: the memory must not fill with long ones.
            if len(platform) <= _LONGEST_KEPT_PLATFORM and len(frame.context_line or "") <= _LONGEST_KEPT_LINE:
                self._shapes[key] = shape
        return shape

    def _shape(self, frame: Frame, platform: str, mapped: bool) -> Shape:
        names = names_of(
            platform, frame.abs_path, frame.filename, frame.module, trimmed_name(frame, platform), frame.package
        )
        component = frame_component(frame, platform, mapped, self._config)
        numbers = self._rules.matching(names)
        foreign = silenced(component, FOREIGN)
        return Shape(component, foreign, names, numbers, self._rules.verdict(numbers))


def trimmed_name(frame: Frame, platform: str) -> str | None:
    """The function name that rules and hashes see."""
    if frame.function and not frame.raw_function:
        return trim_function(frame.function, platform)
    return frame.function


def trim_in_place(frame: Frame, platform: str) -> None:
    """Shorten the frame's function, and keep the original in `raw_function`, if that changes it."""
    trimmed = trimmed_name(frame, platform)
    if trimmed != frame.function:
        frame.raw_function, frame.function = frame.function, trimmed


def frame_component(frame: Frame, platform: str, mapped: bool, config: Config) -> Component:
    """module, filename, function and context line of one frame."""
    component = node("frame", _leaves(frame, platform, mapped, config))
    if platform == "javascript" and _is_noise(frame):
        return silenced(component, "native or evaluated code")
    return component


def _is_noise(frame: Frame) -> bool:
    return frame.function == "eval" or frame.abs_path in _IGNORED_JS_PATHS


def _leaves(frame: Frame, platform: str, mapped: bool, config: Config) -> tuple[Component, ...]:
    module = _module(frame, platform)
    filename = _filename(frame, platform)
    context = _context_line(frame, platform, config)
    if module.contributes and filename.contributes:
        filename = silenced(filename, "the module is used instead")
    return module, filename, _function(frame, platform, mapped and context.contributes), context


def is_url(path: str | None, *, with_files: bool = False) -> bool:
    """Whether a path is an address rather than a file; `with_files` counts `file:` as one."""
    return path is not None and (path.startswith(_REMOTE) or (with_files and path.startswith("file:")))


def _filename(frame: Frame, platform: str) -> Component:
    path = frame.filename or frame.abs_path
    if not path:
        return leaf("filename", None)
    name = path.replace("\\", "/").rpartition("/")[2].lower()
    if is_url(frame.abs_path):
        return silent("filename", name, "the file is a URL")
    if name in ("<anonymous>", "[native code]"):
        return silent("filename", name, "anonymous file")
    if platform == "java" and "$$_javassist" in name:
        name = _JAVASSIST.sub("$$_javassist<auto>", name)
    return leaf("filename", name)


def _module(frame: Frame, platform: str) -> Component:
    module = frame.module
    if not module:
        return leaf("module", None)
    if platform == "javascript" and "/" in module and frame.abs_path and frame.abs_path.endswith(module):
        return silent("module", module, "part of a URL")
    if platform == "java":
        if "$$Lambda$" in module:
            return silent("module", module, "generated lambda")
        module = without_generated(module)
    return leaf("module", module)


def without_generated(module: str) -> str:
    """A Java module with `<auto>` for the parts that are made anew in every process.

    Takes time linear in the length of the text, whatever it is: senders choose it.
    """
    if "CGLIB$$" in module:
        module = _WORD.sub(_without_cglib, module)
    if "$" in module or "Accessor" in module:
        for pattern, replacement in _JAVA_AUTO:
            module = pattern.sub(replacement, module)
    return module


def _without_cglib(word: re.Match[str]) -> str:
    # One pattern for `$$…CGLIB$$<hex>` would look for the end of the word from every `$$` of it.
    head, dollars, tail = word[0].partition("$$")
    return head + dollars + _CGLIB.sub(r"\1<auto>", tail)


def _function(frame: Frame, platform: str, mapped: bool) -> Component:
    function = trimmed_name(frame, platform)
    if platform == "csharp" and frame.raw_function:
        function = frame.raw_function
    if not function:
        return leaf("function", None)
    if platform in ("javascript", "node"):
        return _javascript_function(function, mapped)
    if platform == "ruby":
        if function.startswith("block "):
            return leaf("function", "block", "blocks are anonymous")
        return leaf("function", _ERB.sub("", function))
    if platform == "php":
        return _php_function(function)
    if platform == "java" and function.startswith("lambda$"):
        return silent("function", function, "generated lambda")
    if function in ("<redacted>", "<unknown>"):
        return silent("function", function, "unknown function")
    return leaf("function", function)


def _javascript_function(function: str, mapped: bool) -> Component:
    name = function.rpartition(".")[2]
    if not name or name in _ANONYMOUS_JS or name.endswith("/<"):
        return silent("function", name, "anonymous function")
    if mapped:
        return silent("function", name, "the source map gives a context line")
    return leaf("function", name)


def _php_function(function: str) -> Component:
    if function.startswith(("[Anonymous", "class@anonymous\0")):
        return silent("function", function, "anonymous function")
    if function.startswith("class@anonymous"):
        method = function.rpartition("::")[2]
        return leaf("function", method)
    return leaf("function", function)


def _context_line(frame: Frame, platform: str, config: Config) -> Component:
    line = frame.context_line
    if not line or platform not in _CONTEXT_PLATFORMS:
        return leaf("context-line", None)
    text = " ".join(line.split())
    if len(text) > _LONGEST_LINE:
        return silent("context-line", text[:_LONGEST_LINE], "too long")
    if platform == "javascript" and not frame.function and is_url(frame.abs_path, with_files=True):
        return silent("context-line", text, "a URL without a function")
    if platform == "python" and config.parameterises_spawns and "multiprocessing" in text:
        text = _SPAWN.sub(r"\1<args>)", text)
    return leaf("context-line", text)
