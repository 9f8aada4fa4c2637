"""SQLite: the embedded database."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hub.database.dialect import Fault, Result
from hub.errors import StartError
from hub.settings import Settings

READERS = 4
"""Connections for reads; each is a thread with a page cache of its own."""

_DATA_ERRORS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError)

_ADVICE = {
    "full": "the disk is full: free space; the hub resumes by itself",
    "readonly": "the database file or its folder cannot be written: check owner and permissions",
    "locked": "another process holds the database's write lock: end it; one hub per SQLite file",
    "malformed": "the database file is damaged: stop the hub and restore a backup",
    "not a database": "the database file is damaged: stop the hub and restore a backup",
    "unable to open": "the database file cannot be opened: check the data dir",
    "disk i/o": "the disk reports errors: check it",
}


def file(settings: Settings) -> Path:
    """The database file."""
    return Path(make_url(settings.store_url).database or "hub.db")


def writer(settings: Settings) -> AsyncEngine:
    """One connection whose transactions take the write lock at once; commits reach the disk."""
    _file(file(settings))
    engine = create_async_engine(
        settings.store_url, pool_size=1, max_overflow=0, hide_parameters=True
    )
    _prepare(engine.sync_engine, _writing(settings), "BEGIN IMMEDIATE")
    return engine


def writing(settings: Settings, writer: AsyncEngine) -> "_OneThread":
    """
    Transactions in a thread of their own.  Those on *writer* take turns with them: its only
    connection is held meanwhile, idle.
    """
    return _OneThread(settings, _writing(settings), "BEGIN IMMEDIATE", writer)


def reading(settings: Settings, _reader: AsyncEngine) -> "_OneThread":
    """Reads in a thread of their own."""
    return _OneThread(settings, _reading(settings), "BEGIN", None)


class _OneThread:
    """
    A transaction of ten statements costs one change of threads here, and thirty through an
    asynchronous driver.
    """

    def __init__(
        self, settings: Settings, pragmas: dict[str, Any], begin: str, turn: AsyncEngine | None
    ) -> None:
        self._turn = turn
        self._engine = create_engine(
            make_url(settings.store_url).set(drivername="sqlite"),
            connect_args={"check_same_thread": False},
            pool_size=1,
            max_overflow=0,
            hide_parameters=True,
        )
        _prepare(self._engine, pragmas, begin)
        self._thread = ThreadPoolExecutor(1, "sqlite")

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        if self._turn is None:
            return await self._run(work)
        async with self._turn.connect():
            return await self._run(work)

    async def reconnect(self) -> None:
        self._engine.dispose()
        if self._turn is not None:
            await self._turn.dispose()

    async def close(self) -> None:
        self._thread.shutdown()
        self._engine.dispose()

    async def _run(self, work: Callable[[Connection], Result]) -> Result:
        running = asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])  # the turn ends when the transaction does
            raise

    def _work(self, work: Callable[[Connection], Result]) -> Result:
        with self._engine.begin() as connection:
            return work(connection)


def reader(settings: Settings) -> AsyncEngine:
    """A few connections that cannot write; each transaction sees one moment."""
    engine = create_async_engine(
        settings.store_url,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,
    )
    _prepare(engine.sync_engine, _reading(settings), "BEGIN")
    return engine


def fault(error: BaseException) -> Fault:
    """Constraints, types and encodings are the data's fault; all else is the database's."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error) and not isinstance(original, _DATA_ERRORS):
        return Fault.UNAVAILABLE
    if isinstance(original, (OSError, TimeoutError)):
        return Fault.UNAVAILABLE
    return Fault.DATA


def advice(error: BaseException) -> str:
    """What an operator should do about *error*."""
    text = str(error).lower()
    return next((words for sign, words in _ADVICE.items() if sign in text), "check the database")


def announce(connection: Connection, head: int) -> None:
    """One process only: the hub's own event wakes its readers."""


async def listen(_settings: Settings, _heard: Callable[[], None]) -> None:
    """Nobody else announces anything."""


def _file(path: Path) -> None:
    """Make the database file, for its owner alone; SQLite makes those beside it alike."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        message = f"HUB_DATA_DIR: cannot write {path}: {error.strerror}"
        raise StartError(message) from error


def _writing(settings: Settings) -> dict[str, Any]:
    return {
        "journal_mode": "WAL",
        "synchronous": "FULL",
        "busy_timeout": round(settings.lock_seconds * 1000),
        "cache_size": -65536,
        "temp_store": "MEMORY",
        "wal_autocheckpoint": 0,  # `hub.upkeep.checkpoints` does it beside the commits
        "journal_size_limit": 67_108_864,
    }


def _reading(settings: Settings) -> dict[str, Any]:
    return {
        "busy_timeout": round(settings.lock_seconds * 1000),
        "query_only": "ON",
        "cache_size": -16384,
        "mmap_size": 268_435_456,
        "temp_store": "MEMORY",
    }


def _prepare(engine: Engine, pragmas: dict[str, Any], begin: str) -> None:
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin below, not inside the driver
        cursor = connection.cursor()
        for name, value in pragmas.items():
            cursor.execute(f"PRAGMA {name}={value}")
        cursor.close()

    def began(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", began)
