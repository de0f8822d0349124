"""The kept connections to one relay: opened as they are needed, watched together, each with letters of its own.

Round trips rule a distant relay: letters a second are connections over round trips. One thread watches them all; only
opening a connection, which takes many round trips and may hang, is done by others.
"""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread

from keepshowingup.delivery.transports.lane import Done, Lane, Load
from keepshowingup.delivery.transports.relay import Opened, Relay, open_connection
from keepshowingup.delivery.transports.reply import ConnectionDown, Outcome

# So many connections are being opened at once at most: a server that greets slowly must not be stormed.
OPENING = 4
DEADLINE_TURN = 0.5


class Watch:
    """One eye on the connections to several relays."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.over: list[Lanes] = []
        self._deadlines_at = 0.0

    def look(self, seconds: float) -> Done:
        """Wait for something to happen, for at most so many seconds, and say which letters have an outcome now."""
        done: Done = []
        for key, events in self.selector.select(seconds):
            lanes, lane = key.data
            done += lanes.happened(lane, events)
        now = time.monotonic()
        if now > self._deadlines_at:
            self._deadlines_at = now + DEADLINE_TURN
            for lanes in self.over:
                done += lanes.mind_deadlines(now)
        return done


class Lanes:
    """Connections to a relay, at most ``most``. Not for several threads at once."""

    def __init__(self, relay: Relay, hello: str = "localhost", most: int = 1, watch: Watch | None = None) -> None:
        """``watch`` is shared by those who are watched together."""
        self._watch = watch or Watch()
        self._watch.over.append(self)
        self._selector = self._watch.selector
        self.relay = relay
        self.hello = hello
        self.most = most
        self.under_way = 0
        """Letters that have no outcome yet."""
        self._lanes: set[Lane] = set()
        self._idle: list[Lane] = []
        self._roomy: list[Lane] = []
        self._blocked: set[Lane] = set()
        self._closed = False
        self._opening = 0
        self._opened: SimpleQueue[Opened | ConnectionDown] = SimpleQueue()
        self._refused: ConnectionDown | None = None
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, (self, None))

    @property
    def has_room(self) -> bool:
        """A letter can be offered now."""
        return bool(self._idle or self._roomy)

    def take_refusal(self) -> ConnectionDown | None:
        """Why no connection could be opened, told once; None while there is one, or hope of one."""
        if self._refused is None or self._opening or self._lanes:
            return None
        refused, self._refused = self._refused, None
        return refused

    def offer(self, load: Load) -> Done:
        """Give a letter to the connection with the least to do; there must be room."""
        lane = self._idle.pop() if self._idle else self._roomy.pop()
        self._refused = None  # one too many then; it says nothing of the day when the others have ended
        self.under_way += 1
        return self._see(lane, lane.offer(load))

    def hand_over(self, load: Load) -> Outcome:
        """Offer one letter and wait for what becomes of it: for those who have only one."""
        done: Done = []
        while not self.has_room:
            if refusal := self.take_refusal():
                return refusal
            self.make_room()
            self.watch(0.1)
        done = self.offer(load)
        while not any(each is load for each, _ in done):
            done = self.watch(0.1)
        return next(what for each, what in done if each is load)

    def make_room(self) -> None:
        """Open one more connection, unless there are enough."""
        if self._opening < OPENING and len(self._lanes) + self._opening < self.most:
            self._opening += 1
            # A daemon: a server that never greets must not keep a worker that is asked to stop.
            Thread(target=self._open, name="opening", daemon=True).start()

    def watch(self, seconds: float) -> Done:
        """Wait for something to happen, here and on all that are watched together."""
        return self._watch.look(seconds)

    def happened(self, lane: Lane | None, events: int) -> Done:
        """A connection can be read or written, or (None) one has been opened."""
        if lane is None:
            self._take_opened()
            return []
        done = self._see(lane, lane.writable()) if events & selectors.EVENT_WRITE else []
        if events & selectors.EVENT_READ and not lane.closed:
            done = done + self._see(lane, lane.readable())
        return done

    def mind_deadlines(self, now: float) -> Done:
        """Give up those that have waited for too long at ``now`` (monotonic seconds)."""
        late = [lane for lane in self._lanes if lane.deadline < now]
        return [each for lane in late for each in self._see(lane, lane.out_of_patience())]

    def take_stalled(self, patience: float) -> tuple[list[Lane], list[Load]]:
        """Connections whose server has kept us waiting for longer than ``patience`` seconds, from now on not ours.

        And the letters that waited behind others on them, which can go by other ways.
        """
        since = time.monotonic() - patience
        stalled = [lane for lane in self._lanes if lane.busy_since < since]
        free: list[Load] = []
        for lane in stalled:
            free += lane.leave_alone()
            self.under_way -= lane.letters
            self._forget(lane)
        self.under_way -= len(free)
        return stalled, free

    def keep_only_sent(self) -> None:
        """Take back every letter but those whose dot has left: their answers are still to be read."""
        for lane in list(self._lanes):
            lane.leave_alone()
            if not lane.awaits_answer:
                self._forget(lane)
                lane.close()
        self.under_way = sum(lane.letters for lane in self._lanes)

    def adopt(self, lane: Lane) -> None:
        """Watch over somebody else's connection, with the letters that are on it."""
        self.under_way += lane.letters
        self._add(lane)
        self._see(lane, [])

    def hang_up_idle(self) -> None:
        """Close the connections that have nothing to do."""
        for lane in list(self._idle):
            self._forget(lane)
            lane.close()

    def close(self) -> None:
        """Say goodbye on each connection and go. A letter that is under way may be in doubt."""
        for lane in list(self._lanes):
            self._forget(lane)
            lane.close()
        self._closed = True
        self._close_opened()
        self._selector.unregister(self._woken)
        self._wake.close()
        self._woken.close()
        self._watch.over.remove(self)
        if not self._watch.over:
            self._selector.close()

    def _see(self, lane: Lane, done: Done) -> Done:
        """Put a lane where it belongs after something happened on it."""
        self.under_way -= len(done)
        if lane.closed:
            self._forget(lane)
            return done
        if lane.idle:
            _take_out(self._roomy, lane)
            if lane not in self._idle:
                self._idle.append(lane)
        elif lane.has_room and lane not in self._roomy:
            self._roomy.append(lane)
        if lane.wants_to_write != (lane in self._blocked):
            self._blocked ^= {lane}
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(lane.sock, both if lane.wants_to_write else selectors.EVENT_READ, (self, lane))
        return done

    def _add(self, lane: Lane) -> None:
        self._lanes.add(lane)
        self._selector.register(lane.sock, selectors.EVENT_READ, (self, lane))

    def _forget(self, lane: Lane) -> None:
        # A closed socket leaves the kernel's list by itself, but not the one that is kept beside it.
        self._selector.unregister(lane.sock)
        self._lanes.discard(lane)
        self._blocked.discard(lane)
        _take_out(self._idle, lane)
        _take_out(self._roomy, lane)

    def _open(self) -> None:
        opened: Opened | ConnectionDown
        try:
            opened = open_connection(self.relay, self.hello)
        except ConnectionDown as error:
            opened = error
        self._opened.put(opened)
        if self._closed:
            self._close_opened()  # nobody waits for it any more
            return
        with suppress(OSError):
            self._wake.send(b".")

    def _close_opened(self) -> None:
        with suppress(Empty):
            while True:
                opened = self._opened.get_nowait()
                if isinstance(opened, Opened):
                    opened.sock.close()

    def _take_opened(self) -> None:
        self._woken.recv(64)
        while not self._opened.empty():
            opened = self._opened.get()
            self._opening -= 1
            if isinstance(opened, ConnectionDown):
                self._refused = opened
                continue
            lane = Lane(opened, self.relay.name)
            self._add(lane)
            self._idle.append(lane)


def _take_out(lanes: list[Lane], lane: Lane) -> None:
    if lane in lanes:
        lanes.remove(lane)
