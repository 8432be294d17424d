"""Static files in tests: each client of a test makes the middleware anew, and that looked at each of the files again,
which took a seventh of all tests' time."""

from typing import Any

from whitenoise.middleware import WhiteNoiseMiddleware


def list_once() -> None:
    """From here on the files are looked for once for each way in which they are served."""
    look: Any = WhiteNoiseMiddleware.add_files_from_finders
    known: dict[tuple[Any, ...], dict[str, Any]] = {}

    def add(self: WhiteNoiseMiddleware) -> None:
        way = (self.static_prefix, self.max_age, self.static_root, self.allow_all_origins)
        if way not in known:
            look(self)
            known[way] = dict(self.files)
        self.files.update(known[way])

    WhiteNoiseMiddleware.add_files_from_finders = add  # type: ignore[method-assign]
