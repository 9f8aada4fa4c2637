"""PostgreSQL: several hubs share one log."""

import asyncio
from collections.abc import Callable

import asyncpg
import structlog
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hub.log.dialect import Fault, Result
from hub.settings import Settings

CHANNEL = "hub_head"
READERS = 8
LISTEN_AGAIN_SECONDS = 5.0

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
    return _engine(settings, READERS, {"statement_timeout": "30000"})


class _Pooled:
    """Transactions on connections of the pool."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def reconnect(self) -> None:
        await self._engine.dispose()

    async def close(self) -> None:
        """The engine is closed by whoever opened it."""


def writing(_settings: Settings, writer: AsyncEngine) -> _Pooled:
    """Transactions on *writer*."""
    return _Pooled(writer)


def reading(_settings: Settings, reader: AsyncEngine) -> _Pooled:
    """Transactions on *reader*."""
    return _Pooled(reader)


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


def advice(_error: BaseException) -> str:
    """What an operator should do about *error*."""
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


def _engine(settings: Settings, size: int, server_settings: dict[str, str]) -> AsyncEngine:
    return create_async_engine(
        settings.store_url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={
            "timeout": 10,
            "server_settings": {"application_name": "hub", "jit": "off", **server_settings},
        },
    )
