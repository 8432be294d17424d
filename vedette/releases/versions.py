"""Version strings: which are valid, what is in them, and which is newer. Pure.

Source: the release specification, section 2. Where it marks a rule [V], that rule is followed: pre-releases order as
SemVer 2 says, versions of different packages are not ordered, and a number too large for 64 bits does not parse.
"""

import re
from dataclasses import dataclass
from typing import Any

from vedette.core.errors import RuleBroken

WRITE_LIMIT = 200  # characters that the API accepts
TELEMETRY_LIMIT = 250  # characters that events and sessions may bring, and that the column holds
SHORT_HASH_LENGTH = 12

_FORBIDDEN = re.compile(r"[\x00-\x1f/\\]")
_GRAMMAR = re.compile(
    r"(?P<core>[0-9]+(?:\.[0-9]+){0,3})"
    r"(?P<tail>-(?P<dashed>[0-9A-Za-z.-]*)|(?P<bare>[A-Za-z][0-9A-Za-z.-]*))?"
    r"(?:\+(?P<build>[0-9A-Za-z.-]+))?"
    r"\s*"
)
_HASH = re.compile(r"[0-9A-Fa-f]+")
_HASH_LENGTHS = frozenset((12, 16, 20, 32, 40, 64))
_COMMIT = re.compile(r"(?=[0-9]*[A-Fa-f])[0-9A-Fa-f]{7,}")
_DIGITS = re.compile(r"[0-9]+")
_MAX_PARSED = 2**64 - 1
_MAX_STORED = 2**63 - 1

# The ranks of a `prerelease_key`: what follows an identifier that ends, a numeric one, any other, no pre-release.
_END, _NUMERIC, _TEXT, _FINAL = "0", "1", "2", "3"


class InvalidVersion(RuleBroken):
    """The text cannot name a release."""

    code = "invalid-version"


@dataclass(frozen=True, slots=True)
class Version:
    """A version taken apart. `numbers` is None when it does not parse; then `pre` and `build` are None as well.

    `raw` is what follows the package. `pre` and `build` are None when the version has none.
    """

    text: str
    package: str | None
    raw: str
    numbers: tuple[int, int, int, int] | None = None
    components: int = 0
    core: str = ""
    pre: str | None = None
    build: str | None = None

    @property
    def is_parsed(self) -> bool:
        """Whether it can be ordered by its numbers."""
        return self.numbers is not None

    @property
    def build_hash(self) -> str | None:
        """The commit hash in it: a build code or a whole version of 12, 16, 20, 32, 40 or 64 hex digits."""
        return next((text for text in (self.build, self.raw) if text and _is_hash(text)), None)

    @property
    def description(self) -> str:
        """What people read: without the package, and with hashes cut short."""
        if not self.is_parsed:
            return self.raw[:SHORT_HASH_LENGTH] if _is_hash(self.raw) else self.text
        return f"{self.core} ({_shortened(self.build)})" if self.build else self.core


def is_valid(version: object, limit: int = TELEMETRY_LIMIT) -> bool:
    """Whether `version` may name a release of at most `limit` characters. It is never trimmed before it is stored."""
    if not isinstance(version, str) or len(version) > limit or _FORBIDDEN.search(version):
        return False
    trimmed = version.strip()
    return trimmed not in ("", ".", "..") and trimmed.lower() != "latest"


def check(version: str, limit: int = WRITE_LIMIT) -> None:
    """Raise `InvalidVersion` with the sentence that API clients expect when `version` may not name a release."""
    if len(version) > limit:
        raise InvalidVersion({"version": [f"Ensure this field has no more than {limit} characters."]})
    if not version.strip():
        raise InvalidVersion({"version": ["This field may not be blank."]})
    if not is_valid(version, limit):
        raise InvalidVersion({"version": [f"Release with name {version} is not allowed"]})


def parse(text: str, *, without_package: bool = False) -> Version:
    """Take a version apart; any text has an answer. A version without a package does not parse.

    `without_package` parses it as if it had one: for projects whose releases are ordered by `semver` in any case.
    """
    head, at, rest = text.partition("@")
    package, raw = (head, rest) if at and head else (None, text)
    if "@" in raw or (package is None and not without_package):
        return Version(text, package, raw)
    match = _GRAMMAR.fullmatch(raw)
    if not match or _COMMIT.fullmatch(raw):  # `9d2f1c0e` is a commit, not version 9 with a pre-release
        return Version(text, package, raw)
    written = [int(number) for number in match["core"].split(".") if len(number.lstrip("0")) <= 20]
    components = match["core"].count(".") + 1
    if len(written) < components or max(written) > _MAX_PARSED:
        return Version(text, package, raw)
    major, minor, patch, revision = (*written, 0, 0, 0)[:4]
    pre = match["dashed"] or match["bare"] or None
    core = match["core"] + (match["tail"] if pre else "")
    return Version(text, package, raw, (major, minor, patch, revision), components, core, pre, match["build"])


