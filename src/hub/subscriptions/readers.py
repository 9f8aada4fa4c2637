"""
Durable subscriptions: who reads which one, and the loop that writes down what they acknowledge.

Acknowledgements of all streams are written together, and leases are prolonged on the way, so
that a thousand acknowledgements a second are a few transactions.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any, TypedDict

import structlog

from hub.access import Access, Scope
from hub.database import Store
from hub.errors import Fenced, StoreUnavailable
from hub.feed import Feed
from hub.receipt import Micros, OnExpired, StartAt
from hub.settings import Settings
from hub.subscriptions import administration, leases
from hub.subscriptions.administration import Declaration
from hub.subscriptions.lease import Lease
from hub.subscriptions.leases import Key
from hub.subscriptions.reader import Delivery, Reader, ReadOptions
from hub.subscriptions.state import show, states
from hub.telemetry import Metrics

GROUP_SECONDS = 0.1
"""Least pause between two transactions that write acknowledgements."""

RENEW_SECONDS = 2.0
"""How often each lease is renewed: thrice and more in the time that another reader waits."""

OBSERVE_SECONDS = 10.0
"""How often the metrics are set."""

LEAVE_SECONDS = 1.0
"""Longest that the end waits for the database; what is not given back there lapses by itself."""

logger = structlog.stdlib.get_logger(__name__)


class Start(TypedDict, total=False):
    """Where a reader starts, as `Feed.start` takes it."""

    after: str | None
    since: Micros | None
    at: StartAt
    on_expired: OnExpired
    field: str


class Readers:
    """The readers of durable subscriptions in this process.  `run` must be running."""

    def __init__(self, store: Store, feed: Feed, settings: Settings, metrics: Metrics) -> None:
        self._store = store
        self._feed = feed
        self._heartbeat_seconds = settings.heartbeat_seconds
        self._metrics = metrics
        self._leases: dict[str, Lease] = {}
        self._due = asyncio.Event()

    async def declare(self, access: Access, declared: Declaration, start: Start) -> Key:
        """
        The subscription that is *declared*, created at *start* if there is none of its name, which
        needs `subscriptions:write`.  Raises `SubscriptionMismatch`, and what `Feed.start` raises.
        """
        key = await administration.find(self._store, declared)
        if key is None:
            access.require(Scope.SUBSCRIPTIONS_WRITE)
            position = await self._feed.start(**start)
            await administration.create(self._store, declared, position)
            key = await administration.find(self._store, declared)
        if key is None:
            raise StoreUnavailable
        return key

    async def conditions(self, key: Key) -> dict[str, Any]:
        """The filter that *key* was created with, as JSON.  Raises `NotFound`."""
        return await administration.conditions(self._store, key)

    def lease(self, key: Key) -> Lease:
        """What a reader of *key* acknowledges by."""
        return Lease(key, self._due)

    async def read(
        self, access: Access, lease: Lease, options: ReadOptions
    ) -> AsyncGenerator[Delivery, None]:
        """
        Standby deliveries until nobody else reads, then receipts.  Acknowledgements go to
        *lease*.  See `Reader` for what this raises.
        """
        reader = Reader(self._feed, access, options, lease, self._heartbeat_seconds)
        try:
            async with aclosing(reader.stand_by(self._acquire)) as standing_by:
                async for delivery in standing_by:
                    yield delivery
            if not lease.held:
                return
            parked = await leases.parked(self._store, lease.key, lease.confirmed)
            async with aclosing(reader.deliveries(parked)) as delivering:
                async for delivery in delivering:
                    yield delivery
        finally:
            lease.leave()

    async def start(self) -> None:
        """
        End the leases of a hub that was killed, where nobody else can hold one: an embedded
        database has one hub.  Raises `StoreUnavailable`.
        """
        if self._store.settings.embedded:
            await leases.release_all(self._store)

    async def run(self) -> None:
        """Write what is acknowledged, prolong leases and keep the metrics, until cancelled."""
        clock = asyncio.get_running_loop().time
        renewed = observed = 0.0
        try:
            while True:
                await self._wait(renewed + RENEW_SECONDS - clock())
                everything = clock() >= renewed + RENEW_SECONDS
                await self._write(everything=everything)
                if everything:
                    renewed = clock()
                if clock() >= observed + OBSERVE_SECONDS:
                    observed = clock()
                    await self._observe()
                await asyncio.sleep(GROUP_SECONDS)
        finally:
            for lease in self._leases.values():
                lease.leaving = True
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._write(everything=True)

    async def _acquire(self, lease: Lease) -> bool:
        now = asyncio.get_running_loop().time()
        newest, lease.confirmed = await leases.look(self._store, lease.key)
        if not lease.may_take(newest, now):
            return False
        acked = await leases.take(self._store, lease.key, newest, lease.holder)
        if acked is None:
            return False
        lease.begin(acked, now)
        self._leases[lease.holder] = lease
        return True

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._due.wait()
        except TimeoutError:
            return
        finally:
            self._due.clear()

    async def _write(self, *, everything: bool) -> None:
        due = [
            lease
            for lease in self._leases.values()
            if everything or lease.leaving or lease.unwritten
        ]
        if not due:
            return
        began = asyncio.get_running_loop().time()
        reports = [lease.report() for lease in due]
        try:
            written = await leases.write(self._store, reports)
        except StoreUnavailable:
            logger.warning("acknowledgements cannot be written; trying again")
            self._forget_lapsed(began)
            return
        for lease, report in zip(due, reports, strict=True):
            if lease.holder not in written.held:
                lease.fail(Fenced())
                del self._leases[lease.holder]
            elif report.leaving:
                del self._leases[lease.holder]
            else:
                lease.written(report, written.replays.get(lease.holder, ()), began)

    def _forget_lapsed(self, now: float) -> None:
        """Readers that left while the store was away hold nothing any more."""
        for holder, lease in list(self._leases.items()):
            if lease.leaving and lease.lapsed(now):
                del self._leases[holder]

    async def _observe(self) -> None:
        try:
            show(self._metrics, await states(self._store, counts_parked=False))
        except StoreUnavailable:
            return
