"""SQLite: the embedded database."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hub.errors import StartError
from hub.log.dialect import Fault
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
    _folder(file(settings))
    engine = create_async_engine(settings.store_url, pool_size=1, max_overflow=0)
    pragmas = {
        "journal_mode": "WAL",
        "synchronous": "FULL",
        "busy_timeout": round(settings.lock_seconds * 1000),
        "cache_size": -65536,
        "temp_store": "MEMORY",
        "wal_autocheckpoint": 2000,
        "journal_size_limit": 67_108_864,
    }
    _prepare(engine, pragmas, "BEGIN IMMEDIATE")
    return engine


def reader(settings: Settings) -> AsyncEngine:
    """A few connections that cannot write; each transaction sees one moment."""
    engine = create_async_engine(
        settings.store_url, pool_size=READERS, max_overflow=0, pool_timeout=10
    )
    pragmas = {
        "busy_timeout": round(settings.lock_seconds * 1000),
        "query_only": "ON",
        "cache_size": -16384,
        "mmap_size": 268_435_456,
        "temp_store": "MEMORY",
    }
    _prepare(engine, pragmas, "BEGIN")
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


async def announce(connection: AsyncConnection, head: int) -> None:
    """One process only: the hub's own event wakes its readers."""


def _folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"HUB_DATA_DIR: cannot make {path.parent}: {error.strerror}"
        raise StartError(message) from error


def _prepare(engine: AsyncEngine, pragmas: dict[str, Any], begin: str) -> None:
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin below, not inside the driver
        cursor = connection.cursor()
        for name, value in pragmas.items():
            cursor.execute(f"PRAGMA {name}={value}")
        cursor.close()

    def began(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", began)
