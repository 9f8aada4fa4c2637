"""Looking at a store, and at what it does, past the code that is tested."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Executable, Row, event
from sqlmodel import Session

from hub.database.store import Store


def writer_of(store: Store) -> Engine:
    """The engine that commits."""
    return store._transactions.writer  # type: ignore[attr-defined,no-any-return]


def reader_of(store: Store) -> Engine:
    """The engine that reads."""
    return store._transactions.reader  # type: ignore[attr-defined,no-any-return]


async def rows(store: Store, statement: Executable) -> Sequence[Row[Any]]:
    """What *statement* finds."""
    return await store.read(lambda session: session.connection().execute(statement).all())


async def execute(store: Store, statement: Executable, values: Any = None) -> None:
    """Commit *statement*."""

    def work(session: Session) -> None:
        session.connection().execute(statement, values)

    await store.write(work)


@contextmanager
def statements(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """What is executed on *engine* meanwhile, each with its values."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Connection, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        seen.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@asynccontextmanager
async def held(store: Store) -> AsyncIterator[None]:
    """Nothing else is committed on this embedded database meanwhile."""
    holding, done = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        session.connection()
        holding.set()
        done.wait(30)

    task = asyncio.create_task(store.write(hold))
    try:
        await asyncio.to_thread(holding.wait, 10)
        yield
    finally:
        done.set()
        await task
