"""Kombu's Redis transport, mended where a lost Redis leaves a worker deaf.

A worker asks Redis for work only while one of its slots is free. Kombu frees a slot after the acknowledgement, and not at
all where that fails: lose Redis while every slot is busy, and the worker neither asks again nor notices that its
connection is gone, for good. Here the slot is free either way; an unacknowledged message is forgotten with the Redis that
held it or comes once more after the visibility timeout, which no task of ours minds.
"""

from kombu.transport import redis, virtual


class QoS(redis.QoS):
    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        try:
            super().reject(delivery_tag, requeue=requeue)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise


class Channel(redis.Channel):
    QoS = QoS


class Transport(redis.Transport):
    Channel = Channel
