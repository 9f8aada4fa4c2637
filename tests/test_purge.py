"""A purge costs what it removes: it neither looks at what is young nor changes what is done."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, event, func, insert, select, text
from sqlmodel import Session, col

from hub.database.columns import table
from hub.database.sqlite import file
from hub.database.tables import Callback, Fingerprint, ParkedRow
from hub.filter import Filter
from hub.log.write.arrival import Unreadable
from hub.receipt import Receipt, Status
from hub.settings import Settings
from hub.upkeep import purge
from hub.upkeep.purge import BYTES_AT_ONCE, ROWS_AT_ONCE, Removed
from tests.engines import execute, rows, statements, writer_of
from tests.making import OpenLog, arrival, open_log, receipt
from tests.test_retention import in_days, subscribe, sweeper

Step = Callable[[Connection], Removed]

NOTHING_DUE: dict[str, Step] = {
    "receipts": partial(purge.receipts, bound=1),
    "messages": partial(purge.messages, limit=1),
    "callbacks": partial(purge.callbacks, cutoff=1),
    "bodies": partial(purge.bodies, cutoff=1),
    "quarantine": partial(purge.quarantine, cutoff=1),
}


async def fill(hub: OpenLog, callbacks: int) -> None:
    """*callbacks* of one receipt and one unreadable item each."""
    await asyncio.gather(
        *(
            hub.writer.write(
                replace(arrival(receipt(f"m{n}")), unreadable=[Unreadable("OLD", b"%d" % n)])
            )
            for n in range(callbacks)
        )
    )


async def took(hub: OpenLog, step: Step) -> Removed:
    """What one transaction of *step* removed."""
    return await hub.store.write(lambda session: step(session.connection()))


async def without_receipts(hub: OpenLog) -> None:
    """Purge all receipts, and nothing else."""
    while await took(hub, partial(purge.receipts, bound=2**40)):
        """On to the next slice."""


async def work_of(hub: OpenLog, settings: Settings, step: Step) -> int:
    """How much *step* looks at: instructions of SQLite's machine, or rows that PostgreSQL read."""
    if settings.embedded:
        return await asyncio.to_thread(_instructions, file(settings), step)

    def work(session: Session) -> int:
        connection = session.connection()
        connection.execute(text("ANALYZE"))
        read = text(
            "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))"
            " FROM pg_stat_xact_user_tables"
        )
        before = connection.execute(read).scalar_one()
        step(connection)
        return int(connection.execute(read).scalar_one() - before)

    return await hub.store.write(work)


def _instructions(database: Path, step: Step) -> int:
    engine = create_engine(f"sqlite:///{database}")
    steps = count()

    @event.listens_for(engine, "connect")
    def _counted(connection: object, _record: object) -> None:
        connection.set_progress_handler(lambda: next(steps) < 0, 1)  # type: ignore[attr-defined]

    with engine.begin() as connection:
        started = next(steps)
        step(connection)
        return next(steps) - started


@pytest.mark.parametrize("what", NOTHING_DUE)
async def test_a_purge_with_nothing_due_looks_at_no_more_of_a_longer_log(
    any_settings: Settings, what: str
) -> None:
    async with open_log(any_settings) as hub:
        await fill(hub, 300)
        await without_receipts(hub)
        short = await work_of(hub, any_settings, NOTHING_DUE[what])
        await fill(hub, 1200)
        await without_receipts(hub)
        long = await work_of(hub, any_settings, NOTHING_DUE[what])

    assert long <= short + 10


async def test_what_was_purged_is_not_changed_again_by_a_hub_that_starts_anew(
    any_settings: Settings,
) -> None:
    settings = any_settings.model_copy(update={"raw_retention_days": 5.0})
    async with open_log(any_settings) as hub:
        await fill(hub, 600)
        first = await sweeper(hub, settings).sweep(in_days(6))
        again = await sweeper(hub, settings).sweep(in_days(6))

        assert (first.callbacks, first.quarantined) == (600, 600)
        assert (again.callbacks, again.quarantined) == (0, 0)


