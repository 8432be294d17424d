"""The whole event as one value for a template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vedette.web.eventview.breadcrumbs import Breadcrumbs, read_breadcrumbs
from vedette.web.eventview.exceptions import ExceptionView, Thread, read_exceptions, read_threads
from vedette.web.eventview.problems import Problem, read_problems
from vedette.web.eventview.reading import as_dict, as_list, as_moment, as_pairs, as_text
from vedette.web.eventview.request import RequestView, read_request
from vedette.web.eventview.stacktraces import Frame, StackTrace, read_stacktrace
from vedette.web.eventview.values import Meta, Pair, Pairs, Value, pairs_of, value_of

LEVELS = ("fatal", "error", "warning", "info", "debug", "sample")
_CONTEXTS_FIRST = ("browser", "client_os", "os", "device", "runtime", "app", "gpu", "culture", "response", "trace")
_MOST_CONTEXTS = 60
_MOST_IMAGES = 300


@dataclass(frozen=True, slots=True)
class Context:
    """One named context: browser, device, trace, or whatever the application added."""

    name: str
    title: str
    summary: str
    rows: Pairs


@dataclass(frozen=True, slots=True)
class UserView:
    """Who was hit; `label` is the most telling of what is known."""

    label: str
    rows: Pairs


@dataclass(frozen=True, slots=True)
class EventView:
    """Everything of an event that the page shows. Text in it is bounded and visible, but not escaped."""

    event_id: str
    title: str
    culprit: str
    location: str
    level: str
    platform: str
    logger: str
    transaction: str
    type: str
    release: str
    dist: str
    environment: str
    server_name: str
    trace_id: str
    at: datetime | None
    received_at: datetime | None
    message: Value | None
    message_template: str
    exceptions: tuple[ExceptionView, ...]
    stacktrace: StackTrace | None
    threads: tuple[Thread, ...]
    report: Pairs
    breadcrumbs: Breadcrumbs
    request: RequestView | None
    user: UserView | None
    tags: tuple[Pair, ...]
    contexts: tuple[Context, ...]
    extra: Pairs
    modules: Pairs
    images: Pairs
    sdk: Pairs
    fingerprint: tuple[str, ...]
    grouping: Pairs
    problems: tuple[Problem, ...]

    @property
    def raising(self) -> Frame | None:
        """The frame that the first screen names: the newest of one's own code in the first trace that has any."""
        traces = [exception.stacktrace for exception in self.exceptions] + [self.stacktrace]
        traces += [thread.stacktrace for thread in self.threads[:1]]
        found = [trace.raising for trace in traces if trace and trace.raising]
        return next((frame for frame in found if frame and frame.in_app), found[0] if found else None)


def read_event(payload: object) -> EventView:
    """The view of a stored payload. Total: any JSON gives a view, wrong types leave their part empty."""
    event = as_dict(payload)
    meta = Meta(event.get("_meta"))
    at = as_moment(event.get("timestamp"))
    tags = _tags(event.get("tags"), meta)
    entry = as_dict(event.get("logentry"))
    level = as_text(event.get("level"), 20)
    sent_message = entry.get("formatted") or entry.get("message")
    template = as_text(entry.get("message")) if entry.get("formatted") else ""
    report = as_dict(event.get("csp"))
    return EventView(
        event_id=as_text(event.get("event_id"), 40),
        title=as_text(event.get("title"), 400),
        culprit=as_text(event.get("culprit"), 300),
        location=as_text(event.get("location"), 300),
        level=level if level in LEVELS else "error",
        platform=as_text(event.get("platform"), 40),
        logger=as_text(event.get("logger"), 100),
        transaction=as_text(event.get("transaction"), 300),
        type=as_text(event.get("type"), 40),
        release=as_text(event.get("release"), 250),
        dist=as_text(event.get("dist"), 64),
        environment=as_text(event.get("environment"), 64),
        server_name=next((tag.value.text for tag in tags if tag.name == "server_name"), ""),
        trace_id=as_text(as_dict(as_dict(event.get("contexts")).get("trace")).get("trace_id"), 64),
        at=at,
        received_at=as_moment(event.get("received")),
        message=value_of(sent_message, meta.at("logentry", "formatted")) if sent_message else None,
        message_template=template if template != as_text(sent_message) else "",
        exceptions=read_exceptions(event.get("exception"), meta.at("exception")),
        stacktrace=read_stacktrace(event.get("stacktrace"), meta.at("stacktrace")),
        threads=read_threads(event.get("threads"), meta.at("threads")),
        report=pairs_of(list(report.items()), meta.at("csp")),
        breadcrumbs=read_breadcrumbs(event.get("breadcrumbs"), at, meta.at("breadcrumbs")),
        request=read_request(event.get("request"), meta.at("request")),
        user=_user(event.get("user"), meta.at("user")),
        tags=tags,
        contexts=_contexts(event.get("contexts"), meta.at("contexts")),
        extra=pairs_of(list(as_dict(event.get("extra")).items()), meta.at("extra")),
        modules=pairs_of(_by_name(event.get("modules")), most=2_000),
        images=_images(event.get("debug_meta")),
        sdk=_sdk(event.get("sdk")),
        fingerprint=tuple(as_text(part, 300) for part in as_list(event.get("fingerprint"))[:20]),
        grouping=_grouping(event.get("grouping")),
        problems=read_problems(event.get("errors")),
    )


