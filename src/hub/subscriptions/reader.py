"""One reader of a durable subscription: in standby, then the holder of its lease."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from hub.access import Access
from hub.errors import Draining, StoreUnavailable
from hub.feed.follower import Feed
from hub.feed.frame import Frame
from hub.filter import Filter, Shard
from hub.receipt import Cursor, Entry, OnExpired
from hub.subscriptions.lease import Claim

LEASE_SECONDS = 8.0
"""How long a holder that says nothing is still believed to live."""

STANDBY_SECONDS = 1.0
"""How often a reader in standby tries to take over."""

BLOCKED_SECONDS = 1.0
"""How often a reader that waits for acknowledgements looks at its token and at the hub."""

QUIET_SECONDS = 1.0
"""How long nothing was sent before a replay goes out alone, so that no late acknowledgement of an
earlier frame is taken for one of it."""


@dataclass(frozen=True, slots=True)
class Wants:
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
    """Turns the log into deliveries, no more at a time than may be unacknowledged."""

    def __init__(
        self,
        feed: Feed,
        access: Access,
        wants: Wants,
        claim: Claim,
        heartbeat_seconds: float,
    ) -> None:
        self.claim = claim
        self._feed, self._access, self._wants = feed, access, wants
        self._heartbeat_seconds = heartbeat_seconds
        self._clock = asyncio.get_running_loop().time
        self._frame: Frame | None = None
        self._taken = asyncio.Event()
        self._told_acked = -1
        self._told_at = 0.0

    async def stand_by(
        self, acquire: Callable[[Claim], Awaitable[bool]]
    ) -> AsyncGenerator[Delivery, None]:
        """
        Standby deliveries, the first at once, until *acquire* has the lease or the reader
        finishes.  Raises `Draining` after a last one, `Unauthenticated`, `NotFound`,
        `StoreUnavailable`.
        """
        while not await acquire(self.claim):
            self._check()
            draining = self._feed.draining.is_set()
            if draining or self._due or self._told_acked < 0:
                yield self._tell([], self.claim.confirmed, standby=True)
            if draining:
                raise Draining
            if self.claim.finishing:
                return
            await self._wait(STANDBY_SECONDS)

    async def deliveries(self, parked: set[int]) -> AsyncGenerator[Delivery, None]:
        """
        Receipts behind the acknowledged position, without those at the positions *parked*; the
        first delivery comes at once.  Ends after `Claim.finish`.  Raises what `Claim.fail` was
        given, `CursorExpired`, and what `Feed.follow` raises.
        """
        cursor = str(Cursor(self._feed.epoch, self.claim.confirmed))
        position = await self._feed.start(after=cursor, on_expired=self._wants.on_expired)
        self.claim.ledger.send((), position)
        self._told_acked, self._told_at = self.claim.confirmed, self._clock()
        pump = asyncio.create_task(self._pump(position, parked))
        try:
            while True:
                self._check()
                if self.claim.finishing and not self.claim.unwritten:
                    yield self._tell([], self.claim.ledger.sent)
                    return
                delivery = None if self.claim.finishing else await self._next()
                if delivery is not None:
                    yield delivery
                elif self._frame is not None and self._feed.draining.is_set():
                    yield self._tell([], self.claim.ledger.sent)
                    raise Draining
                else:
                    await self._wait(BLOCKED_SECONDS if self._waits else LEASE_SECONDS / 2)
        finally:
            pump.cancel()

    async def _pump(self, position: int, parked: set[int]) -> None:
        """Keep one frame ready, and fetch the next one when it was taken."""
        wants = self._wants
        following = self._feed.follow(
            self._access, wants.wanted, position, batch_size=wants.batch_size, shard=wants.shard
        )
        try:
            async with aclosing(following) as frames:
                async for frame in frames:
                    rest = [entry for entry in frame.entries if entry.position not in parked]
                    self._frame = Frame(rest, frame.position, frame.head, frame.epoch)
                    self._taken.clear()
                    self.claim.changed.set()
                    await self._taken.wait()
        except Exception as error:  # noqa: BLE001  # the reader raises it
            self.claim.fail(error)

    async def _next(self) -> Delivery | None:
        ledger = self.claim.ledger
        credit = self._wants.max_unacked - ledger.unacked
        sends = self._frame is not None and (credit > 0 or not self._frame.entries)
        replayed = await self._replays(sends=sends and bool(self._frame and self._frame.entries))
        if sends:
            return self._take(credit, replayed)
        if replayed:
            ledger.send((), ledger.sent, [entry.position for entry in replayed])
            return self._tell(replayed, ledger.sent)
        if self.claim.confirmed != self._told_acked or self._due:
            return self._tell([], ledger.sent)
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
        self.claim.ledger.send(positions, position, [entry.position for entry in replayed])
        return self._tell([*replayed, *entries], position)

    async def _replays(self, *, sends: bool) -> list[Entry]:
        """Parked receipts to send now: with other receipts, or alone when it is quiet."""
        quiet = self._clock() >= self._told_at + QUIET_SECONDS and not self.claim.ledger.unacked
        if not self.claim.replays or not (sends or quiet):
            return []
        found = []
        for position in self.claim.take_replays():
            found += await self._feed.log.read(position - 1, 1, position)
        return [entry for entry in found if self._access.sees(entry.provider) and self._owns(entry)]

    def _owns(self, entry: Entry) -> bool:
        return self._wants.shard.holds(entry)

    def _tell(self, entries: Sequence[Entry], position: int, *, standby: bool = False) -> Delivery:
        self._told_acked, self._told_at = self.claim.confirmed, self._clock()
        head = max(self._feed.head, position)
        frame = Frame(entries, position, head, self._feed.epoch)
        return Delivery(frame, self.claim.confirmed, standby)

    @property
    def _waits(self) -> bool:
        """Whether there is something to send, which must wait."""
        return self._frame is not None or bool(self.claim.replays)

    @property
    def _due(self) -> bool:
        return self._clock() >= self._told_at + self._heartbeat_seconds

    def _check(self) -> None:
        self._feed.accounts.check(self._access)
        if self.claim.error:
            raise self.claim.error
        renewed_at = self.claim.renewed_at
        if renewed_at and self._clock() > renewed_at + LEASE_SECONDS:
            message = "the lease of the subscription could not be prolonged; connect again"
            raise StoreUnavailable(message)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.claim.changed.wait()
        except TimeoutError:
            return
        finally:
            self.claim.changed.clear()
