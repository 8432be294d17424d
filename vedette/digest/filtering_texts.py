"""Filters that look at texts: errors of the browser's extensions, of React's hydration, of chunks that are gone, and
security reports that no site can do anything about.

Source: the ingest specification, section 11 (1, 2 and 7).
"""

import re
from collections.abc import Callable

from vedette.digest.draft import Draft
from vedette.wire.filters import CSP, InboundFilters

_REACT_PAGE = re.compile(r"(?:react\.dev/errors/|invariant=)(?:418|419|422|423|425)\b")
_HYDRATION = (
    "hydration failed",
    "error while hydrating",
    "text content does not match server-rendered html",
    "the server could not finish this suspense boundary",
    "this suspense boundary received an update before it finished hydrating",
)
_EXTENSION_SCHEMES = (
    "chrome-extension://",
    "moz-extension://",
    "ms-browser-extension://",
    "safari-extension://",
    "safari-web-extension://",
    "webkit-masked-url://",
    "chrome://",
    "resource://",
)
_EXTENSION_ERROR = re.compile(
    r"top\.GLOBALS|originalCreateNotification|canvas\.contentDocument|MyApp_RemoveAllHighlights|atomicFindClose"
    r"|jigsaw is not defined|ComboSearch is not defined|plugin\.setSuspendState|conduitPage"
    r"|http://loading\.retry\.widdit\.com/|Extension context invalidated|EBCallBackMessageReceived"
    r"|null is not an object \(evaluating 'elt\.parentNode'\)|Can't find variable: ZiteReader"
    r"|fb_xd_fragment|bmi_SafeAddOnload|WeixinJSBridge|Could not establish connection\. Receiving end does not exist"
    r"|Object Not Found Matching Id:\d+, MethodName:",
    re.IGNORECASE,
)
_EXTENSION_PLACE = re.compile(
    r"graph\.facebook\.com|connect\.facebook\.net/[a-z]{2}_[A-Z]{2}/all\.js|eatdifferent\.com\.woopra-ns\.com"
    r"|static\.woopra\.com/js/woopra\.js|^chrome(?:-extension)?:|127\.0\.0\.1:4001/isrunning|127\.0\.0\.1:\d+/plugins"
    r"|webappstoolbarba\.texthelp\.com/|metrics\.itunes\.apple\.com\.edgesuite\.net/|kaspersky-labs\.com"
    r"|superfish\.com|cdn\.cloudstyle\.app|/resources/[0-9a-f]+/nr-ext",
    re.IGNORECASE,
)
_ANONYMOUS = frozenset({"", "<anonymous>", "[native code]", "native", "anonymous"})
_CSP_NOISE = (
    *(scheme.removesuffix("//") for scheme in _EXTENSION_SCHEMES),
    "chromeinvoke:",
    "chromenull:",
    "chromeinvokeimmediate:",
    "safari-resource:",
    "mbinit:",
    "symres:",
    "mxaddon-pkg:",
    "mxjscall:",
    "webviewprogressproxy:",
    "jar:",
    "tmtbff:",
    "about:",
    "data:text/javascript,/* superfish",
)
_CSP_HOSTS = (
    "superfish.com",
    "loading.retry.widdit.com",
    "kaspersky-labs.com",
    "adblockers.opera-mini.net",
    "gjtrack.ucweb.com",
    "secured-pixel.com",
    "ynuf.alipay.com",
    "translate.googleusercontent.com",
    "localhost.cdn.browserfilter.net",
    "widgets.superfish.com",
    "akamaihd.browser-addon.net",
)


def is_hydration_error(draft: Draft) -> bool:
    """React did not find in the page what it would have rendered itself; mostly an extension or a translator."""
    exception = draft.event.exception
    if exception is None:
        return False
    for one in exception.values:
        value = one.value
        if not value:
            continue
        if "eact" in value and _REACT_PAGE.search(value):
            return True
        if "ydrat" in value or "server-rendered" in value or "uspense boundary" in value:
            lowered = value.lower()
            if any(text in lowered for text in _HYDRATION):
                return True
    return False


def is_chunk_error(draft: Draft) -> bool:
    """A part of the page's script could not be loaded; mostly because a new version was deployed meanwhile."""
    exception = draft.event.exception
    if exception is None:
        return False
    for one in exception.values:  # no generator: this runs for every event
        if one.type == "ChunkLoadError" or (one.value is not None and one.value[:14] == "ChunkLoadError"):
            return True
    return False


def is_from_extension(draft: Draft) -> bool:
    """The code of a browser's extension failed, and not that of the page."""
    event = draft.event
    if event.platform != "javascript" or event.exception is None or not event.exception.values:
        return False
    first = event.exception.values[0]
    if first.value and _EXTENSION_ERROR.search(first.value):
        return True
    frames = first.stacktrace.frames if first.stacktrace is not None else None
    place = next((f.abs_path for f in reversed(frames or ()) if f.abs_path and f.abs_path not in _ANONYMOUS), None)
    return place is not None and (
        place.lower().startswith(_EXTENSION_SCHEMES) or _EXTENSION_PLACE.search(place) is not None
    )


def csp_check(given: InboundFilters) -> Callable[[Draft], bool]:
    """Whether a security report is about something that the site does not control."""
    noise = _CSP_NOISE if CSP in given.on else ()
    hosts = (*_CSP_HOSTS, *_hosts(given.csp_sources)) if CSP in given.on else _hosts(given.csp_sources)
    prefixes = tuple(source.lower() for source in given.csp_sources if "://" in source or source.endswith(":"))

    def check(draft: Draft) -> bool:
        csp = draft.event.csp
        if not csp:
            return False
        for name in ("source_file", "blocked_uri"):
            value = csp.get(name)
            text = value.strip().lower() if isinstance(value, str) else ""
            # Browsers say a scheme without its colon too.
            if text and (f"{text}:".startswith(noise) or text.startswith(prefixes) or is_noisy(_host_of(text))):
                return True
        return False

    def is_noisy(host: str) -> bool:
        return any(host == one or host.endswith(f".{one}") for one in hosts)

    return check


def _hosts(sources: tuple[str, ...]) -> tuple[str, ...]:
    """The host names among a project's own sources; `*.example.com` is example.com with all below it."""
    return tuple(
        source.lower().removeprefix("*.") for source in sources if "://" not in source and not source.endswith(":")
    )


def _host_of(text: str) -> str:
    rest = text.partition("://")[2] or text
    return re.split(r"[/?#:]", rest, maxsplit=1)[0]
