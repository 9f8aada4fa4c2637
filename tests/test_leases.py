"""Who holds a subscription, on both databases."""

import asyncio
import time

import pytest
from prometheus_client import generate_latest

from hub.accounts.administration import Administration, NewConsumer
from hub.database.store import Store
from hub.errors import NotFound, SubscriptionMismatch
from hub.filter import Shard
from hub.settings import Settings
from hub.subscriptions import leases, parked, rows
from hub.subscriptions.leases import Key, Report
from hub.subscriptions.rows import Declaration
from hub.subscriptions.subscriptions import show
from hub.telemetry import Metrics
from tests.making import open_log, receipt

LONG, SHORT = 60_000_000, 200_000


def declared(name: str = "billing", shards: int = 1, **filtered: object) -> Declaration:
    return Declaration("service", name, filtered, Shard(0, shards))


async def made(store: Store, wanted: Declaration, position: int = 0) -> Key:
    if not [row for row in await Administration(store).consumers() if row.name == "service"]:
        await Administration(store).add_consumer(NewConsumer(name="service"))
    await rows.create(store, wanted, position)
    key = await rows.find(store, wanted)
    assert key is not None
    return key


def report(key: Key, holder: str, acked: int, **fields: object) -> Report:
    return Report(key, holder, acked, 0, acknowledged=True, **fields)  # type: ignore[arg-type]


async def test_a_lease_is_held_by_one_until_it_ends(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared(), 7)
        assert await leases.acquire(hub.store, key, "one", SHORT) == (True, 7)
        assert await leases.acquire(hub.store, key, "two", LONG) == (False, 7)
        await asyncio.sleep(SHORT / 1_000_000)
        assert await leases.acquire(hub.store, key, "two", LONG) == (True, 7)


async def test_what_a_former_holder_reports_does_not_count(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared())
        await leases.acquire(hub.store, key, "one", 0)
        await leases.acquire(hub.store, key, "two", LONG)
        reports = [report(key, "one", 9, parked=[(3, "late")]), report(key, "two", 4)]
        kept = await leases.keep(hub.store, reports, LONG)
        assert kept.held == {"two"}
        [listed] = await rows.listing(hub.store)
        assert (listed.acked, listed.holder) == (4, "two")
        assert listed.acked_at is not None
        assert not await parked.listing(hub.store)


async def test_reports_keep_a_lease_and_the_last_one_ends_it(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared())
        await leases.acquire(hub.store, key, "one", 0)
        await leases.keep(hub.store, [report(key, "one", 1)], LONG)
        assert (await leases.acquire(hub.store, key, "two", LONG))[0] is False
        await leases.keep(hub.store, [report(key, "one", 2, leaving=True)], LONG)
        assert await leases.acquire(hub.store, key, "two", LONG) == (True, 2)


async def test_many_acquire_at_once_and_one_does(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared())
        taken = await asyncio.gather(
            *(leases.acquire(hub.store, key, f"reader {n}", LONG) for n in range(8))
        )
        assert sorted(held for held, _ in taken) == [False] * 7 + [True]


async def test_two_creations_at_once_make_one_subscription(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        await Administration(hub.store).add_consumer(NewConsumer(name="service"))
        one, other = declared(shards=3), declared(shards=2)
        await asyncio.gather(rows.create(hub.store, one, 1), rows.create(hub.store, other, 2))
        listed = await rows.listing(hub.store)
        assert len(listed) == listed[0].shards
        assert {each.acked for each in listed} == {1 if listed[0].shards == 3 else 2}
        loser = other if listed[0].shards == 3 else one
        with pytest.raises(SubscriptionMismatch):
            await rows.find(hub.store, loser)


async def test_resharding_starts_every_shard_at_the_least_cursor(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared(shards=2), 5)
        await leases.acquire(hub.store, key, "one", LONG)
        await leases.keep(hub.store, [report(key, "one", 9)], LONG)
        assert await rows.reshard(hub.store, "service", "billing", 3) == 5
        listed = await rows.listing(hub.store)
        assert [(each.shard, each.shards, each.acked) for each in listed] == [
            (0, 3, 5),
            (1, 3, 5),
            (2, 3, 5),
        ]
        assert (await leases.keep(hub.store, [report(key, "one", 9)], LONG)).held == frozenset()


async def test_parked_receipts_are_replayed_settled_and_dropped(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared())
        await leases.acquire(hub.store, key, "one", LONG)
        aside = [(position, "poison") for position in (2, 3, 4)]
        await leases.keep(hub.store, [report(key, "one", 5, parked=aside)], LONG)
        assert await leases.parked(hub.store, key) == {2, 3, 4}
        assert await parked.replay(hub.store, "service", "billing", [2, 3]) == 2
        kept = await leases.keep(hub.store, [report(key, "one", 5)], LONG)
        assert kept.replays == {(key.consumer, "billing"): [2, 3]}
        kept = await leases.keep(hub.store, [report(key, "one", 5, settled=[2])], LONG)
        assert kept.replays == {(key.consumer, "billing"): [3]}
        assert await parked.drop(hub.store, "service", "billing", [3]) == 1
        assert [each.position for each in await parked.listing(hub.store, "service")] == [4]
        with pytest.raises(NotFound):
            await parked.replay(hub.store, "service", "billing", [99])
        await rows.remove(hub.store, "service", "billing")
        assert not await parked.listing(hub.store)
        with pytest.raises(NotFound):
            await rows.remove(hub.store, "service", "billing")


async def test_lag_is_of_the_whole_log_and_its_age_of_the_next_receipt(
    any_settings: Settings,
) -> None:
    metrics = Metrics()
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        await made(hub.store, declared("behind", shards=2), 7)
        await made(hub.store, declared("there"), 10)
        behind, _, there = await rows.listing(hub.store)
        assert (behind.lag, there.lag, there.lag_seconds) == (3, 0, 0)
        assert behind.lag_seconds > 0
        show(metrics, await rows.listing(hub.store))
        shown = generate_latest(metrics.registry).decode()
        assert 'hub_subscription_lag{consumer="service",name="behind"} 3.0' in shown
        assert 'hub_subscription_held{consumer="service",name="there"} 0.0' in shown
        show(metrics, [there])
        assert 'name="behind"' not in generate_latest(metrics.registry).decode()


async def test_each_shard_shows_when_it_was_last_acknowledged(any_settings: Settings) -> None:
    metrics = Metrics()
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared(shards=2))
        await leases.acquire(hub.store, key, "one", LONG)
        before = time.time()
        await leases.keep(hub.store, [report(key, "one", 9)], LONG)
        after = time.time()
        show(metrics, await rows.listing(hub.store))
    name = "hub_subscription_last_ack_timestamp_seconds"
    first, second = (
        metrics.registry.get_sample_value(
            name, {"consumer": "service", "name": "billing", "shard": shard}
        )
        for shard in ("0", "1")
    )
    assert first is not None
    assert before - 1 <= first <= after + 1
    assert second is None
