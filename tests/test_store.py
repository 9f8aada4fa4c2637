"""The one way into the database: moments, failures, lanes."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import await_only
from sqlmodel import Session, col

from hub.database.columns import table
from hub.database.store import Store, opened
from hub.database.tables import Consumer, Log, Provider
from hub.errors import StoreUnavailable
from hub.settings import Settings
from hub.upkeep.purge import receipts
from tests.engines import execute, rows
from tests.making import open_log, receipt

MANY = 40_000
"""More than one statement takes parameters, on either database."""


def meanwhile(store: Store) -> Callable[[Coroutine[Any, Any, object]], object]:
    """What waits, inside a transaction, for something else to be done."""
    loop = asyncio.get_running_loop()
    if store.settings.embedded:  # transactions run in threads
        return lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(10)
    return await_only


@pytest.mark.parametrize("unhurried", [False, True])
async def test_all_that_one_read_sees_is_of_one_moment(
    any_settings: Settings, *, unhurried: bool
) -> None:
    heads = select(col(Log.head))
    async with opened(any_settings) as store:
        wait_for = meanwhile(store)

        def work(session: Session) -> list[object]:
            before = session.connection().execute(heads).scalar()
            wait_for(execute(store, update(table(Log)).values(head=7)))
            return [before, session.connection().execute(heads).scalar()]

        assert await store.read(work, unhurried=unhurried) == [0, 0]
        assert await rows(store, heads) == [(7,)]


async def test_a_purge_in_the_middle_of_a_page_leaves_no_gap_in_it(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(*(receipt(f"m{number}") for number in range(5)))
        wait_for = meanwhile(hub.store)

        def work(snapshot: Any) -> tuple[int, int]:
            wait_for(hub.store.write(lambda session: receipts(session.connection(), bound=4)))
            count = text("SELECT count(*) FROM receipt")
            kept = snapshot.connection.execute(count).scalar_one()
            return snapshot.bounds.oldest, kept

        assert await hub.log.snapshot(work) == (1, 5)
        assert (await hub.log.bounds()).oldest == 4


async def test_a_read_may_not_write(any_settings: Settings) -> None:
    statement = update(table(Log)).values(head=7)
    async with opened(any_settings) as store:
        with pytest.raises((StoreUnavailable, DBAPIError)):
            await store.read(lambda session: session.connection().execute(statement))
        assert await rows(store, select(col(Log.head))) == [(0,)]


async def test_any_number_of_values_is_looked_up(any_settings: Settings) -> None:
    column = col(Provider.id)
    async with open_log(any_settings) as hub:

        def work(session: Session) -> list[int]:
            conditions = hub.store.dialect.among(column, range(MANY))
            found = (session.connection().execute(select(column).where(c)) for c in conditions)
            return sorted(row.id for some in found for row in some)

        assert await hub.store.read(work) == [1, 2]
        assert hub.store.dialect.among(column, []) == []


async def test_a_value_that_the_database_refuses_is_not_an_absent_store(
    any_settings: Settings,
) -> None:
    def twice(session: Session) -> None:
        for _ in range(2):
            session.add(Consumer(name="same", token_hash=b"", scopes=[], created_at=0))

    def too_large(session: Session) -> None:
        session.add(Consumer(name="large", token_hash=b"", scopes=[], created_at=2**64))

    async with opened(any_settings) as store:
        for work in (twice, too_large):
            with pytest.raises((DBAPIError, OverflowError)):
                await store.write(work)
        assert await rows(store, select(func.count(col(Consumer.id)))) == [(0,)]


async def test_too_many_parameters_are_the_statements_fault_and_no_absent_store(
    settings: Settings, postgres_url: str
) -> None:
    there = settings.model_copy(update={"database_url": postgres_url})
    async with opened(there) as store:
        statement = select(col(Provider.id)).where(col(Provider.id).in_(range(MANY)))
        with pytest.raises(DBAPIError):
            await rows(store, statement)


async def test_short_reads_wait_for_no_long_ones(any_settings: Settings) -> None:
    async with opened(any_settings) as store:
        done, wait_for = asyncio.Event(), meanwhile(store)

        def long(session: Session) -> None:
            session.connection()
            wait_for(done.wait())

        reads = [asyncio.create_task(store.read(long, unhurried=True)) for _ in range(20)]
        await asyncio.sleep(0)
        for _ in range(5):
            assert await rows(store, select(col(Log.head))) == [(0,)]
        assert not any(read.done() for read in reads)
        done.set()
        await asyncio.gather(*reads)


async def test_a_write_that_is_cancelled_is_over_before_the_next_begins(
    settings: Settings,
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        session.connection().execute(update(table(Log)).values(head=1))
        begun.set()
        go_on.wait(10)

    async with opened(settings) as store:
        first = asyncio.create_task(store.write(slow))
        await asyncio.to_thread(begun.wait, 10)
        first.cancel()
        second = asyncio.create_task(execute(store, update(table(Log)).values(callbacks=1)))
        await asyncio.sleep(0)
        assert not second.done()
        go_on.set()
        await second
        [row] = await rows(store, select(col(Log.head), col(Log.callbacks)))
        assert tuple(row) == (1, 1)
