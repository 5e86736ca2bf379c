"""Levqor as it is, but that key and quota are asked and counted by one script in Redis instead of one statement in SQL."""

import os
from datetime import datetime
from typing import Final

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")

import redis
from django.core.wsgi import get_wsgi_application

from bench.metered_keys import KEYS, WINDOW, is_full, secret_of

application = get_wsgi_application()

from developer import metering  # noqa: E402  # models exist once Django is set up
from developer.admission import Admission, Month  # noqa: E402
from developer.models import Scope, digest_of  # noqa: E402

SPACE: Final = os.environ["BENCH_REDIS_SPACE"]
# Key state and scope, then the account's counter of the month, which stops at the quota.
ADMIT: Final = """
local key = redis.call('HMGET', KEYS[1], 'account', 'key', 'scopes', 'quota', 'revoked')
if not key[1] or key[5] == '1' or bit.band(tonumber(key[3]), tonumber(ARGV[1])) == 0 then return false end
local counter = KEYS[1] .. ':' .. ARGV[2]
local used = tonumber(redis.call('GET', counter) or '0')
if used >= tonumber(key[4]) then return false end
return {tonumber(key[1]), tonumber(key[2]), tonumber(key[4]), redis.call('INCR', counter)}
"""
_redis: Final = redis.Redis.from_url(os.environ["REDIS_URL"])
_admit: Final = _redis.register_script(ADMIT)


def admit(digest: str, scope: Scope, *, at: datetime) -> Admission | None:
    month = Month.of(at)
    row = _admit(keys=[f"{SPACE}{digest}"], args=[int(scope), month.name])
    return Admission(row[0], row[1], month, row[2], row[3]) if row else None


def fill() -> None:
    month = Month.of(datetime.now().astimezone()).name
    for number in range(KEYS):
        name = f"{SPACE}{digest_of(secret_of(number))}"
        facts = {"account": number + 1, "key": number + 1, "scopes": 7, "quota": 10_000, "revoked": 0}
        _redis.hset(name, mapping=facts)
        if is_full(number):
            _redis.set(f"{name}:{month}", WINDOW)


metering.admit = admit
fill()
