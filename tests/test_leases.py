"""Who holds a subscription, on both databases."""

import asyncio
import time

import pytest
from prometheus_client import generate_latest
from sqlmodel import Session

from hub.accounts.administration import Administration, NewConsumer
from hub.database.store import Store
from hub.database.tables import SubscriptionRow
from hub.errors import NotFound, SubscriptionMismatch
from hub.filter import Shard
from hub.settings import Settings
from hub.subscriptions import administration, leases, parked
from hub.subscriptions.administration import Declaration
from hub.subscriptions.lease import Lease
from hub.subscriptions.leases import LEASE_SECONDS, REPLAYS_AT_ONCE, Key, Renewal, Report
from hub.subscriptions.state import show, states
from hub.telemetry import Metrics
from tests.engines import reader_of, statements, writer_of
from tests.making import open_log, receipt

MINUTE = 60_000_000

ONE, TWO = "1" * 16, "2" * 16
"""Names of holders."""


def declared(name: str = "billing", shards: int = 1, **filtered: object) -> Declaration:
    return Declaration("service", name, filtered, Shard(0, shards))


async def made(store: Store, wanted: Declaration, position: int = 0) -> Key:
    if not [row for row in await Administration(store).consumers() if row.name == "service"]:
        await Administration(store).add_consumer(NewConsumer(name="service"))
    await administration.create(store, wanted, position)
    key = await administration.find(store, wanted)
    assert key is not None
    return key


def report(key: Key, holder: str, acked: int, **fields: object) -> Report:
    return Report(key, holder, acked, 0, acknowledged=True, **fields)  # type: ignore[arg-type]


async def taken(store: Store, key: Key, holder: str, seen: Renewal | None = None) -> int | None:
    """Let *holder* take the lease, whoever has it, unless it is another one than was *seen*."""
    newest, _ = await leases.look(store, key)
    return await leases.take(store, key, seen or newest, holder)


async def set_back(store: Store, key: Key, micros: int) -> None:
    """As though the clock had been set back by *micros* since the last renewal."""

    def work(session: Session) -> None:
        row = session.get_one(SubscriptionRow, tuple(key))
        row.renewed_at += micros

    await store.write(work)


class Waiting:
    """A reader that waits for a lease, with a clock of its own."""

    def __init__(self, store: Store, key: Key) -> None:
        self.now = 1000.0
        self._store, self._key, self._lease = store, key, Lease(key, asyncio.Event())

    async def may_take_after(self, seconds: float) -> bool:
        self.now += seconds
        newest, _ = await leases.look(self._store, self._key)
        return self._lease.may_take(newest, self.now)


async def test_a_lease_is_taken_by_one(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared(), 7)
        free, acked = await leases.look(hub.store, key)
        assert (free.holder, acked) == (None, 7)
        assert await taken(hub.store, key, ONE, free) == 7
        assert await taken(hub.store, key, TWO, free) is None
        held, _ = await leases.look(hub.store, key)
        assert held.holder == ONE
        await leases.write(hub.store, [report(key, ONE, 8)])
        assert await taken(hub.store, key, TWO, held) is None  # it lives


@pytest.mark.parametrize("micros", [0, MINUTE, -MINUTE, 24 * 60 * MINUTE])
async def test_a_reader_waits_for_one_lease_whatever_became_of_the_clock(
    any_settings: Settings, micros: int
) -> None:
    async with open_log(any_settings) as hub:
        key = await made(hub.store, declared())
        await taken(hub.store, key, ONE)
        waiting = Waiting(hub.store, key)
        await set_back(hub.store, key, micros)
        assert not await waiting.may_take_after(0)
        assert not await waiting.may_take_after(LEASE_SECONDS - 0.1)
        assert await waiting.may_take_after(0.1)


@pytest.mark.parametrize("micros", [MINUTE, -MINUTE])
async def test_a_holder_that_lives_keeps_its_lease_when_the_clock_is_set(
    any_settings: Settings, micros: int
) -> None:
    async with open_log(any_settings) as hub:
        key = await made(hub.store, declared())
        await taken(hub.store, key, ONE)
        waiting = Waiting(hub.store, key)
        for _ in range(5):
            assert not await waiting.may_take_after(LEASE_SECONDS / 2)
            await leases.write(hub.store, [report(key, ONE, 0)])
            await set_back(hub.store, key, micros)
        assert await waiting.may_take_after(0) is False


