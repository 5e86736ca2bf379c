import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError

from levqor.guard.cache import RedisOrDatabaseCache
from levqor.guard.models import CacheEntry
from levqor.guard.tasks import prune_guard

pytestmark = pytest.mark.django_db


class Redis:
    """Stands for Redis: a dictionary that can go away."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.is_down = False
        self.calls = 0

    def _touch(self) -> None:
        self.calls += 1
        if self.is_down:
            raise RedisConnectionError("gone")

    def get(self, key: str, default: Any, version: int | None) -> Any:
        self._touch()
        return self.values.get(key, default)

    def set(self, key: str, value: Any, timeout: float, version: int | None) -> None:
        self._touch()
        self.values[key] = value

    def add(self, key: str, value: Any, timeout: float, version: int | None) -> bool:
        self._touch()
        return self.values.setdefault(key, value) is value


@pytest.fixture
def redis() -> Redis:
    return Redis()


@pytest.fixture
def cache(redis: Redis) -> Iterator[RedisOrDatabaseCache]:
    cache = RedisOrDatabaseCache("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_timeout": 1}})
    cache._redis = redis  # type: ignore[assignment]
    yield cache
    RedisOrDatabaseCache._down_until = 0.0


def test_redis_holds_what_it_can(cache: RedisOrDatabaseCache, redis: Redis) -> None:
    cache.set("a", 1)

    assert (cache.get("a"), redis.values) == (1, {"a": 1})
    assert not CacheEntry.objects.exists()


def test_without_redis_the_database_remembers(cache: RedisOrDatabaseCache, redis: Redis) -> None:
    redis.is_down = True

    assert cache.add("code", "used")
    assert not cache.add("code", "used")
    assert (cache.get("code"), cache.get("other", "none")) == ("used", "none")
    assert cache.delete("code")
    assert cache.get("code") is None


def test_redis_that_failed_is_left_alone_for_a_while(
    cache: RedisOrDatabaseCache, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis.is_down = True
    for _ in range(5):
        cache.get("a")
    assert redis.calls == 1

    redis.is_down = False
    later = time.monotonic() + 11
    monkeypatch.setattr("levqor.guard.cache.time.monotonic", lambda: later)
    cache.set("a", 2)

    assert redis.values == {"a": 2}


def test_expired_entries_are_pruned(cache: RedisOrDatabaseCache, redis: Redis) -> None:
    redis.is_down = True
    cache.set("old", 1, 1)
    cache.set("young", 1, 3600)
    CacheEntry.objects.filter(cache_key__contains="old").update(expires="2020-01-01T00:00Z")

    assert prune_guard(at=timezone.now()) == 1
    assert CacheEntry.objects.count() == 1
