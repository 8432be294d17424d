"""What a span did, without the values that differ each time: `SELECT * FROM carts WHERE id = %s`.

Spans with the same normalised description are one group. Source: the ingest specification, 15.1.
"""

import re
from functools import lru_cache
from hashlib import md5

READ_CHARACTERS = 2048  # of a description, before it is normalised
_REMEMBERED = 2048
_LONGEST_OP = 64  # longer than any that is told apart

# Possessive everywhere: whatever strangers write, each of these patterns walks a text once.
_SQL_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*+(?:\*/|$)|--[^\n]*+")
_SQL_VALUE = re.compile(
    r"'(?:[^'\\]|\\.|'')*+(?:'|\\?$)"  # a text, or what was cut off of one
    r"|%\(\w{1,100}\)s|%s|\$\d+|(?<![:\w]):\w++|\?"  # places for values, in the spellings of the drivers
    r"|(?<![\w\"`.$])-?(?:0x[0-9a-fA-F]++|\d++(?:\.\d*+)?(?:[eE][+-]?\d++)?)(?!\w)"
    r"|(?<!\w)(?i:true|false)(?!\w)",
    re.DOTALL,
)
_SQL_LIST = re.compile(r"\(\s*+%s(?:\s*+,\s*+%s)*+\s*+\)(?:\s*+,\s*+\(\s*+%s(?:\s*+,\s*+%s)*+\s*+\))*+")
_SAVEPOINT = re.compile(r"(?i)\b(SAVEPOINT\s++)[\"`']?[\w-]++[\"`']?")
_SQL_START = re.compile(
    r"(?i)\s*+\(?(?:select|insert|update|delete|with|begin|commit|rollback|savepoint|release|create|alter|drop|truncate"
    r"|replace|merge|call|set|show|pragma|explain|declare|fetch|close|lock|copy|vacuum|analyze|start)\b"
)
_JSON_VALUE = re.compile(
    r"(?<=[:\[,])(\s*+)(?:\"(?:[^\"\\]|\\.)*+(?:\"(?!\s*+:)|\\?$)|-?\d[\d.eE+-]*+|true|false|null)", re.DOTALL
)
_SPACES = re.compile(r"\s++")
_URL = re.compile(r"(?P<method>[A-Z]{3,8} )?(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,20}://)?(?P<rest>\S++)")
_FILE = re.compile(
    r"(?P<name>.*?)(?P<hash>[.~_-][0-9a-zA-Z_]{6,64})(?P<end>(?:\.(?:min|chunk|bundle|module))?\.\w{1,8})"
)
_VALUES = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|(?<![0-9a-zA-Z])0x[0-9a-fA-F]++|(?<![0-9a-zA-Z])[0-9a-fA-F]{16,}(?![0-9a-zA-Z])|(?<![\w.])\d++(?![\w.])"
)
_SEGMENT = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}|(?=[^\d]*\d[^\d]*\d).*|\d", re.DOTALL
)


def describe(op: str, description: str) -> tuple[str, str]:
    """(the normalised description, its group's hash of 16 hex digits); both empty for no description."""
    return _describe(op[:_LONGEST_OP], description[:READ_CHARACTERS]) if description else ("", "")


def hash_of(text: str) -> str:
    """16 hex digits that stand for a group of spans."""
    return md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:16]


@lru_cache(maxsize=_REMEMBERED)
def _describe(op: str, description: str) -> tuple[str, str]:
    normalised = normalise(op, description)
    return normalised, hash_of(normalised)


def normalise(op: str, description: str) -> str:
    """The description without its values, as the kind of the operation tells what a value is."""
    kind = op.partition(".")[0]
    if op.startswith(("db.redis", "cache", "db.memcache")):
        return _command(description)
    if kind == "db":
        return _query(description)
    if kind in ("http", "resource") or (kind in ("browser", "navigation", "pageload") and "://" in description):
        return _address(description)
    return _SPACES.sub(" ", _VALUES.sub("*", description)).strip()


def _command(text: str) -> str:
    """`GET session:17` is `GET *`; a lone word may be a key as well as a command."""
    command, _, rest = text.strip().partition(" ")
    if rest:
        return f"{command[:64]} *"
    return command[:64] if command.isalpha() else _VALUES.sub("*", command)


def _query(text: str) -> str:
    if text.lstrip()[:1] in ("{", "["):
        return _SPACES.sub(" ", _JSON_VALUE.sub(r'\1"?"', text)).strip()
    if not _SQL_START.match(text):
        return _SPACES.sub(" ", _VALUES.sub("*", text)).strip()
    text = _SAVEPOINT.sub(r"\1%s", text)
    text = _SQL_VALUE.sub("%s", _SQL_COMMENT.sub(" ", text))
    return _SPACES.sub(" ", _SQL_LIST.sub("(%s)", text)).strip()


def _address(text: str) -> str:
    """`GET https://shop.example/carts/*`: no user, no query, no fragment, no segment that looks like an id."""
    found = _URL.match(text.strip())
    if found is None:
        return ""
    scheme = found["scheme"] or ""
    address = re.split(r"[?#]", found["rest"], maxsplit=1)[0]
    host, slash, path = address.partition("/") if scheme else ("", "", address)
    segments = path.split("/")
    path = "/".join([*(_segment(part) for part in segments[:-1]), _file(segments[-1])])
    return f"{found['method'] or ''}{scheme}{host.rpartition('@')[2]}{slash}{path}"


def _segment(part: str) -> str:
    return "*" if _SEGMENT.fullmatch(part) else part


def _file(part: str) -> str:
    """`app.3f2a9c1b.js` is `app.*.js`; a name without an ending is a segment like others."""
    found = _FILE.fullmatch(part)
    if found and any(character.isdigit() for character in found["hash"]):
        return f"{found['name']}{found['hash'][0]}*{found['end']}"
    stem, dot, end = part.rpartition(".")
    return f"{_segment(stem)}.{end}" if dot and stem and end.isalnum() and not end.isdigit() else _segment(part)
