"""Promise 5: one filter, the same in SQL and in memory."""

import random
import time
from dataclasses import replace

from hub.filter import Filter
from hub.receipt import Entry, ErrorCategory, Order, Receipt, Status
from hub.settings import Settings
from tests.making import OpenLog, open_log, receipt

RECIPIENTS = ("+8613800138000", "+8613900139000", "", "short")
REFERENCES = ("", "r1", "r2")


def random_receipt(chance: random.Random) -> Receipt:
    status = chance.choice(list(Status))
    failed = status.failed
    return receipt(
        f"m{chance.randrange(40)}",
        status,
        recipient=chance.choice(RECIPIENTS),
        raw_time=str(chance.randrange(3)),
        error_category=chance.choice(list(ErrorCategory)[:4]) if failed else None,
        client_reference=chance.choice(REFERENCES),
        part=chance.choice((None, None, None, 1, 2)),
        segments=chance.choice((None, 1, 2)),
    )


def random_filter(chance: random.Random) -> Filter:
    def some(values: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(chance.sample(values, chance.randrange(1, 3))) if chance.random() < 0.3 else ()

    return Filter(
        providers=some(("p1", "p2", "p3")),  # type: ignore[arg-type]
        statuses=some(tuple(Status)),  # type: ignore[arg-type]
        error_categories=some(tuple(ErrorCategory)[:4]),  # type: ignore[arg-type]
        message_ids=some(tuple(f"m{n}" for n in range(40))),  # type: ignore[arg-type]
        recipients=some((*RECIPIENTS[:2], "short")),  # type: ignore[arg-type]
        client_references=some(REFERENCES[1:]),  # type: ignore[arg-type]
        applied_only=chance.random() < 0.2,
        visible=frozenset(("p1",)) if chance.random() < 0.2 else None,
    )


async def fill(hub: OpenLog, chance: random.Random, count: int) -> list[Entry]:
    for _ in range(count // 10):
        await hub.post(*(random_receipt(chance) for _ in range(10)), provider=chance.choice((1, 2)))
    return await hub.entries()


def expected(entries: list[Entry], wanted: Filter) -> list[Entry]:
    test = wanted.test()
    return [entry for entry in entries if test is None or test(entry)]


async def walk(hub: OpenLog, wanted: Filter, order: Order, limit: int) -> list[Entry]:
    """All pages, one after the other."""
    found: list[Entry] = []
    bound: dict[str, int] = {}
    while True:
        page = await hub.log.page(wanted, order=order, limit=limit, **bound)
        found += page.entries
        assert len(page.entries) <= limit
        if not page.more:
            return found
        bound = {"before" if order is Order.NEWEST_FIRST else "after": page.resume}


async def test_sql_and_memory_agree_on_every_filter_and_order(any_settings: Settings) -> None:
    chance = random.Random(7)
    async with open_log(any_settings) as hub:
        entries = await fill(hub, chance, 300)
        for _ in range(40):
            wanted = random_filter(chance)
            there = expected(entries, wanted)
            limit = chance.choice((1, 3, 50, 1000))

            assert await walk(hub, wanted, Order.OLDEST_FIRST, limit) == there, wanted
            assert await walk(hub, wanted, Order.NEWEST_FIRST, limit) == there[::-1], wanted


async def test_instants_bound_a_page_and_exclude_themselves(any_settings: Settings) -> None:
    chance = random.Random(11)
    async with open_log(any_settings) as hub:
        entries = await fill(hub, chance, 200)
        instants = sorted({entry.recorded_at for entry in entries})
        low, high = instants[2], instants[-3]

        page = await hub.log.page(
            Filter(),
            order=Order.OLDEST_FIRST,
            limit=1000,
            recorded_after=low,
            recorded_before=high,
        )

        assert page.entries == [e for e in entries if low < e.recorded_at < high]
        assert await hub.log.position_at(low) == sum(e.recorded_at < low for e in entries)
        assert await hub.log.position_at(0) == 0
        assert await hub.log.position_at(time.time_ns()) == len(entries)


async def test_messages_are_found_by_every_filter(any_settings: Settings) -> None:
    chance = random.Random(13)
    async with open_log(any_settings) as hub:
        entries = await fill(hub, chance, 300)
        latest = {e.key: e for e in entries}
        by_key = await hub.log.messages_by_key(list(latest), None)
        for _ in range(40):
            wanted = replace(random_filter(chance), applied_only=False)
            found = []
            before = None
            while True:
                page = await hub.log.messages(wanted, limit=chance.choice((2, 100)), before=before)
                found += page.messages
                if not page.more:
                    break
                before = page.resume
            references = set(wanted.client_references)
            matching = [
                m
                for m in by_key.values()
                if all(
                    getattr(m, c.field) in c.values
                    for c in wanted.conditions()
                    if c.field != "client_reference"
                )
                and (
                    not references
                    or any(e.key == m.key and e.client_reference in references for e in entries)
                )
            ]
            assert found == sorted(matching, key=lambda m: -m.id), wanted
