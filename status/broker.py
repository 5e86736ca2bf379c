"""Asking the broker itself whether it is there: a PING to Redis, or whether the folder can be written."""

import os
from dataclasses import dataclass
from typing import Final

import redis
from django.conf import settings

TIMEOUT_SECONDS: Final = 0.7


@dataclass(frozen=True)
class BrokerSight:
    answers: bool


def look_at_broker() -> BrokerSight:
    """Never raises; takes at most about a second and a half."""
    if not settings.REDIS_URL:
        return BrokerSight(answers=os.access(settings.BROKER_DIR / "queue", os.W_OK))
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        retry=None,
    )
    try:
        return BrokerSight(answers=bool(client.ping()))
    except (redis.RedisError, OSError):
        return BrokerSight(answers=False)
    finally:
        client.close()
