"""A relay far away: a proxy on loopback that holds every segment back for half a round trip, each way.

``python -m benchmarks.delay PORT TARGET MILLISECONDS`` (the round trip). Writes the most connections it had at once to
stdout. A connection costs one round trip before its first byte, as the handshake does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

HERE = "127.0.0.1"
# So much may be on its way in one direction: about what a window of TCP holds.
WINDOW = 1024 * 1024


class Half(asyncio.Protocol):
    """One direction's receiving end: what comes in leaves on the other side after the delay."""

    open_now = 0
    most = 0

    def __init__(self, delay: float, made: Callable[[Half], None] = lambda _: None) -> None:
        self._delay = delay
        self._made = made
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self._flying = 0
        self.other: Half | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._made(self)

    def data_received(self, data: bytes) -> None:
        self._flying += len(data)
        if self._flying > WINDOW and self._transport:
            self._transport.pause_reading()
        asyncio.get_running_loop().call_later(self._delay, self._arrive, data)

    def _arrive(self, data: bytes) -> None:
        self._flying -= len(data)
        if self._flying <= WINDOW and self._transport:
            self._transport.resume_reading()
        if self.other is not None:
            self.other.write(data)
        else:
            self._waiting.append(data)

    def write(self, data: bytes) -> None:
        """Send to whoever is on this end."""
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)

    def meet(self, other: Half) -> None:
        """From now on what comes in here goes out there."""
        self.other = other
        for data in self._waiting:
            other.write(data)
        self._waiting.clear()

    def close(self) -> None:
        """Hang up."""
        if self._transport:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        if self.other is not None:
            asyncio.get_running_loop().call_later(self._delay, self.other.close)


async def serve(port: int, target: int, delay: float) -> None:
    """Stand between, until the process is ended. ``delay``: seconds each way."""
    loop = asyncio.get_running_loop()

    class Near(Half):
        def connection_lost(self, error: Exception | None) -> None:
            Half.open_now -= 1
            super().connection_lost(error)

    async def reach(near: Half) -> None:
        await asyncio.sleep(2 * delay)  # the handshake with the far end
        try:
            _, far = await loop.create_connection(lambda: Half(delay), HERE, target)
        except OSError:
            near.close()
            return
        near.meet(far)
        far.meet(near)

    tasks: set[asyncio.Task[None]] = set()

    def begin(near: Half) -> None:
        Half.open_now += 1
        if Half.open_now > Half.most:
            Half.most = Half.open_now
            os.write(1, b"most=%d\n" % Half.most)
        task = loop.create_task(reach(near))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await loop.create_server(lambda: Near(delay, begin), HERE, port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 2000))
