"""A worker stays good when the broker could not be told that a task is done.

Kombu counts a task as in hand until its acknowledgement is written, and a worker with all hands full (ours have one)
asks for no more. When the broker did not answer in time, Celery logs "Couldn't ack" and goes on with the connection; if
that turns out to be fine the hand stays full, and the worker lives, deaf, until somebody ends it.
"""

from __future__ import annotations

from kombu.transport import redis, virtual


class InHand(redis.QoS):
    """What a worker has in hand. What could not be acknowledged comes again after the visibility time-out."""

    def ack(self, delivery_tag: str) -> None:
        """It is done. Raises what the connection raises."""
        try:
            super().ack(delivery_tag)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """It is given back, or given up. Raises what the connection raises."""
        try:
            super().reject(delivery_tag, requeue=requeue)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise


def install() -> None:
    """Count like this in this process, on every channel to Redis that is opened from now on."""
    redis.Channel.QoS = InHand
