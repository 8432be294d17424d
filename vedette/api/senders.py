"""What a sender with nothing but a DSN may do here. A DSN is public: the rules of the ingest door hold for it too."""

import time

from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from redis import RedisError
from rest_framework.exceptions import PermissionDenied, Throttled
from rest_framework.request import Request

from vedette.api.authentication import Credential
from vedette.projects.models import Project
from vedette.projects.options import ALLOWED_DOMAINS, LIMITS, options_of
from vedette.wire.origins import is_allowed_origin, request_origin
from vedette.wire.quotas import ABUSE_SECONDS

_own = LocMemCache("senders", {"OPTIONS": {"MAX_ENTRIES": 10_000}})


def admit_sender(request: Request, caller: Credential, project: Project) -> None:
    """Whether this key may say something now, from this page. Raises `PermissionDenied` (403), `Throttled` (429)."""
    options = options_of([project.pk])[project.pk]
    origin = request_origin(request.META.get("HTTP_ORIGIN"), request.META.get("HTTP_REFERER"))
    if not is_allowed_origin(origin, options[ALLOWED_DOMAINS.field]):
        raise PermissionDenied("The origin is not allowed for this project.")
    limit = options[LIMITS["feedback"].field] * ABUSE_SECONDS
    if limit and _counted(f"feedback:{caller.key_id}:{int(time.time()) // ABUSE_SECONDS}") > limit:
        raise Throttled(wait=ABUSE_SECONDS)


def _counted(name: str) -> int:
    """The counter after one more; this process's own while the shared cache is away."""
    try:
        return _count(cache, name)
    except (RedisError, OSError):
        return _count(_own, name)


def _count(kept: BaseCache, name: str) -> int:
    kept.add(name, 0, ABUSE_SECONDS * 2)
    try:
        return kept.incr(name)
    except ValueError:  # it was pushed out in between
        kept.set(name, 1, ABUSE_SECONDS * 2)
        return 1
