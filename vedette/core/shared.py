"""The connection to Redis or Valkey, where an installation has one."""

from functools import cache

import redis
from django.conf import settings

from vedette.core.errors import Misconfigured


@cache
def redis_client() -> redis.Redis:
    """The process's pooled client. Raises `Misconfigured` when no URL is set."""
    if not settings.VEDETTE.redis_url:
        raise Misconfigured("VEDETTE_REDIS_URL is not set")
    return redis.Redis.from_url(settings.VEDETTE.redis_url, socket_timeout=5, health_check_interval=30)
