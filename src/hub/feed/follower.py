"""
Following the log: a loop that remembers a position.

Inside the tail's window it slices memory, behind it it reads the log in short transactions.
A reader is not registered with the tail, which only counts how many there are; so there is no
hand-over from replay to live, no queue, and nothing that could leak, race or drop.  Nor do readers
share anything but the window, which holds every entry: what one may see is tested for it alone.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

from hub.access import Access
from hub.accounts import Accounts
from hub.errors import (
    CursorExpired,
    CursorForeign,
    Draining,
    StoreUnavailable,
    TooManyStreams,
)
from hub.feed.frame import Frame
from hub.feed.tail import Tail
from hub.filter import WHOLE, Filter, Shard
from hub.log import ReceiptLog
from hub.receipt import Entry, Micros, OnExpired, Order, StartAt
from hub.settings import Settings
from hub.telemetry import Metrics

LOOK = 1000
"""Entries of the window that a filtered reader looks at before others get their turn."""

AGAIN_SECONDS = 0.5
"""How soon a reader behind the window asks a store again that was away."""

CHECK_SECONDS = 5.0
"""How often an idle stream asks whether its token still holds."""

Test = Callable[[Entry], bool]


class Feed:
    """Where readers start, and how they follow."""

    def __init__(
        self,
        log: ReceiptLog,
        tail: Tail,
        accounts: Accounts,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self.log = log
        self.tail = tail
        self.accounts = accounts
        self.draining = asyncio.Event()
        self._none_open = asyncio.Event()
        self._none_open.set()
        self._settings = settings
        self._metrics = metrics
        self._streams: Counter[str] = Counter()
        self._followers: dict[object, int] = {}

    @property
    def head(self) -> int:
        """Position of the newest entry that readers can have."""
        return self.tail.head

    @property
    def epoch(self) -> str:
        """Names this log."""
        return self.tail.epoch

    def drain(self) -> None:
        """Let every stream end with a last frame."""
        self.draining.set()
        self.tail.wake()

    async def ended(self) -> None:
        """Return when no stream is open."""
        await self._none_open.wait()

    def max_lag(self) -> int:
        """How far the slowest open stream is behind."""
        return max((self.head - position for position in self._followers.values()), default=0)

    @asynccontextmanager
    async def stream(self, access: Access, surface: str) -> AsyncIterator[None]:
        """Count an open stream of *surface*.  Raises `TooManyStreams` or `Draining`."""
        if self.draining.is_set():
            raise Draining
        if self._streams.total() >= self._settings.max_streams:
            raise TooManyStreams
        if self._streams[access.consumer] >= self._settings.max_streams_per_consumer:
            message = "this consumer has too many open streams; close some, or raise the limit"
            raise TooManyStreams(message)
        self._streams[access.consumer] += 1
        self._none_open.clear()
        self._metrics.followers.labels(surface).inc()
        try:
            yield
        finally:
            self._metrics.followers.labels(surface).dec()
            self._streams[access.consumer] -= 1
            if not self._streams.total():
                self._none_open.set()

    async def start(
        self,
        *,
        after: str | None = None,
        since: Micros | None = None,
        at: StartAt = StartAt.LATEST,
        on_expired: OnExpired = OnExpired.FAIL,
        field: str = "after",
    ) -> int:
        """
        The position to follow from: of the cursor *after*, which the request has as *field*, before
        the first receipt recorded at *since* or later, or an end of the log.  Raises
        `CursorInvalid`, `CursorForeign`, or `CursorExpired` unless *on_expired* says otherwise.
        """
        bounds = await self.log.bounds()
        if after is not None:
            return bounds.resume(after, on_expired, field=field)
        if since is not None:
            return await self.log.position_at(since)
        return bounds.oldest - 1 if at is StartAt.EARLIEST else bounds.head

    async def follow(
        self,
        access: Access,
        wanted: Filter,
        position: int,
        *,
        batch_size: int = 100,
        stop_at_head: bool = False,
        shard: Shard = WHOLE,
        since: Micros | None = None,
    ) -> AsyncGenerator[Frame, None]:
        """
        Frames from *position* on, without end or to the present head.  The first comes at once;
        later there is one at least each heartbeat, never ahead of an unsent match.  *wanted* is
        what `Access.limit` gave; receipts recorded before *since* are left out, which matters where
        it lies in the future.  Raises `Unauthenticated` once the token no longer holds,
        `Draining` after a last frame, `CursorExpired` where a purge overtook the reader.
        """
        follower = _Follower(self, wanted, shard, batch_size, position, since)
        until = (await self.log.bounds()).head if stop_at_head else None
        self.tail.readers += 1  # it keeps a window for as long as somebody follows
        try:
            async for frame in follower.frames(access, until, self._settings.heartbeat_seconds):
                self._followers[follower] = frame.position
                yield frame
        finally:
            self.tail.readers -= 1
            self._followers.pop(follower, None)


class _Follower:
    """One reader: an integer, and what it wants."""

    def __init__(
        self,
        feed: Feed,
        wanted: Filter,
        shard: Shard,
        batch_size: int,
        position: int,
        since: Micros | None,
    ) -> None:
        self._feed, self._tail = feed, feed.tail
        self._wanted = wanted
        # What no index answers: tested on every entry, wherever it was read.
        self._share = _both(None if shard == WHOLE else shard.holds, _from(since))
        self._test = _both(wanted.test(), self._share)
        self._batch_size = batch_size
        self._position = position
        self._epoch = feed.epoch

    async def frames(
        self, access: Access, until: int | None, heartbeat: float
    ) -> AsyncGenerator[Frame, None]:
        clock = asyncio.get_running_loop().time
        due = 0.0
        while True:
            self._feed.accounts.check(access)
            try:
                entries, away = await self._next(until), False
            except StoreUnavailable:
                entries, away = [], True  # heartbeats go on, and the reader when the store is back
            ended = until is not None and self._position >= until
            draining = self._feed.draining.is_set()
            if entries or ended or draining or clock() >= due:
                due = clock() + heartbeat
                yield self._frame(entries)
            if ended:
                return
            if draining:
                raise Draining
            if away:
                await asyncio.sleep(AGAIN_SECONDS)
            elif self._position >= self._tail.head:
                await self._tail.moved(self._position, min(CHECK_SECONDS, due - clock()))
            elif not entries:
                await asyncio.sleep(0)  # a window in which nothing matches is no one's to block

    async def _next(self, until: int | None) -> list[Entry]:
        """
        Move on; return what matches on the way.  This is all there is of a hand-over between the
        past and the present: each time anew, the tail has what follows the position or it has not.
        """
        if self._tail.epoch != self._epoch:
            raise CursorForeign
        if until is not None and self._position >= until:
            return []
        size = self._batch_size if self._test is None else max(self._batch_size, LOOK)
        entries = self._tail.slice(self._position, size)
        if entries is None:
            return await self._read(until)
        return self._take(entries, until)

    def _take(self, entries: list[Entry], until: int | None) -> list[Entry]:
        """
        What matches of *entries*, which are all that follow the position.  It moves past those
        that do not match as well, but never past a match that is left for the next frame.
        """
        if until is not None and entries and entries[-1].position > until:
            entries = [entry for entry in entries if entry.position <= until]
        if not entries:
            return []
        matching = entries if self._test is None else list(filter(self._test, entries))
        if len(matching) > self._batch_size:
            matching = matching[: self._batch_size]
            self._position = matching[-1].position
        else:
            self._position = entries[-1].position
        return matching

    async def _read(self, until: int | None) -> list[Entry]:
        """The same from the log: without a filter by position, else by the filter's indexes."""
        if self._wanted.test() is None:
            entries = await self._feed.log.read(self._position, self._batch_size, until)
            if not entries or entries[0].position != self._position + 1:
                await self._expired()
            return self._take(entries, until)
        page = await self._feed.log.page(
            self._wanted,
            order=Order.OLDEST_FIRST,
            limit=self._batch_size,
            after=self._position,
            before=None if until is None else until + 1,
        )
        if self._position < page.bounds.oldest - 1:  # a page does not tell what it lacks
            await self._expired()
        self._position = max(self._position, page.resume)
        return page.entries if self._share is None else list(filter(self._share, page.entries))

    async def _expired(self) -> None:
        """Raise `CursorExpired` if what comes next is no longer kept."""
        bounds = await self._feed.log.bounds()
        if self._position < bounds.oldest - 1:
            raise CursorExpired(oldest=bounds.oldest_cursor, head=bounds.head_cursor)

    def _frame(self, entries: list[Entry]) -> Frame:
        head = max(self._tail.head, self._position)  # the log may be ahead of the tail
        return Frame(entries, self._position, head, self._epoch)


def _from(since: Micros | None) -> Test | None:
    return None if since is None else lambda entry: entry.recorded_at >= since


def _both(one: Test | None, other: Test | None) -> Test | None:
    if one is None or other is None:
        return one or other
    return lambda entry: one(entry) and other(entry)
