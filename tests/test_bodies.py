"""Large and hostile bodies: whatever a body holds within the limits is taken at the first try."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from hub.database.columns import table
from hub.database.tables import Callback
from hub.errors import StoreUnavailable
from hub.log.write.arrival import Arrival, Outcome, Unreadable
from hub.receipt import Receipt
from hub.settings import Settings
from tests.engines import rows, statements, writer_of
from tests.making import OpenLog, open_log, receipt
from tests.providing import STORED, Providing, body, providing


def numbers(count: int) -> bytes:
    """A body of items each of which is unreadable, and another one."""
    return json.dumps({"smsResult": list(range(count))}).encode()


def mixed(readable: int, unreadable: int) -> bytes:
    items = [{"smsId": f"m{number}", "status": "0"} for number in range(readable)]
    return json.dumps({"smsResult": [*items, *range(unreadable)]}).encode()


async def quarantine(at: Providing) -> list[tuple[str, bool, int]]:
    """Reason, whether it is a whole body, and count."""
    items = (await at.hub.log.quarantine(visible=None, limit=200)).items
    return [(item.reason, item.whole, item.count) for item in items]


async def callbacks(hub: OpenLog) -> list[Any]:
    return list(await rows(hub.store, select(table(Callback)).order_by(col(Callback.id))))


async def test_of_one_body_a_hundred_unreadable_items_are_kept_one_by_one(
    any_settings: Settings,
) -> None:
    async with providing(any_settings) as at:
        assert await at.post(mixed(2, 100)) == STORED
        assert await quarantine(at) == [("NO_OBJECT", False, 1)] * 100
        assert len(await at.entries()) == 2


async def test_more_unreadable_items_are_kept_as_the_whole_body_once(
    any_settings: Settings,
) -> None:
    async with providing(any_settings) as at:
        for _ in range(2):
            assert await at.post(numbers(3000)) == STORED
            assert await at.post(mixed(2, 101)) == STORED
        assert await quarantine(at) == [("TOO_MANY", True, 2)] * 2
        assert len(await at.entries()) == 2
        [first, _] = (await at.hub.log.quarantine(visible=None, limit=2)).items
        raw = await at.hub.log.raw_bytes([first.id])
        assert (raw, first.callback) == ({first.id: mixed(2, 101)}, 1)


async def test_a_hundred_unreadable_items_take_no_more_statements_than_one(
    any_settings: Settings,
) -> None:
    def unreadable(start: int, count: int) -> Arrival:
        items = [Unreadable("BAD", str(start + number).encode()) for number in range(count)]
        return Arrival(1, "p1", "test/1", 1, b"{}", unreadable=items)

    async with open_log(any_settings) as hub:
        with statements(writer_of(hub.store)) as few:
            await hub.writer.write(unreadable(0, 1))
        with statements(writer_of(hub.store)) as many:
            await hub.writer.write(unreadable(1000, 100))
        assert 0 < len(many) <= len(few)


def batch(count: int) -> list[Receipt]:
    return [receipt(f"m{number}") for number in range(count)]


async def test_an_arrival_of_more_than_a_batch_lets_others_go_between_its_parts(
    any_settings: Settings,
) -> None:
    small_batches = any_settings.model_copy(update={"commit_batch": 10})
    async with open_log(small_batches) as hub:
        answered: list[str] = []

        async def write(name: str, *receipts: Receipt) -> Outcome:
            outcome = await hub.post(*receipts)
            answered.append(name)
            return outcome

        large, *_ = await asyncio.gather(
            write("large", *batch(100)),
            write("first", receipt("a")),
            write("second", receipt("b")),
        )

        assert answered == ["first", "second", "large"]
        assert large == Outcome(100, 0, 0)
        counted = [(row.receipts, row.duplicates, row.quarantined) for row in await callbacks(hub)]
        assert counted == [(100, 0, 0), (1, 0, 0), (1, 0, 0)]
        assert {entry.position for entry in await hub.entries()} == set(range(1, 103))


async def test_others_are_not_told_that_the_queue_is_full_of_one_large_arrival(
    settings: Settings,
) -> None:
    tight = settings.model_copy(update={"commit_batch": 10, "commit_queue": 20})
    async with open_log(tight) as hub:
        taken = await asyncio.gather(hub.post(*batch(100)), hub.post(receipt("a")))
        assert [outcome.receipts for outcome in taken] == [100, 1]


async def test_what_was_taken_of_an_arrival_that_died_between_its_parts_is_known_again(
    any_settings: Settings,
) -> None:
    small_batches = any_settings.model_copy(update={"commit_batch": 10})
    async with open_log(small_batches) as hub:
        dying = asyncio.create_task(hub.post(*batch(100)))
        await hub.writer.committed.wait()
        dying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dying
        taken = len(await hub.entries())
        assert 0 < taken < 100

        again = await hub.post(*batch(100))

        assert again == Outcome(100 - again.duplicates, again.duplicates, 0)
        assert again.duplicates >= taken
        assert len(await hub.entries()) == 100


async def test_draining_waits_for_all_parts_and_takes_nothing_new(settings: Settings) -> None:
    small_batches = settings.model_copy(update={"commit_batch": 10})
    async with open_log(small_batches) as hub:
        large = asyncio.create_task(hub.post(*batch(100)))
        await hub.writer.committed.wait()
        await hub.writer.drain()
        assert len(await hub.entries()) == 100
        assert (await large).receipts == 100


async def test_a_writer_that_is_gone_leaves_no_part_waiting(settings: Settings) -> None:
    small_batches = settings.model_copy(update={"commit_batch": 10})
    async with open_log(small_batches) as hub:
        large = asyncio.create_task(hub.post(*batch(1000)))
        await hub.writer.committed.wait()
    with pytest.raises(StoreUnavailable):
        await large


MANY = 33_000
"""More than one statement takes parameters, on either database."""

FULL = {
    "distinct": [{"smsId": f"{number:x}"} for number in range(MANY)],
    "equal": [{"smsId": "k1"}] * 40_000,
    "mixed": [{"smsId": "k1"}, *range(20_000), {"smsId": "k2"}, *[{}] * 20_000, {"smsId": "k3"}],
}


@pytest.mark.timeout(400)  # tens of thousands of receipts, beside other tests
@pytest.mark.parametrize(("name", "stored"), [("distinct", MANY), ("equal", 1), ("mixed", 3)])
async def test_a_full_body_is_taken_at_the_first_try(
    any_settings: Settings, name: str, stored: int
) -> None:
    full = json.dumps({"smsResult": FULL[name]}, separators=(",", ":")).encode()
    assert len(full) < any_settings.max_body_bytes
    async with providing(any_settings) as at:
        assert await at.post(full, timeout=300) == STORED
        assert (await at.hub.log.bounds()).head == stored
        kept = [("TOO_MANY", True, 1)] if name == "mixed" else []
        assert await quarantine(at) == kept


async def test_a_large_body_is_answered_once_all_of_it_is_stored(any_settings: Settings) -> None:
    items = [{"smsId": str(number)} for number in range(1200)]
    async with providing(any_settings) as at:
        assert await at.post(body(*items)) == STORED
        assert [entry.message_id for entry in await at.entries()] == [i["smsId"] for i in items]
