"""A worker whose every slot is busy while Redis is lost notices it, and takes work again once Redis is back."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from kombu import Consumer, Queue
from kombu.message import Message
from redis.exceptions import ConnectionError as RedisConnectionError

from levqor.celery import app
from testing.brokers import OwnRedis

pytestmark = [pytest.mark.proof, pytest.mark.alone]


@pytest.fixture
def redis() -> Iterator[OwnRedis]:
    if not settings.REDIS_URL:
        pytest.skip("REDIS_URL says whether there is a Redis server to start.")
    with OwnRedis() as own:
        yield own


@pytest.mark.parametrize("end", [Message.ack, Message.reject, Message.requeue])
def test_a_slot_whose_message_cannot_be_ended_is_free_and_the_loss_is_noticed(
    end: Callable[[Message], None], redis: OwnRedis
) -> None:
    taken: list[Message] = []
    with (
        app.connection_for_read(redis.url) as connection,
        Consumer(connection, [Queue("celery")], on_message=taken.append) as consumer,
    ):
        consumer.qos(prefetch_count=1)
        redis.publish("one")
        connection.drain_events(timeout=5)
        redis.stop()
        with pytest.raises(RedisConnectionError):
            end(taken[0])
        with pytest.raises(RedisConnectionError):
            connection.drain_events(timeout=5)
        redis.start()
        redis.publish("two")
        connection.drain_events(timeout=5)
    assert [message.headers["task"] for message in taken] == ["one", "two"]
