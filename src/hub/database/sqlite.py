"""SQLite: the embedded database."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from hub.database.dialect import READ_WAIT_SECONDS, Fault, Result, Work
from hub.errors import StartError
from hub.receipt import Micros
from hub.settings import Settings

_SHORT_READS, _LONG_READS = 2, 4
"""Threads for reads, each with a connection and a page cache of its own."""

_AMONG = 500
"""Values in one condition; SQLite takes some 32,000 in one statement."""

_DAMAGES = 20
"""Most of them that are told."""

_DATA_CODES = {
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_RANGE,
    sqlite3.SQLITE_TOOBIG,
}
"""The values' fault, whoever writes them."""

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


class _Threads:
    """
    A connection for each of a few threads.  A transaction of ten statements costs one change of
    threads so, and thirty through an asynchronous driver.
    """

    def __init__(self, settings: Settings) -> None:
        _make(file(settings))
        self.writer = _engine(settings, 1, _writing(settings), "BEGIN IMMEDIATE")
        """Its transactions take the write lock at once; its commits reach the disk."""
        self.reader = _engine(settings, _SHORT_READS + _LONG_READS, _reading(settings), "BEGIN")
        """Its connections cannot write; each transaction sees one moment."""
        self.sql = self.writer.dialect
        self._write = ThreadPoolExecutor(1, "sqlite-write")
        self._short = ThreadPoolExecutor(_SHORT_READS, "sqlite-read")
        self._long = ThreadPoolExecutor(_LONG_READS, "sqlite-read-long")

    async def read(self, work: Work[Result], *, unhurried: bool) -> Result:
        threads = self._long if unhurried else self._short
        running = threads.submit(_transaction, self.reader, work)
        waiting = asyncio.wrap_future(running)
        await asyncio.wait([waiting], timeout=READ_WAIT_SECONDS)
        if running.cancel():  # it has not even begun
            raise TimeoutError
        return await waiting

    async def write(self, work: Work[Result], *, unhurried: bool) -> Result:
        del unhurried  # nothing is in the way of the one writer but another process
        return await self._in_turn(lambda: _transaction(self.writer, work))

    async def checkpoint(self) -> bool:
        return await self._in_turn(self._truncate)

    async def reconnect(self) -> None:
        await self._in_turn(self.writer.dispose)

    async def close(self) -> None:
        for threads in (self._write, self._short, self._long):
            await asyncio.to_thread(threads.shutdown)
        self.writer.dispose()
        self.reader.dispose()

    async def _in_turn(self, work: Callable[[], Result]) -> Result:
        running = asyncio.wrap_future(self._write.submit(work))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])  # whoever comes next must not find it at work
            raise

    def _truncate(self) -> bool:
        # Not by SQLAlchemy, which would begin a transaction around it.
        connection = self.writer.raw_connection()
        try:
            cursor = connection.cursor()
            [(busy, *_)] = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return not busy
        finally:
            connection.close()


def transactions(settings: Settings) -> _Threads:
    """Transactions in threads, on the file of *settings*, which is made where there is none."""
    return _Threads(settings)


def _transaction(engine: Engine, work: Work[Result]) -> Result:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        return work(session)


def fault(error: BaseException) -> Fault:
    """By SQLite's own code; what has none is a type or an encoding that the driver refuses."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", None)
        return Fault.DATA if code is None or code & 0xFF in _DATA_CODES else Fault.UNAVAILABLE
    return Fault.UNAVAILABLE if isinstance(original, OSError) else Fault.DATA


def advice(error: BaseException) -> str:
    """What an operator should do about *error*."""
    text = str(error).lower()
    return next((words for sign, words in _ADVICE.items() if sign in text), "check the database")


def among(column: Any, values: Collection[Any]) -> list[ColumnElement[bool]]:
    """Some values at a time."""
    ordered = list(values)
    return [column.in_(ordered[at : at + _AMONG]) for at in range(0, len(ordered), _AMONG)]


def now(_connection: Connection) -> Micros:
    """The machine's clock: a file is of one machine."""
    return time.time_ns() // 1000


def damage(connection: Connection) -> Iterator[str]:
    """Of pages, and of indexes that are not what their tables hold."""
    found = connection.exec_driver_sql(f"PRAGMA integrity_check({_DAMAGES})")
    for (sentence,) in iter(found.fetchone, None):  # one by one: the next one may be an error
        if sentence != "ok":
            yield f"the database file is damaged: {sentence}"


def announce(connection: Connection, head: int) -> None:
    """One process only: the hub's own event wakes its readers."""


async def listen(_settings: Settings, _heard: Callable[[], None]) -> None:
    """Nobody else announces anything."""


def _make(path: Path) -> None:
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


def _engine(settings: Settings, size: int, pragmas: dict[str, Any], begin: str) -> Engine:
    engine = create_engine(
        make_url(settings.store_url).set(drivername="sqlite"),
        connect_args={"check_same_thread": False},
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,
    )
    _prepare(engine, pragmas, begin)
    return engine


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
