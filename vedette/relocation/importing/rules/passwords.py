"""Which password hashes of a file a sign-in could check here.

Files hold them in Django's own form, `algorithm$…`, and whoever signs in gets a hash of today's strength. Source: the
relocation specification, 1.2 and 10.1.
"""

from django.contrib.auth.hashers import get_hasher

_KINDS = ("pbkdf2_sha256", "pbkdf2_sha1")  # what Django checks without another library
_MOST_ITERATIONS = 10_000_000  # ten times today's: more would take seconds of the server for every attempt


def complaint_about_hash(password: str) -> str | None:
    """Why no sign-in could check this hash, or only with very much work; None where it can be kept, and for the empty
    and unusable ones, which nobody signs in with anywhere."""
    if not password or password.startswith("!"):
        return None
    kind, _, rest = password.partition("$")
    if kind not in _KINDS:
        return None if kind == get_hasher().algorithm else f"it is of the kind {kind[:20]!r}"
    iterations, _, rest = rest.partition("$")
    if not (iterations.isascii() and iterations.isdigit() and rest.count("$") == 1):
        return "it is malformed"
    is_bearable = len(iterations) <= len(str(_MOST_ITERATIONS)) and 0 < int(iterations) <= _MOST_ITERATIONS
    return None if is_bearable else "it takes too many iterations to check"
