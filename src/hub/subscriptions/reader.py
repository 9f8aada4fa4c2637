"""One reader of a durable subscription: in standby, then the holder of its lease."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from hub.access import Access
from hub.errors import Draining, StoreUnavailable
from hub.feed import Feed, Frame
from hub.filter import Filter, Shard
from hub.receipt import Cursor, Entry, OnExpired
from hub.subscriptions.lease import Lease
from hub.subscriptions.leases import LEASE_SECONDS
from hub.subscriptions.parked import replayed

STANDBY_SECONDS = 1.0
"""How often a reader in standby tries to take over."""

BLOCKED_SECONDS = 1.0
"""How often a reader that waits for acknowledgements looks at its token and at the hub."""

QUIET_SECONDS = 1.0
"""How long nothing was sent before replays go out alone.  Their cursor is that of an earlier frame:
an acknowledgement of that one that is still on its way must not be taken for one of theirs."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a reader asks for."""

    wanted: Filter
    """What `Access.limit` gave."""
    shard: Shard
    batch_size: int
    max_unacked: int
    on_expired: OnExpired


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a reader gets next."""

    frame: Frame
    acked: int
    """Position up to which acknowledgements are stored."""
    standby: bool

    @property
    def acked_cursor(self) -> str:
        """Where the next reader starts."""
        return str(Cursor(self.frame.epoch, self.acked))


class Reader:
    """
    Turns the log into deliveries, no more at a time than may be unacknowledged.

    One task, the pump, follows the log and lays one frame ready; it fetches the next one only when
    that was taken, so a reader without credit costs one frame, and heartbeats wait behind it.  The
    reader itself hands out of that frame what its credit allows: `max_unacked` less what was sent,
    live or replayed, and is not done.
    """

    def __init__(
        self,
        feed: Feed,
        access: Access,
        options: ReadOptions,
        lease: Lease,
        heartbeat_seconds: float,
    ) -> None:
        self.lease = lease
        self._feed, self._access, self._options = feed, access, options
        self._heartbeat_seconds = heartbeat_seconds
        self._clock = asyncio.get_running_loop().time
        self._frame: Frame | None = None
        self._taken = asyncio.Event()
        self._sent_acked = -1
        self._sent_at = 0.0
        self._lapsed_at: float | None = None

    async def stand_by(
        self, acquire: Callable[[Lease], Awaitable[bool]]
    ) -> AsyncGenerator[Delivery, None]:
        """
        Standby deliveries, the first at once, until *acquire* has the lease or the reader
        finishes.  Raises `Draining` after a last one, `Unauthenticated`, `NotFound`,
        `StoreUnavailable`.
        """
        while not await acquire(self.lease):
            self._check()
            draining = self._feed.draining.is_set()
            if draining or self._due or self._sent_acked < 0:
                yield self._deliver([], self.lease.confirmed, standby=True)
            if draining:
                raise Draining
            if self.lease.finishing:
                return
            await self._wait(STANDBY_SECONDS)

    async def deliveries(self, parked: set[int]) -> AsyncGenerator[Delivery, None]:
        """
        Receipts behind the acknowledged position, without those at the positions *parked*; the
        first delivery comes at once.  Ends after `Lease.finish`.  Raises what `Lease.fail` was
        given, `CursorExpired`, and what `Feed.follow` raises.
        """
        cursor = str(Cursor(self._feed.epoch, self.lease.confirmed))
        position = await self._feed.start(after=cursor, on_expired=self._options.on_expired)
        self.lease.ledger.send((), position)
        self._sent_acked, self._sent_at = self.lease.confirmed, self._clock()
        pump = asyncio.create_task(self._pump(position, parked))
        try:
            while True:
                self._check()
                if self.lease.finishing and not self.lease.unwritten:
                    yield self._deliver([], self.lease.ledger.sent)
                    return
                silent = self._lapsed or self.lease.finishing
                delivery = None if silent else await self._next()
                if delivery is not None:
                    yield delivery
                elif self._frame is not None and self._feed.draining.is_set():
                    yield self._deliver([], self.lease.ledger.sent)
                    raise Draining
                else:
                    await self._wait(BLOCKED_SECONDS if self._waits else LEASE_SECONDS / 2)
        finally:
            pump.cancel()

    async def _pump(self, position: int, parked: set[int]) -> None:
        """Keep one frame ready, and fetch the next one when it was taken."""
        options = self._options
        following = self._feed.follow(
            self._access,
            options.wanted,
            position,
            batch_size=self._most,
            shard=options.shard,
        )
        try:
            async with aclosing(following) as frames:
                async for frame in frames:
                    rest = [entry for entry in frame.entries if entry.position not in parked]
                    self._frame = Frame(rest, frame.position, frame.head, frame.epoch)
                    self._taken.clear()
                    self.lease.changed.set()
                    await self._taken.wait()
        except Exception as error:  # noqa: BLE001  # the reader raises it
            self.lease.fail(error)

    async def _next(self) -> Delivery | None:
        ledger, frame, most = self.lease.ledger, self._frame, self._most
        room = min(most, self._options.max_unacked - ledger.unacked)
        # Replays travel with a cursor that is new, beside one live receipt at least if that has
        # any; where a frame has no place for both, or there is no news, they go alone.
        alone = bool(self.lease.replays) and (
            frame is None or frame.position == ledger.sent or most == 1
        )
        if alone and self._quiet and (entries := await self._replays(room)):
            ledger.send((), ledger.sent, [entry.position for entry in entries])
            return self._deliver(entries, ledger.sent)
        if frame is not None and (not frame.entries or (room > 0 and not (alone and most == 1))):
            entries = [] if alone else await self._replays(room - bool(frame.entries))
            return self._take(room - len(entries), entries)
        if self.lease.confirmed != self._sent_acked or self._due:
            return self._deliver([], ledger.sent)
        return None

    def _take(self, credit: int, replayed: list[Entry]) -> Delivery:
        """As much of the frame that is ready as *credit* allows."""
        frame = self._frame
        assert frame is not None  # noqa: S101  # the caller saw one
        entries, rest = frame.entries[:credit], frame.entries[credit:]
        position = entries[-1].position if rest else frame.position
        if rest:
            self._frame = Frame(rest, frame.position, frame.head, frame.epoch)
        else:
            self._frame = None
            self._taken.set()
        positions = [entry.position for entry in entries]
        self.lease.ledger.send(positions, position, [entry.position for entry in replayed])
        return self._deliver([*replayed, *entries], position)

    async def _replays(self, room: int) -> list[Entry]:
        """At most *room* parked receipts to send now."""
        found: list[Entry] = []
        while positions := self.lease.take_replays(room - len(found)):
            entries = await replayed(self._feed.log, self.lease.key, positions)
            found += filter(self._is_ours, entries)
        return found

    def _is_ours(self, entry: Entry) -> bool:
        return self._access.sees(entry.provider) and self._options.shard.holds(entry)

    @property
    def _most(self) -> int:
        """Most receipts of a frame."""
        return min(self._options.batch_size, self._options.max_unacked)

    @property
    def _quiet(self) -> bool:
        """Whether no acknowledgement of what was sent can be on its way."""
        return self._clock() >= self._sent_at + QUIET_SECONDS and not self.lease.ledger.unacked

    def _deliver(
        self, entries: Sequence[Entry], position: int, *, standby: bool = False
    ) -> Delivery:
        self._sent_acked, self._sent_at = self.lease.confirmed, self._clock()
        head = max(self._feed.head, position)
        frame = Frame(entries, position, head, self._feed.epoch)
        return Delivery(frame, self.lease.confirmed, standby)

    @property
    def _waits(self) -> bool:
        """Whether there is something to send, which must wait."""
        return self._frame is not None or bool(self.lease.replays)

    @property
    def _due(self) -> bool:
        return self._clock() >= self._sent_at + self._heartbeat_seconds

    def _check(self) -> None:
        self._feed.accounts.check(self._access)
        if self.lease.error:
            raise self.lease.error

    @property
    def _lapsed(self) -> bool:
        """
        Whether somebody else may hold by now.  The next write tells, with which the lease is ours
        again or `Fenced`; a hub that was stopped knows nothing before it.  Raises
        `StoreUnavailable` where there is none for long.
        """
        now = self._clock()
        if not self.lease.lapsed(now):
            self._lapsed_at = None
            return False
        self._lapsed_at = self._lapsed_at or now
        if now > self._lapsed_at + LEASE_SECONDS:
            message = "the lease of the subscription could not be renewed; connect again"
            raise StoreUnavailable(message)
        return True

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.lease.changed.wait()
        except TimeoutError:
            return
        finally:
            self.lease.changed.clear()