async def test_what_a_former_holder_reports_does_not_count(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared())
        await taken(hub.store, key, ONE)
        await taken(hub.store, key, TWO)
        reports = [report(key, ONE, 9, parked=[(3, "late")]), report(key, TWO, 4)]
        written = await leases.write(hub.store, reports)
        assert written.held == {TWO}
        [listed] = await states(hub.store)
        assert (listed.acked, listed.holder) == (4, TWO)
        assert listed.acked_at is not None
        assert not await parked.listing(hub.store)


async def test_the_last_report_ends_a_lease(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared())
        await taken(hub.store, key, ONE)
        await leases.write(hub.store, [report(key, ONE, 2, leaving=True)])
        waiting = Waiting(hub.store, key)
        assert await waiting.may_take_after(0)
        assert await taken(hub.store, key, TWO) == 2


async def test_many_take_a_lease_at_once_and_one_gets_it(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        key = await made(hub.store, declared())
        free, _ = await leases.look(hub.store, key)
        found = await asyncio.gather(
            *(leases.take(hub.store, key, free, f"{n:016x}") for n in range(8))
        )
        assert sorted(found, key=str) == [0] + [None] * 7


async def test_two_creations_at_once_make_one_subscription(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        await Administration(hub.store).add_consumer(NewConsumer(name="service"))
        one, other = declared(shards=3), declared(shards=2)
        await asyncio.gather(
            administration.create(hub.store, one, 1), administration.create(hub.store, other, 2)
        )
        listed = await states(hub.store)
        assert len(listed) == listed[0].shards
        assert {each.acked for each in listed} == {1 if listed[0].shards == 3 else 2}
        loser = other if listed[0].shards == 3 else one
        with pytest.raises(SubscriptionMismatch):
            await administration.find(hub.store, loser)


async def test_resharding_starts_every_shard_at_the_least_cursor(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared(shards=2), 5)
        await taken(hub.store, key, ONE)
        await leases.write(hub.store, [report(key, ONE, 9)])
        assert await administration.reshard(hub.store, "service", "billing", 3) == 5
        listed = await states(hub.store)
        assert [(each.shard, each.shards, each.acked) for each in listed] == [
            (0, 3, 5),
            (1, 3, 5),
            (2, 3, 5),
        ]
        assert (await leases.write(hub.store, [report(key, ONE, 9)])).held == set()


async def test_parked_receipts_are_replayed_settled_and_dropped(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared())
        await taken(hub.store, key, ONE)
        aside = [(position, "poison") for position in (2, 3, 4)]
        await leases.write(hub.store, [report(key, ONE, 5, parked=aside)])
        assert await leases.parked(hub.store, key, 0) == {2, 3, 4}
        assert await leases.parked(hub.store, key, 3) == {4}
        assert await parked.replay(hub.store, "service", "billing", [2, 3]) == 2
        written = await leases.write(hub.store, [report(key, ONE, 5)])
        assert written.replays == {}
        written = await leases.write(hub.store, [report(key, ONE, 5, replays_after=0)])
        assert written.replays == {ONE: [2, 3]}
        settling = report(key, ONE, 5, settled=[2], replays_after=0)
        assert (await leases.write(hub.store, [settling])).replays == {ONE: [3]}
        assert await parked.drop(hub.store, "service", "billing", [3]) == 1
        assert [each.position for each in await parked.listing(hub.store, "service")] == [4]
        with pytest.raises(NotFound):
            await parked.replay(hub.store, "service", "billing", [99])
        await administration.remove(hub.store, "service", "billing")
        assert not await parked.listing(hub.store)
        with pytest.raises(NotFound):
            await administration.remove(hub.store, "service", "billing")


async def test_lag_is_of_the_whole_log_and_its_age_of_the_next_receipt(
    any_settings: Settings,
) -> None:
    metrics = Metrics()
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        await made(hub.store, declared("behind", shards=2), 7)
        await made(hub.store, declared("there"), 10)
        behind, _, there = await states(hub.store)
        assert (behind.lag, there.lag, there.lag_seconds) == (3, 0, 0)
        assert behind.lag_seconds > 0
        show(metrics, await states(hub.store))
        shown = generate_latest(metrics.registry).decode()
        assert 'hub_subscription_lag{consumer="service",name="behind"} 3.0' in shown
        assert 'hub_subscription_held{consumer="service",name="there"} 0.0' in shown
        show(metrics, [there])
        assert 'name="behind"' not in generate_latest(metrics.registry).decode()


async def test_what_is_parked_is_counted_once_for_all_shards_and_not_for_metrics(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared(shards=3))
        await taken(hub.store, key, ONE)
        await leases.write(hub.store, [report(key, ONE, 5, parked=[(2, "a"), (3, "b")])])
        with statements(reader_of(hub.store)) as read:
            assert [each.parked for each in await states(hub.store)] == [2, 2, 2]
        assert sum("FROM parked" in statement for statement, _ in read) == 1
        with statements(reader_of(hub.store)) as read:
            assert len(await states(hub.store, counts_parked=False)) == 3
        assert not any("parked" in statement for statement, _ in read)


async def test_each_shard_shows_when_it_was_last_acknowledged(any_settings: Settings) -> None:
    metrics = Metrics()
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key = await made(hub.store, declared(shards=2))
        await taken(hub.store, key, ONE)
        before = time.time()
        await leases.write(hub.store, [report(key, ONE, 9)])
        after = time.time()
        show(metrics, await states(hub.store))
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


async def test_only_what_is_still_to_be_sent_again_is_read_for_it(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        key, other = await made(hub.store, declared()), await made(hub.store, declared("other"))
        await taken(hub.store, key, ONE)
        await taken(hub.store, other, TWO)
        aside = [(position, "poison") for position in (2, 3, 4, 5)]
        both = [report(key, ONE, 6, parked=aside), report(other, TWO, 6, parked=aside)]
        await leases.write(hub.store, both)
        await parked.replay(hub.store, "service", "billing", [5, 3, 2])
        await parked.drop(hub.store, "service", "billing", [3])
        found = await parked.replayed(hub.log, key, [2, 3, 4, 5])
        assert [entry.position for entry in found] == [2, 5]
        assert await parked.replayed(hub.log, other, [2, 3, 4, 5]) == []


def test_replays_are_asked_for_in_pages_and_each_is_sent_once() -> None:
    lease = Lease(Key(1, "billing", 0), asyncio.Event())
    first = lease.report()
    assert first.replays_after == 0
    lease.written(first, range(1, REPLAYS_AT_ONCE + 1), 0)
    assert lease.report().replays_after is None
    assert lease.take_replays(2) == [1, 2]
    lease.take_replays(REPLAYS_AT_ONCE)
    second = lease.report()
    assert second.replays_after == REPLAYS_AT_ONCE
    lease.written(second, [2000], 0)
    assert lease.take_replays(10) == [2000]
    third = lease.report()
    assert third.replays_after == 0  # what was asked for meanwhile may be older
    lease.written(third, [1, 2, 3, 500, 5000], 0)
    assert lease.take_replays(10) == [5000]


def test_a_replay_that_is_parked_once_more_may_be_sent_once_more() -> None:
    lease = Lease(Key(1, "billing", 0), asyncio.Event())
    lease.begin(9, 0)
    lease.written(lease.report(), [4], 0)
    lease.ledger.send((), 9, lease.take_replays(1))
    lease.park(4, "still a poison")
    lease.written(lease.report(), [], 0)
    lease.written(lease.report(), [4], 0)
    assert lease.take_replays(1) == [4]


async def test_what_is_set_aside_and_not_to_be_sent_again_is_not_looked_at(
    settings: Settings,
) -> None:
    async with open_log(settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(500)))
        key = await made(hub.store, declared())
        await taken(hub.store, key, ONE)
        aside = [(position, "poison") for position in range(1, 501)]
        await leases.write(hub.store, [report(key, ONE, 1, parked=aside)])
        await parked.replay(hub.store, "service", "billing", [1])
        with statements(writer_of(hub.store)) as written, statements(reader_of(hub.store)) as read:
            await leases.write(hub.store, [report(key, ONE, 1, replays_after=0)])
            await leases.parked(hub.store, key, 490)
        with reader_of(hub.store).connect() as connection:
            steps = [
                step.detail
                for statement, values in written + read
                for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                if "parked" in step.detail
            ]
    conditions = "(consumer=? AND subscription=?"
    assert [step.partition(" INDEX ")[2] for step in steps] == [
        f"parked_to_replay {conditions})",
        f"parked_to_replay {conditions} AND position>?)",
        f"sqlite_autoindex_parked_1 {conditions} AND position>?)",
    ]
