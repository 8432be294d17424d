"""Errors, by who has to act.

VedetteError
  Refused        the sender: 4xx at the door, never retried
  TryAgain       nobody: back-off, parked in the end
  RuleBroken     the caller: 4xx, or a sentence by the field
  Misconfigured  the operator: one line and a hint, exit status 2

Anything else is a bug: 500, the traceback kept, the spooled bytes parked and never lost.
"""


class VedetteError(Exception):
    """The root. `str(error)` may be shown to whoever has to act, so it never carries a secret."""

    code = "error"  # stable, kebab-case: logs, metrics, API bodies
    hint = ""  # the next step, if one sentence can say it


class Refused(VedetteError):
    """The sender's request is not acceptable as it is; `status` is the HTTP answer, `causes` its inner reasons."""

    code = "refused"
    status = 400

    def __init__(self, detail: str, *, status: int | None = None, causes: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.causes = causes
        if status is not None:
            self.status = status


class TryAgain(VedetteError):
    """Something that Vedette needs is away or busy; the same work may succeed later."""

    code = "try-again"


class RuleBroken(VedetteError):
    """A caller's input breaks a rule; `errors` maps each field to its sentences ("" for the whole)."""

    code = "rule-broken"

    def __init__(self, errors: dict[str, list[str]] | str) -> None:
        self.errors = {"": [errors]} if isinstance(errors, str) else errors
        super().__init__("; ".join(f"{k}: {v[0]}" if k else v[0] for k, v in self.errors.items()))


class Misconfigured(VedetteError):
    """The operator has to change a setting; commands print the line and the hint and exit with status 2."""

    code = "misconfigured"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        if hint:
            self.hint = hint
