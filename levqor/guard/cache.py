"""The shared cache: Redis while it answers, a table of the database while it does not.

Sign-in counts wrong guesses and remembers used codes in it, so it must neither fail nor forget its limits when Redis is
away. The broker needs no such care: its work is in the database.
"""

import time
from typing import Any

import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)

TABLE = "guard_cache"
# How long Redis is left alone after it failed: every call in between would wait for it in vain.
PAUSE_SECONDS = 10


class RedisOrDatabaseCache(BaseCache):
    # Of the process, since Django makes one cache a thread.
    _down_until = 0.0

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._redis = RedisCache(server, params)
        self._table = DatabaseCache(TABLE, {name: value for name, value in params.items() if name != "OPTIONS"})

    def add(self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return bool(self._call("add", key, value, timeout, version))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._call("get", key, default, version)

    def set(self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._call("set", key, value, timeout, version)

    def touch(self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return bool(self._call("touch", key, timeout, version))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(self._call("delete", key, version))

    def clear(self) -> None:
        self._call("clear")

    def _call(self, method: str, *args: Any) -> Any:
        if time.monotonic() >= RedisOrDatabaseCache._down_until:
            try:
                return getattr(self._redis, method)(*args)
            except RedisError as error:
                RedisOrDatabaseCache._down_until = time.monotonic() + PAUSE_SECONDS
                logger.warning("cache_in_the_database", error=type(error).__name__, seconds=PAUSE_SECONDS)
        return getattr(self._table, method)(*args)
