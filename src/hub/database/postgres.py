"""PostgreSQL: several hubs share one log."""

import asyncio
import socket
from collections.abc import Callable, Collection, Iterator
from typing import Any, Literal, cast

import asyncpg
import structlog
from sqlalchemy import ColumnElement, Connection, any_, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlmodel import Session

from hub.database import postgres_indexes
from hub.database.dialect import READ_WAIT_SECONDS, Fault, Result, Work
from hub.receipt import Micros
from hub.settings import Settings

CHANNEL = "hub_head"
_WRITERS = 2
_SHORT_READS, _LONG_READS = 3, 5
LISTEN_AGAIN_SECONDS = 5.0
COMMIT_SECONDS = 10.0
"""Longest that a commit may take once it has the lock.  Limits of the server's own do not help
where the server, or the network in front of it, says nothing any more."""
READ_SECONDS = 30.0
"""Longest that a read may take."""

_SILENCE = READ_SECONDS + 5.0

logger = structlog.stdlib.get_logger(__name__)

_DATA_CLASSES = ("21", "22", "23", "54")
"""SQLSTATE: cardinality, data exception, integrity constraint, a limit of the program."""


class _Pools:
    """Connections of the asynchronous driver; several hubs write in turn."""

    def __init__(self, settings: Settings) -> None:
        limit = _milliseconds(settings.lock_seconds)
        limits = {"lock_timeout": limit, "idle_in_transaction_session_timeout": limit}
        self._writer = _engine(settings, _WRITERS, limits, "READ COMMITTED")
        limits = {"statement_timeout": _milliseconds(READ_SECONDS)}
        self._reader = _engine(
            settings, _SHORT_READS + _LONG_READS, limits, "REPEATABLE READ", _SILENCE
        ).execution_options(postgresql_readonly=True)
        self.writer, self.reader = self._writer.sync_engine, self._reader.sync_engine
        self.sql = self.writer.dialect
        self._write_seconds = settings.lock_seconds + COMMIT_SECONDS
        self._long_reads = asyncio.Semaphore(_LONG_READS)

    async def read(self, work: Work[Result], *, unhurried: bool) -> Result:
        if not unhurried:
            return await _transaction(self._reader, work)
        async with asyncio.timeout(READ_WAIT_SECONDS):
            await self._long_reads.acquire()
        try:
            return await _transaction(self._reader, work)
        finally:
            self._long_reads.release()

    async def write(self, work: Work[Result], *, unhurried: bool) -> Result:
        if unhurried:
            return await _transaction(self._writer, lambda session: work(_unlimited(session)))
        async with asyncio.timeout(self._write_seconds):
            return await _transaction(self._writer, work)

    async def checkpoint(self) -> bool:
        return True  # the server does it by itself

    async def reconnect(self) -> None:
        await self._writer.dispose()

    async def close(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()


def transactions(settings: Settings) -> _Pools:
    """
    Transactions on pools: those that write are READ COMMITTED, since they lock the log's row first
    and must see what was committed before; those that read are REPEATABLE READ, one moment.
    """
    return _Pools(settings)


def _unlimited(session: Session) -> Session:
    """*session*, which waits for locks and rests between statements as long as it takes."""
    for limit in ("lock_timeout", "idle_in_transaction_session_timeout"):
        session.connection().exec_driver_sql(f"SET LOCAL {limit} = 0")
    return session


async def _transaction(engine: AsyncEngine, work: Work[Result]) -> Result:
    session = AsyncSession(engine, expire_on_commit=False, sync_session_class=Session)
    async with session, session.begin():
        return await session.run_sync(lambda plain: work(cast("Session", plain)))


def fault(error: BaseException) -> Fault:
    """By PostgreSQL's own code; without one, what the driver refuses to send is the data's."""
    original = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None) or ""
    if state:
        return Fault.DATA if state.startswith(_DATA_CLASSES) else Fault.UNAVAILABLE
    if isinstance(original, OSError) or _broken(error):
        return Fault.UNAVAILABLE
    return Fault.DATA


def _broken(error: BaseException) -> bool:
    """Whether *error* tells of a connection, and of no statement."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, OperationalError)
    return isinstance(error, (asyncpg.InterfaceError, PoolTimeout))


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


def among(column: Any, values: Collection[Any]) -> list[ColumnElement[bool]]:
    """One array, which is one parameter, however many values it holds."""
    array = bindparam(None, list(values), type_=ARRAY(column.type))
    return [column == any_(array)] if values else []


def now(connection: Connection) -> Micros:
    """The server's clock, not that of the transaction's beginning."""
    clock = text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)")
    return int(connection.execute(clock).scalar_one())


def damage(connection: Connection) -> Iterator[str]:
    """Of indexes; a server that finds a page damaged says so by itself."""
    return postgres_indexes.damage(connection)


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


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


def _engine(
    settings: Settings,
    size: int,
    limits: dict[str, str],
    isolation: Literal["READ COMMITTED", "REPEATABLE READ"],
    seconds: float | None = None,
) -> AsyncEngine:
    return create_async_engine(
        settings.store_url,
        isolation_level=isolation,
        pool_size=size,
        max_overflow=0,
        pool_timeout=READ_WAIT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "timeout": 10,
            "command_timeout": seconds,
            "server_settings": {"application_name": "hub", "jit": "off", **limits},
        },
    )