def _by_name(node: object) -> list[tuple[object, object]]:
    return sorted(as_dict(node).items(), key=lambda pair: str(pair[0]).lower())


def _tags(node: object, meta: Meta) -> tuple[Pair, ...]:
    entries = [(name, value) for name, value in as_pairs(node) if name is not None and value is not None]
    return tuple(sorted(pairs_of(entries, meta.at("tags")).rows, key=lambda tag: tag.name))


def _user(node: object, meta: Meta) -> UserView | None:
    user = as_dict(node)
    known = [key for key in ("id", "email", "username", "name", "ip_address") if user.get(key) not in (None, "")]
    others = [
        key for key in user if key not in known and key not in ("data", "sentry_user") and user[key] not in (None, "")
    ]
    rows = [(key, user[key]) for key in [*known, *others]] + list(as_dict(user.get("data")).items())
    if not rows:
        return None
    label = next(
        (as_text(user[key], 200) for key in ("email", "username", "name", "id", "ip_address") if key in known), ""
    )
    return UserView(label, pairs_of(rows, meta))


def _contexts(node: object, meta: Meta) -> tuple[Context, ...]:
    contexts = as_dict(node)
    ordered = [name for name in _CONTEXTS_FIRST if name in contexts]
    ordered += sorted((name for name in contexts if name not in ordered), key=str)
    found = []
    for name in ordered[:_MOST_CONTEXTS]:
        context = as_dict(contexts[name])
        rows = [(key, value) for key, value in context.items() if key != "type" and value is not None]
        if rows:
            label = as_text(name, 100)
            found.append(
                Context(label, label.replace("_", " "), _context_summary(context), pairs_of(rows, meta.at(name)))
            )
    return tuple(found)


def _context_summary(context: dict[object, object]) -> str:
    """`Chrome 126.0` where a context names itself."""
    name, version = as_text(context.get("name") or context.get("model"), 80), as_text(context.get("version"), 40)
    return f"{name} {version}".strip() if name else ""


def _images(node: object) -> Pairs:
    images = [image for image in as_list(as_dict(node).get("images")) if isinstance(image, dict)]
    rows = [
        (
            image.get("code_file") or image.get("name") or image.get("type") or "image",
            " ".join(filter(None, (as_text(image.get(key), 60) for key in ("debug_id", "id", "image_addr", "uuid")))),
        )
        for image in images
    ]
    return pairs_of(rows, most=_MOST_IMAGES)


def _sdk(node: object) -> Pairs:
    sdk = as_dict(node)
    rows = [(key, sdk[key]) for key in ("name", "version") if sdk.get(key)]
    integrations = ", ".join(as_text(name, 60) for name in as_list(sdk.get("integrations"))[:60])
    packages = ", ".join(
        f"{as_text(as_dict(package).get('name'), 80)} {as_text(as_dict(package).get('version'), 40)}".strip()
        for package in as_list(sdk.get("packages"))[:30]
    )
    rows += [(key, value) for key, value in (("integrations", integrations), ("packages", packages)) if value]
    return pairs_of(rows)


def _grouping(node: object) -> Pairs:
    return pairs_of([(key, value) for key, value in as_dict(node).items() if value not in (None, "", [], {})], most=30)
