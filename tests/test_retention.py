"""Retention: what is due goes, what is needed stays, and nobody is misled by it."""

import time

import pytest
from sqlalchemy import insert, select
from sqlmodel import col

from hub.access import Access
from hub.accounts.administration import Administration, NewConsumer
from hub.accounts.directory import Accounts
from hub.database.columns import table
from hub.database.tables import Callback, SubscriptionRow
from hub.errors import CursorExpired
from hub.feed.follower import Feed
from hub.feed.tail import Tail
from hub.filter import Filter
from hub.receipt import OnExpired, Order
from hub.settings import Settings
from hub.telemetry import Metrics
from hub.upkeep.purge import ROWS_AT_ONCE
from hub.upkeep.retention import (
    LEAST_ROWS,
    MESSAGE_GRACE_DAYS,
    SLICE_SECONDS,
    Retention,
    paced,
)
from tests.engines import execute, rows
from tests.making import OpenLog, open_log, receipt

DAY = 86_400_000_000


def in_days(days: float) -> int:
    return time.time_ns() // 1000 + round(days * DAY)


def sweeper(hub: OpenLog, settings: Settings, metrics: Metrics | None = None) -> Retention:
    kept = settings.model_copy(update={"retention_days": 30.0, "retention_hold_days": 7.0})
    return Retention(hub.log, kept, metrics or Metrics())


async def fill(hub: OpenLog, count: int = 600) -> None:
    for start in range(0, count, 100):
        await hub.post(*(receipt(f"m{n}") for n in range(start, start + 100)))


async def test_nothing_is_purged_before_its_time(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await fill(hub)

        purged = await sweeper(hub, any_settings).sweep(in_days(29))

        assert purged.receipts == 0
        assert (await hub.log.bounds()).oldest == 1


async def test_what_is_due_goes_and_old_cursors_are_refused(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await fill(hub)
        before = await hub.log.bounds()

        purged = await sweeper(hub, any_settings).sweep(in_days(31))
        await hub.post(receipt("later"))

        bounds = await hub.log.bounds()
        feed = _feed(hub, any_settings)
        await feed.tail.start()
        assert (purged.receipts, purged.callbacks) == (600, 6)
        assert (bounds.oldest, bounds.head) == (601, 601)
        with pytest.raises(CursorExpired) as refused:
            await feed.start(after=before.cursor(599))
        assert refused.value.details == {
            "oldest": bounds.oldest_cursor,
            "head": bounds.head_cursor,
        }
        assert await feed.start(after=before.cursor(600)) == 600
        assert await feed.start(after=before.cursor(5), on_expired=OnExpired.EARLIEST) == 600
        page = await hub.log.page(Filter(), order=Order.OLDEST_FIRST, limit=10)
        assert [entry.position for entry in page.entries] == [601]


async def test_a_late_duplicate_of_a_purged_receipt_is_still_known(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await fill(hub)
        await sweeper(hub, any_settings).sweep(in_days(31))

        outcome = await hub.post(receipt("m7"))

        assert (outcome.receipts, outcome.duplicates) == (0, 1)


async def test_messages_go_some_days_after_their_receipts(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await fill(hub)
        retention = sweeper(hub, any_settings)
        kept = await retention.sweep(in_days(31))

        gone = await retention.sweep(in_days(31 + MESSAGE_GRACE_DAYS))

        assert (kept.messages, gone.messages) == (0, 600)
        assert (await hub.log.messages(Filter(), limit=10)).messages == []


async def test_raw_bodies_go_earlier_than_receipts(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await fill(hub)
        settings = any_settings.model_copy(update={"raw_retention_days": 5.0})
        await sweeper(hub, settings).sweep(in_days(6))

        assert set(await rows(hub.store, select(col(Callback.body)))) == {(None,)}
        assert len(await hub.entries()) == 600


async def test_a_lagging_subscription_holds_the_purge_back_up_to_a_limit(
    any_settings: Settings,
) -> None:
    metrics = Metrics()
    async with open_log(any_settings) as hub:
        await fill(hub)
        await subscribe(hub, acked=250)
        retention = sweeper(hub, any_settings, metrics)

        held = await retention.sweep(in_days(32))
        held_for = metrics.registry.get_sample_value("hub_purge_held_seconds")
        released = await retention.sweep(in_days(38))

        assert held.receipts == 250
        assert held_for == pytest.approx(2 * 86_400, abs=60)
        assert released.receipts == 350


async def test_a_follower_that_a_purge_overtakes_is_told(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await fill(hub)
        feed = _feed(hub, any_settings)
        await feed.accounts.load()
        await feed.tail.start()
        access = Access("app", frozenset())
        feed.accounts.check = _admit  # type: ignore[method-assign]
        frames = feed.follow(access, Filter(), 0, batch_size=100)
        first = await anext(frames)

        await sweeper(hub, any_settings).sweep(in_days(31))

        assert first.entries[-1].position == 100
        with pytest.raises(CursorExpired):
            await anext(frames)


def test_slices_become_smaller_where_they_take_long_and_larger_where_they_do_not() -> None:
    slow = [256]
    while slow[-1] != LEAST_ROWS:
        slow.append(paced(slow[-1], 2 * SLICE_SECONDS))
    fast = [LEAST_ROWS]
    while fast[-1] != ROWS_AT_ONCE:
        fast.append(paced(fast[-1], SLICE_SECONDS / 2))

    assert slow == [256, 128, 64, 32, 16, 8]
    assert fast == sorted(fast)
    assert paced(ROWS_AT_ONCE, SLICE_SECONDS / 2) == ROWS_AT_ONCE
    assert paced(LEAST_ROWS, 2 * SLICE_SECONDS) == LEAST_ROWS


def _admit(access: Access) -> None:
    """Whoever it is."""


def _feed(hub: OpenLog, settings: Settings) -> Feed:
    tail = Tail(
        hub.log,
        window=100,
        poll_seconds=0.1,
        committed=hub.writer.committed,
        metrics=Metrics(),
    )
    return Feed(hub.log, tail, Accounts(hub.store, 1.0), settings, Metrics())


async def subscribe(hub: OpenLog, acked: int) -> None:
    values = {
        "consumer": 1,
        "name": "billing",
        "shard": 0,
        "shards": 1,
        "filter": {},
        "acked": acked,
        "unacked": 0,
        "renewed_at": 0,
        "created_at": 0,
    }
    await Administration(hub.store).add_consumer(NewConsumer(name="billing"))
    await execute(hub.store, insert(table(SubscriptionRow)).values(values))
