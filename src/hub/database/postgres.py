"""PostgreSQL: several hubs share one log."""

import asyncio
import socket
from collections.abc import Callable

import asyncpg
import structlog
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hub.database.dialect import Fault, Result
from hub.settings import Settings

CHANNEL = "hub_head"
READERS = 8
LISTEN_AGAIN_SECONDS = 5.0
COMMIT_SECONDS = 10.0
"""Longest that a commit may take once it has the lock.  Limits of the server's own do not help
where the server, or the network in front of it, says nothing any more."""
READ_SECONDS = 30.0
"""Longest that a read may take."""

_SILENCE_SECONDS = 5.0

logger = structlog.stdlib.get_logger(__name__)

_DATA_CLASSES = ("22", "23")  # SQLSTATE: data exception, integrity constraint violation


def writer(settings: Settings) -> AsyncEngine:
    """READ COMMITTED; a stopped holder of the lock loses it after `lock_seconds`."""
    milliseconds = str(round(settings.lock_seconds * 1000))
    return _engine(
        settings,
        2,
        {"lock_timeout": milliseconds, "idle_in_transaction_session_timeout": milliseconds},
    )


def reader(settings: Settings) -> AsyncEngine:
    """Short reads."""
    limit = {"statement_timeout": str(round(READ_SECONDS * 1000))}
    return _engine(settings, READERS, limit, READ_SECONDS + _SILENCE_SECONDS)


class _Pooled:
    """Transactions on connections of the pool."""

    def __init__(self, engine: AsyncEngine, seconds: float) -> None:
        self._engine, self._seconds = engine, seconds

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        async with asyncio.timeout(self._seconds), self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def reconnect(self) -> None:
        await self._engine.dispose()

    async def close(self) -> None:
        """The engine is closed by whoever opened it."""


def writing(settings: Settings, writer: AsyncEngine) -> _Pooled:
    """Transactions on *writer*."""
    return _Pooled(writer, settings.lock_seconds + COMMIT_SECONDS)


def reading(_settings: Settings, reader: AsyncEngine) -> _Pooled:
    """Transactions on *reader*."""
    return _Pooled(reader, READ_SECONDS + _SILENCE_SECONDS)


def fault(error: BaseException) -> Fault:
    """Bad values and constraints are the data's fault, and so are values the driver refuses."""
    original = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None) or ""
    if state:
        return Fault.DATA if state.startswith(_DATA_CLASSES) else Fault.UNAVAILABLE
    if isinstance(error, DBAPIError):
        return Fault.DATA if isinstance(error, (DataError, IntegrityError)) else Fault.UNAVAILABLE
    if isinstance(error, (OSError, TimeoutError, asyncpg.InterfaceError)):
        return Fault.UNAVAILABLE
    return Fault.DATA


_ADVICE = {
    "28": "PostgreSQL refuses the user or the password: check HUB_DATABASE_URL and"
    " HUB_DATABASE_PASSWORD_FILE",
    "3D": "there is no such database: check the name in HUB_DATABASE_URL, or create it",
    "42501": "PostgreSQL denies the user of HUB_DATABASE_URL a right: it must own its schema",
    "53100": "PostgreSQL's disk is full: free space; the hub resumes by itself",
    "53300": "PostgreSQL has no connection left: raise its max_connections",
    "55P03": "another transaction holds the log's row: end it",
    "57P": "PostgreSQL is starting or shutting down; the hub resumes by itself",
}


def advice(error: BaseException) -> str:
    """What an operator should do about *error*."""
    original = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None) or ""
    for start, words in _ADVICE.items():
        if state.startswith(start):
            return words
    if isinstance(original, socket.gaierror):
        return "the host in HUB_DATABASE_URL cannot be found: check its name"
    if isinstance(original, OSError):
        return (
            "nothing answers at the host and port of HUB_DATABASE_URL: check that PostgreSQL runs"
        )
    return "check that PostgreSQL runs, has disk space, and that no transaction holds the log row"


def announce(connection: Connection, head: int) -> None:
    """One NOTIFY per batch, with the head only; readers poll as well."""
    connection.execute(text(f"SELECT pg_notify('{CHANNEL}', :head)"), {"head": str(head)})


async def listen(settings: Settings, heard: Callable[[], None]) -> None:
    """Listen on a connection of its own, and begin again whenever that breaks."""
    url = make_url(settings.store_url).set(drivername="postgresql")
    while True:
        try:
            await _listen(url.render_as_string(hide_password=False), heard)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            logger.warning(
                "announcements of other hubs are not heard; the log is polled",
                error=type(error).__name__,
            )
        await asyncio.sleep(LISTEN_AGAIN_SECONDS)


async def _listen(url: str, heard: Callable[[], None]) -> None:
    ended = asyncio.Event()
    connection = await asyncpg.connect(url, timeout=10)
    try:
        connection.add_termination_listener(lambda _connection: ended.set())
        await connection.add_listener(CHANNEL, lambda *_announcement: heard())
        await ended.wait()
    finally:
        await connection.close(timeout=2)


def _engine(
    settings: Settings, size: int, limits: dict[str, str], seconds: float | None = None
) -> AsyncEngine:
    return create_async_engine(
        settings.store_url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "timeout": 10,
            "command_timeout": seconds,
            "server_settings": {"application_name": "hub", "jit": "off", **limits},
        },
    )
