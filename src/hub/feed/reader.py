"""One reader of a durable subscription: in standby, then the holder of its lease."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from hub.access import Access
from hub.errors import Draining
from hub.feed.follower import Feed, Frame
from hub.feed.ledger import Ledger
from hub.log.leases import Key
from hub.receipt import Cursor, Filter, OnExpired, Shard

LEASE_SECONDS = 8.0
"""How long a holder that says nothing is still believed to live."""

RENEW_SECONDS = 2.0
STANDBY_SECONDS = 1.0
"""How often a reader in standby tries to take over."""

_BLOCKED_SECONDS = 1.0
_REPLAY_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Opening:
    """What a reader asks for."""

    key: Key
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
    standby: bool = False

    @property
    def acked_cursor(self) -> str:
        """Where the next reader starts."""
        return str(Cursor(self.frame.epoch, self.acked))


class Reader:
    """
    Delivers receipts and takes acknowledgements.  `hub.feed.subscriptions` writes down what it
    reports, and tells it what became of that.
    """

    def __init__(
        self,
        feed: Feed,
        access: Access,
        opening: Opening,
        acquire: Callable[["Reader"], Awaitable[tuple[bool, int]]],
        written: Callable[["Reader"], Awaitable[None]],
    ) -> None:
        self.key = opening.key
        self.holder = secrets.token_hex(8)
        self.leaving = False
        self._feed, self._access, self._opening = feed, access, opening
        self._acquire, self._written = acquire, written
        self._clock = asyncio.get_running_loop().time
        self._ledger = Ledger(0)
        self._confirmed = 0
        self._renewed_at = 0.0
        self._error: Exception | None = None
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()
        self._frame: Frame | None = None
        self._ended = False
        self._aside: set[int] = set()
        self._replays: list[int] = []
        self._parked: list[tuple[int, str]] = []
        self._settled: list[int] = []
        self._acks = self._acks_reported = 0
        self._told = -1  # acknowledged position of the last delivery
        self._told_at = 0.0

    async def deliveries(self) -> AsyncGenerator[Delivery, None]:
        """
        Standby deliveries until the lease is ours, then receipts; the first at once.  Ends after
        `finish`; raises what `fail` was given, `Draining` after a last delivery, `CursorExpired`,
        `Unauthenticated`, `NotFound`, `StoreUnavailable`.
        """
        while not await self._hold():
            self._check()
            if self._clock() >= self._told_at + self._feed.heartbeat_seconds or self._told < 0:
                yield self._tell([], self._confirmed, standby=True)
            if self._feed.draining.is_set():
                raise Draining
            await self._wait(STANDBY_SECONDS)
        position = await self._begin()
        pump = asyncio.create_task(self._pump(position))
        try:
            while True:
                delivery = await self._next()
                if delivery is not None:
                    yield delivery
                elif self._ended:
                    return
        finally:
            pump.cancel()

    def ack(self, cursor: str) -> None:
        """Everything up to *cursor* is done.  Raises `AckAhead`, `CursorInvalid`."""
        self._settled += self._ledger.ack(self._feed.position_in(cursor))
        self._acks += 1
        self._changed.set()

    def park(self, position: int, reason: str) -> None:
        """Set the receipt at *position* aside.  Raises `BadInput` unless it is being read."""
        self._ledger.park(position)
        self._parked.append((position, reason))
        self._aside.add(position)
        self._changed.set()

    def finish(self) -> None:
        """Nothing more will be acknowledged: end once all that was is stored."""
        self.leaving = True
        self._changed.set()

    def fail(self, error: Exception) -> None:
        """Let `deliveries` raise *error*."""
        self._error = self._error or error
        self._changed.set()

    @property
    def dirty(self) -> bool:
        """Whether there is something that a reader waits to see stored."""
        return bool(self.leaving or self._parked or self._acks != self._acks_reported)