def is_semver(text: str) -> bool:
    """Whether `text` is a "semver version": valid, with a package, parsed, and numbers that the columns hold."""
    if not is_valid(text):
        return False
    version = parse(text)
    return version.numbers is not None and max(version.numbers) <= _MAX_STORED


def compare(left: str, right: str, *, without_package: bool = False) -> int | None:
    """-1, 0 or 1 as `left` is older than, equal to or newer than `right`; None: they have no order, use dates.

    That is so when one of them does not parse, or when their packages differ. `1.2` equals `1.2.0`.
    """
    a = parse(left, without_package=without_package)
    b = parse(right, without_package=without_package)
    if a.numbers is None or b.numbers is None or a.package != b.package:
        return None
    return (
        _sign(a.numbers, b.numbers)
        or _sign(prerelease_key(a.pre), prerelease_key(b.pre))
        or _compare_builds(a.build, b.build)
    )


def prerelease_key(pre: str | None) -> str:
    """A text that sorts as the pre-release does: SemVer 2 precedence, and no pre-release above any.

    Only the digits 0-9 and a-f occur, in which every database collation agrees with the order of bytes.
    Numeric identifiers carry their length before them; other ones are the hex of their bytes.
    """
    if not pre:
        return _FINAL
    return "".join(_identifier_key(part) for part in pre.split(".")) + _END


def semver_columns(text: str) -> dict[str, Any]:
    """The columns of `Release` that order it, for its insert: all None unless every number fits 64 signed bits."""
    version = parse(text)
    if version.numbers is None or max(version.numbers) > _MAX_STORED:
        names = "package major minor patch revision prerelease prerelease_key build_code build_number"
        return dict.fromkeys(names.split())
    major, minor, patch, revision = version.numbers
    return {
        "package": version.package,
        "major": major,
        "minor": minor,
        "patch": patch,
        "revision": revision,
        "prerelease": version.pre or "",
        "prerelease_key": prerelease_key(version.pre),
        "build_code": version.build,
        "build_number": _build_number(version.build),
    }


def version_info(text: str) -> dict[str, Any]:
    """`versionInfo` of the API: the parts of a version and how to show it."""
    version = parse(text)
    parts: dict[str, Any] = {"raw": version.raw}
    if version.numbers is not None:
        major, minor, patch, _ = version.numbers
        parts |= {"major": major, "minor": minor, "patch": patch, "pre": version.pre, "buildCode": version.build}
        parts["components"] = version.components
    return {
        "package": version.package,
        "version": parts,
        "description": version.description,
        "buildHash": version.build_hash,
    }


def _identifier_key(identifier: str) -> str:
    if _DIGITS.fullmatch(identifier):
        digits = identifier.lstrip("0") or "0"
        return f"{_NUMERIC}{len(digits):04x}{digits}"
    return f"{_TEXT}{identifier.encode().hex()}00"


def _compare_builds(left: str | None, right: str | None) -> int:
    if left is None or right is None:
        return _sign(left is not None, right is not None)
    if _DIGITS.fullmatch(left) and _DIGITS.fullmatch(right):
        return _sign(_numeric_key(left), _numeric_key(right))
    return _sign(left, right)


def _numeric_key(digits: str) -> tuple[int, str]:
    """Orders numbers of any length without making integers of them."""
    digits = digits.lstrip("0")
    return len(digits), digits


def _build_number(build: str | None) -> int | None:
    if build is None or not _DIGITS.fullmatch(build) or len(build.lstrip("0")) > 19:
        return None
    number = int(build)
    return number if number <= _MAX_STORED else None


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def _is_hash(text: str) -> bool:
    return len(text) in _HASH_LENGTHS and _HASH.fullmatch(text) is not None


def _shortened(build: str | None) -> str:
    return (build or "")[:SHORT_HASH_LENGTH] if _is_hash(build or "") else build or ""
