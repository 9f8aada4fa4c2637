"""
Durable subscriptions: who reads which one, and the loop that writes down what they acknowledge.

Acknowledgements of all streams are written together, and leases are prolonged on the way, so
that a thousand acknowledgements a second are a few transactions.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing, suppress
from typing import Any, TypedDict

import structlog
from prometheus_client import Gauge

from hub.access import Access, Scope
from hub.database.store import Store
from hub.errors import Fenced, StoreUnavailable
from hub.feed.follower import Feed
from hub.receipt import Micros, OnExpired, StartAt
from hub.settings import Settings
from hub.subscriptions import leases, rows
from hub.subscriptions.lease import Claim
from hub.subscriptions.leases import Key
from hub.subscriptions.reader import LEASE_SECONDS, Delivery, Reader, Wants
from hub.subscriptions.rows import Declaration, Subscription
from hub.telemetry import Metrics

GROUP_SECONDS = 0.1
"""Least pause between two transactions that write acknowledgements."""

RENEW_SECONDS = 2.0
OBSERVE_SECONDS = 10.0
LEAVE_SECONDS = 1.0
"""Longest that the end waits for the database; what is not given back there lapses by itself."""

_LEASE = round(LEASE_SECONDS * 1_000_000)

logger = structlog.stdlib.get_logger(__name__)


class Start(TypedDict):
    """Where a new subscription starts, as `Feed.start` takes it."""

    after: str
    since: Micros | None
    at: StartAt
    on_expired: OnExpired


class Subscriptions:
    """The durable subscriptions that this process reads.  `run` must be running."""

    def __init__(self, store: Store, feed: Feed, settings: Settings, metrics: Metrics) -> None:
        self._store = store
        self._feed = feed
        self._heartbeat_seconds = settings.heartbeat_seconds
        self._metrics = metrics
        self._claims: dict[str, Claim] = {}
        self._due = asyncio.Event()

    async def declare(self, access: Access, wanted: Declaration, start: Start) -> Key:
        """
        The subscription *wanted*, created at *start* if there is none of its name, which needs
        `subscriptions:write`.  Raises `SubscriptionMismatch`, and what `Feed.start` raises.
        """
        key = await rows.find(self._store, wanted)
        if key is None:
            access.require(Scope.SUBSCRIPTIONS_WRITE)
            position = await self._feed.start(**start)
            await rows.create(self._store, wanted, position)
            key = await rows.find(self._store, wanted)
        if key is None:
            raise StoreUnavailable
        return key

    async def conditions(self, key: Key) -> dict[str, Any]:
        """The filter that *key* was created with, as JSON.  Raises `NotFound`."""
        return await rows.conditions(self._store, key)

    def claim(self, key: Key) -> Claim:
        """What a reader of *key* acknowledges by."""
        return Claim(key, self._due)

    async def read(
        self, access: Access, claim: Claim, wants: Wants
    ) -> AsyncGenerator[Delivery, None]:
        """
        Standby deliveries until nobody else reads, then receipts.  Acknowledgements go to
        *claim*.  See `Reader` for what this raises.
        """
        reader = Reader(self._feed, access, wants, claim, self._heartbeat_seconds)
        try:
            async with aclosing(reader.stand_by(self._acquire)) as standing_by:
                async for delivery in standing_by:
                    yield delivery
            if not claim.held:
                return
            parked = await leases.parked(self._store, claim.key)
            async with aclosing(reader.deliveries(parked)) as delivering:
                async for delivery in delivering:
                    yield delivery
        finally:
            claim.leave()

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
            for claim in self._claims.values():
                claim.leaving = True
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._write(everything=True)

    async def _acquire(self, claim: Claim) -> bool:
        now = asyncio.get_running_loop().time()
        held, acked = await leases.acquire(self._store, claim.key, claim.holder, _LEASE)
        if not held:
            claim.confirmed = acked
            return False
        claim.begin(acked, now)
        self._claims[claim.holder] = claim
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
        claims = [c for c in self._claims.values() if everything or c.leaving or c.unwritten]
        if not claims:
            return
        now = asyncio.get_running_loop().time()
        reports = [claim.report() for claim in claims]
        try:
            kept = await leases.keep(self._store, reports, _LEASE)
        except StoreUnavailable:
            logger.warning("acknowledgements cannot be written; trying again")
            self._forget_lapsed(now)
            return
        for claim, report in zip(claims, reports, strict=True):
            if claim.holder not in kept.held:
                claim.fail(Fenced())
                del self._claims[claim.holder]
            elif report.leaving:
                del self._claims[claim.holder]
            else:
                claim.written(report, kept.replays.get(claim.key[:2], ()), now)

    def _forget_lapsed(self, now: float) -> None:
        """Readers that left while the store was away hold nothing any more."""
        for holder, claim in list(self._claims.items()):
            if claim.leaving and now > claim.renewed_at + LEASE_SECONDS:
                del self._claims[holder]

    async def _observe(self) -> None:
        try:
            show(self._metrics, await rows.listing(self._store))
        except StoreUnavailable:
            return


def show(metrics: Metrics, found: Iterable[Subscription]) -> None:
    """Set the gauges of subscriptions: of its shards, the one that is most behind counts."""
    shards: dict[tuple[str, str], list[Subscription]] = {}
    last_ack = metrics.subscription_last_ack
    last_ack.clear()
    for each in found:
        shards.setdefault((each.consumer, each.name), []).append(each)
        if each.acked_at is not None:
            last_ack.labels(each.consumer, each.name, each.shard).set(each.acked_at / 1_000_000)
    gauges: list[tuple[Gauge, Callable[[list[Subscription]], float]]] = [
        (metrics.subscription_lag, lambda some: max(each.lag for each in some)),
        (metrics.subscription_lag_seconds, lambda some: max(each.lag_seconds for each in some)),
        (metrics.subscription_unacked, lambda some: sum(each.unacked for each in some)),
        (metrics.subscription_held, lambda some: min(each.holder is not None for each in some)),
    ]
    for gauge, value in gauges:
        gauge.clear()
        for labels, some in shards.items():
            gauge.labels(*labels).set(value(some))
