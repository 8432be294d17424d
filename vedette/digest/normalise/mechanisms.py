"""How an exception was caught: the names behind the numbers of signals, errnos and Mach exceptions.

The numbers are those of the operating systems' own headers; where systems differ, the event has to say which it is.

Source: the ingest specification, 7.6 (mechanism).
"""

from typing import Any

from vedette.digest.draft import Draft
from vedette.digest.notes import Notes, Path
from vedette.wire.event import Event, Mechanism

_MEMBERS: dict[str, dict[str, type]] = {
    "errno": {"number": int, "name": str},
    "signal": {"number": int, "code": int, "name": str, "code_name": str},
    "mach_exception": {"exception": int, "code": int, "subcode": int, "name": str},
    "ns_error": {"domain": str, "code": int},
}
_TEXT_LIMIT = 128

_SIGNALS_EVERYWHERE = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 8: "SIGFPE", 9: "SIGKILL",
    11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
}  # fmt: skip
_SIGNALS = {
    "linux": {
        7: "SIGBUS", 10: "SIGUSR1", 12: "SIGUSR2", 16: "SIGSTKFLT", 17: "SIGCHLD", 18: "SIGCONT", 19: "SIGSTOP",
        20: "SIGTSTP", 21: "SIGTTIN", 22: "SIGTTOU", 23: "SIGURG", 24: "SIGXCPU", 25: "SIGXFSZ", 26: "SIGVTALRM",
        27: "SIGPROF", 28: "SIGWINCH", 29: "SIGIO", 30: "SIGPWR", 31: "SIGSYS",
    },
    "darwin": {
        7: "SIGEMT", 10: "SIGBUS", 12: "SIGSYS", 16: "SIGURG", 17: "SIGSTOP", 18: "SIGTSTP", 19: "SIGCONT",
        20: "SIGCHLD", 21: "SIGTTIN", 22: "SIGTTOU", 23: "SIGIO", 24: "SIGXCPU", 25: "SIGXFSZ", 26: "SIGVTALRM",
        27: "SIGPROF", 28: "SIGWINCH", 29: "SIGINFO", 30: "SIGUSR1", 31: "SIGUSR2",
    },
}  # fmt: skip
_CODES = {
    "SIGILL": ("ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP", "ILL_PRVOPC", "ILL_PRVREG", "ILL_COPROC",
               "ILL_BADSTK"),
    "SIGFPE": ("FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF", "FPE_FLTUND", "FPE_FLTRES", "FPE_FLTINV",
               "FPE_FLTSUB"),
    "SIGSEGV": ("SEGV_MAPERR", "SEGV_ACCERR"),
    "SIGBUS": ("BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR"),
}  # fmt: skip
"""The codes of a signal from 1 on, as Linux counts them."""
_MACH = (
    "EXC_BAD_ACCESS", "EXC_BAD_INSTRUCTION", "EXC_ARITHMETIC", "EXC_EMULATION", "EXC_SOFTWARE", "EXC_BREAKPOINT",
    "EXC_SYSCALL", "EXC_MACH_SYSCALL", "EXC_RPC_ALERT", "EXC_CRASH", "EXC_RESOURCE", "EXC_GUARD", "EXC_CORPSE_NOTIFY",
)  # fmt: skip
_ERRNOS_EVERYWHERE = (
    "EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD - ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV "
    "ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE"
).split()
_ERRNOS = {
    "linux": {
        11: "EAGAIN", 35: "EDEADLK", 36: "ENAMETOOLONG", 38: "ENOSYS", 39: "ENOTEMPTY", 40: "ELOOP", 98: "EADDRINUSE",
        99: "EADDRNOTAVAIL", 101: "ENETUNREACH", 103: "ECONNABORTED", 104: "ECONNRESET", 105: "ENOBUFS",
        107: "ENOTCONN", 110: "ETIMEDOUT", 111: "ECONNREFUSED", 113: "EHOSTUNREACH", 115: "EINPROGRESS",
    },
    "darwin": {
        11: "EDEADLK", 35: "EAGAIN", 36: "EINPROGRESS", 48: "EADDRINUSE", 49: "EADDRNOTAVAIL", 51: "ENETUNREACH",
        53: "ECONNABORTED", 54: "ECONNRESET", 55: "ENOBUFS", 57: "ENOTCONN", 60: "ETIMEDOUT", 61: "ECONNREFUSED",
        62: "ELOOP", 63: "ENAMETOOLONG", 65: "EHOSTUNREACH", 66: "ENOTEMPTY", 78: "ENOSYS",
    },
}  # fmt: skip
_SYSTEMS = {"linux": "linux", "android": "linux"} | dict.fromkeys(
    ("macos", "mac os x", "darwin", "ios", "ipados", "tvos", "watchos", "visionos"), "darwin"
)


def settle_mechanisms(draft: Draft) -> Draft:
    """The `meta` of every mechanism with its known members only, and with names for its numbers."""
    event = draft.event
    if event.exception is None:
        return draft
    for index, exception in enumerate(event.exception.values):
        mechanism = exception.mechanism
        if mechanism is not None and mechanism.meta is not None:
            _settle(mechanism, _system(draft), ("exception", "values", str(index), "mechanism", "meta"), draft.notes)
    return draft


def _settle(mechanism: Mechanism, system: str, path: Path, notes: Notes) -> None:
    given = mechanism.meta or {}
    meta: dict[str, Any] = {}
    for name, members in _MEMBERS.items():
        part = given.get(name)
        if isinstance(part, dict):
            meta[name] = {
                key: kept for key, kind in members.items() if (kept := _kept(part.get(key), kind)) is not None
            }
        elif part is not None:
            notes.error("invalid_data", (*path, name), reason="expected an object")
    _name(meta.get("signal"), "number", _SIGNALS_EVERYWHERE | _SIGNALS.get(system, {}))
    _name(meta.get("errno"), "number", dict(enumerate(_ERRNOS_EVERYWHERE, 1)) | {11: ""} | _ERRNOS.get(system, {}))
    _name(meta.get("mach_exception"), "exception", dict(enumerate(_MACH, 1)))
    signal = meta.get("signal")
    if signal and system == "linux" and signal.get("name") in _CODES:
        _name(signal, "code", dict(enumerate(_CODES[signal["name"]], 1)), "code_name")
    mechanism.meta = meta or None


def _kept(value: Any, kind: type) -> Any:
    if kind is str:
        return value[:_TEXT_LIMIT] if isinstance(value, str) and value else None
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def _name(part: dict[str, Any] | None, number: str, names: dict[int, str], under: str = "name") -> None:
    name = names.get(part.get(number, 0)) if part and under not in part else None
    if part and name:
        part[under] = name


def _system(draft: Draft) -> str:
    """`linux`, `darwin`, or empty: what the os context says, else the debug information."""
    told = draft.contexts.get("os", {}).get("name") or _sdk_name(draft.event)
    return _SYSTEMS.get(told.lower(), "") if isinstance(told, str) else ""


def _sdk_name(event: Event) -> Any:
    info = event.debug_meta.sdk_info if event.debug_meta is not None else None
    return info.get("sdk_name") if info else None