async def test_a_message_that_late_receipts_kept_goes_with_the_last_of_them(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{n}", Status.SENT) for n in range(300)))
        await hub.post(*(receipt(f"m{n}") for n in range(10)))
        await subscribe(hub, acked=300)
        retention = sweeper(hub, any_settings)

        early = await retention.sweep(in_days(35.5))
        late = await retention.sweep(in_days(38))

        assert (early.receipts, early.messages) == (300, 290)
        assert (late.receipts, late.messages) == (10, 10)
        assert (await hub.log.messages(Filter(), limit=10)).messages == []


async def test_what_was_set_aside_goes_with_its_receipt(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{n}") for n in range(300)))
        await subscribe(hub, acked=300)
        await set_aside(hub, *range(1, 301))
        await took(hub, partial(purge.receipts, bound=280))
        await took(hub, partial(purge.receipts, bound=280))

        slices = [await took(hub, purge.parked) for _ in range(3)]

        assert slices == [{"parked": ROWS_AT_ONCE}, {"parked": 29}, None]
        left = await rows(hub.store, select(col(ParkedRow.position)))
        assert sorted(row.position for row in left) == list(range(280, 301))
        swept = await sweeper(hub, any_settings).sweep(in_days(31))
        assert (swept.receipts, swept.parked) == (21, 21)


async def test_looking_for_what_was_set_aside_costs_no_more_where_there_is_more(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{n}") for n in range(1000)))
        await subscribe(hub, acked=1000)
        await set_aside(hub, *range(1, 101))
        few = await work_of(hub, any_settings, purge.parked)
        await set_aside(hub, *range(101, 1001))
        many = await work_of(hub, any_settings, purge.parked)

    assert many <= few + 10


async def set_aside(hub: OpenLog, *positions: int) -> None:
    given = {"consumer": 1, "subscription": "billing", "reason": "odd"}
    rows = [given | {"position": p, "parked_at": 1, "replay": False} for p in positions]
    await execute(hub.store, insert(table(ParkedRow)), rows)


async def test_a_slice_frees_no_more_bytes_than_its_bound(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        for n in range(5):
            body = bytes(BYTES_AT_ONCE // 2)
            await hub.writer.write(replace(arrival(receipt(f"m{n}")), body=body))
        step = partial(purge.bodies, cutoff=in_days(1))

        slices = [await took(hub, step) for _ in range(4)]

        assert [freed and freed["body"] for freed in slices] == [2, 2, 1, None]


async def test_callbacks_go_once_their_last_receipt_is_purged(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"a{n}") for n in range(10)))
        await hub.post(*(receipt(f"b{n}") for n in range(10)))
        step = partial(purge.callbacks, cutoff=in_days(1))

        left = []
        for bound in (10, 11, 20, 21):
            await took(hub, partial(purge.receipts, bound=bound))
            await took(hub, step)
            [(number,)] = await rows(hub.store, select(func.count(col(Callback.id))))
            left.append(number)

        assert left == [2, 1, 1, 0]


def crowd(count: int) -> list[Receipt]:
    """Receipts of one message, each another one."""
    return [receipt(status=Status.SENT, raw_time=str(n)) for n in range(count)]


async def test_all_receipts_of_a_crowded_message_are_known_after_their_purge(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*crowd(45))
        await hub.post(*(replace(one, corrects=1) for one in crowd(45)))
        await without_receipts(hub)

        again = [
            await hub.post(*crowd(45)),
            await hub.post(*(replace(one, corrects=1) for one in crowd(45))),
        ]

        assert [(each.receipts, each.duplicates) for each in again] == [(0, 45), (0, 45)]


async def test_a_commit_looks_at_no_more_fingerprints_than_came(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*crowd(2000))
        with statements(writer_of(hub.store)) as seen:
            outcome = await hub.post(*crowd(2001)[-2:])

        assert (outcome.receipts, outcome.duplicates) == (1, 1)
        asked = [values for text, values in seen if "FROM fingerprint" in text]
        assert [len(values) for values in asked] == [4]
        assert not [text for text, _ in seen if "FROM receipt" in text]


async def test_a_crowded_message_goes_with_all_its_fingerprints_slice_by_slice(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*crowd(32 + ROWS_AT_ONCE + 5))
        await hub.post(receipt("other"))
        await without_receipts(hub)
        step = partial(purge.messages, limit=in_days(1))

        slices = [await took(hub, step) for _ in range(3)]

        assert slices == [
            {"fingerprint": ROWS_AT_ONCE},
            {"fingerprint": 5, "message": 2},
            None,
        ]
        assert await rows(hub.store, select(table(Fingerprint))) == []


async def test_a_crowded_message_kept_by_a_late_receipt_goes_after_it(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*crowd(40), receipt("other"))
        await hub.post(*crowd(41)[-1:])
        sweep = partial(purge.messages, limit=in_days(1))
        await took(hub, partial(purge.receipts, bound=42))
        early = [await took(hub, sweep), await took(hub, sweep)]
        await took(hub, partial(purge.receipts, bound=43))
        late = [await took(hub, sweep), await took(hub, sweep)]

        assert early == [{"fingerprint": 0, "message": 1}, None]
        assert late == [{"fingerprint": 9, "message": 1}, None]
        assert await rows(hub.store, select(table(Fingerprint))) == []
