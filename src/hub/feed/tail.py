"""The newest entries, read from the log once for everyone."""

import asyncio

import structlog

from hub.errors import StoreUnavailable
from hub.log import Bounds, ReceiptLog
from hub.receipt import Entry
from hub.telemetry import Metrics

READ_AT_ONCE = 2000

logger = structlog.stdlib.get_logger(__name__)


class Tail:
    """
    A bounded window of entries in memory, up to the head.  Positions are dense, so an entry's
    place in the window follows from its position.
    """

    def __init__(
        self,
        log: ReceiptLog,
        *,
        window: int,
        poll_seconds: float,
        committed: asyncio.Event,
        metrics: Metrics,
    ) -> None:
        self._log = log
        self._window = window
        self._poll_seconds = poll_seconds
        self._committed = committed
        self._metrics = metrics
        self._entries: list[Entry] = []
        self._moved = asyncio.Event()
        self.epoch = ""
        self.oldest = 1
        self.head = 0
        self.readers = 0
        """How many follow.  While nobody does, only the head is kept in step."""

    async def start(self) -> None:
        """Begin at the head.  Raises `StoreUnavailable`."""
        bounds = await self._log.bounds()
        self.epoch, self.oldest, self.head = bounds.epoch, bounds.oldest, bounds.head

    async def run(self) -> None:
        """Read what is new whenever this process commits, and every so often; until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._poll_seconds):
                    await self._committed.wait()
            except TimeoutError:
                pass
            self._committed.clear()
            try:
                await self._advance()
            except StoreUnavailable:
                logger.warning("the log cannot be read; readers wait")
                await asyncio.sleep(self._poll_seconds)

    def slice(self, after: int, limit: int) -> list[Entry] | None:
        """At most *limit* entries after the position *after*; None if it is behind the window."""
        start = after - (self.head - len(self._entries))
        return None if start < 0 else self._entries[start : start + limit]

    async def moved(self, position: int, seconds: float) -> None:
        """Return once the head is beyond *position*, or something else woke the readers."""
        if self.head > position:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        except TimeoutError:
            pass

    def wake(self) -> None:
        """Make every reader look around, for instance because the hub is draining."""
        # Those who wait hold the present event; whoever looks around later waits for the next one.
        self._moved.set()
        self._moved = asyncio.Event()

    async def _advance(self) -> None:
        """
        Move on by one read.  The window is dense or empty: `slice` finds an entry by counting, so
        one that is missing would give readers the wrong receipts.  Whatever cannot be appended
        empties it, and readers who are left behind read the log by themselves until they meet it.
        """
        most = READ_AT_ONCE if self.readers else 0
        bounds, entries = await self._log.advance(self.head, most)
        self.oldest = bounds.oldest
        if bounds.epoch != self.epoch or bounds.head < self.head:
            self._restart(bounds)  # another log: a backup was restored
        elif entries and entries[0].position == self.head + 1:
            self._append(entries)
        elif self.head < bounds.head:
            self._restart(bounds)  # nobody reads, or what follows was purged before it was read
        if self.head < bounds.head:
            self._committed.set()  # there is more than was read at once
        self._metrics.head.set(self.head)
        self._metrics.oldest.set(self.oldest)

    def _append(self, entries: list[Entry]) -> None:
        self._entries += entries
        self.head = entries[-1].position
        # Seldom and many at once: each time, all that stay are moved in memory.
        if len(self._entries) > self._window * 5 // 4:
            del self._entries[: -self._window]
        self.wake()

    def _restart(self, bounds: Bounds) -> None:
        self._entries = []
        self.epoch, self.head = bounds.epoch, bounds.head
        self.wake()
