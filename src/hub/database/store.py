"""The one way into the database."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.database import postgres, sqlite
from hub.database.dialect import Dialect, Fault, Result, Transactions, Work
from hub.database.kinds import Kinds
from hub.database.schema import migrate
from hub.errors import StartError, StoreUnavailable
from hub.settings import Settings

_FAILURES = (DBAPIError, PoolTimeout, OSError)
"""What the libraries raise where a transaction fails; a timeout is an OSError."""

logger = structlog.stdlib.get_logger(__name__)


class Store:
    """
    A database, and the kinds known of it.

    Every transaction is a plain function that gets a session.  Where the database cannot be
    reached or used, it is `StoreUnavailable`; where it refuses a value, SQLAlchemy's error.
    """

    def __init__(self, settings: Settings, dialect: Dialect, transactions: Transactions) -> None:
        self.settings = settings
        self.dialect = dialect
        self.sql = transactions.sql
        self.kinds = Kinds()
        """Replaced as a whole where more are known."""
        self._transactions = transactions

    async def read(self, work: Work[Result], *, unhurried: bool = False) -> Result:
        """
        What *work* finds; all that it reads is of one moment.  One that may take long is
        *unhurried*: it keeps others of its kind waiting, never the short ones.
        """
        with self._failing():
            return await self._transactions.read(work, unhurried=unhurried)

    async def write(self, work: Work[Result], *, unhurried: bool = False) -> Result:
        """
        What *work* returns, once its transaction is on disk.  One that is *unhurried* may take as
        long as it takes.
        """
        with self._failing():
            return await self._transactions.write(work, unhurried=unhurried)

    async def checkpoint(self) -> bool:
        """Empty SQLite's write-ahead log; false where a reader was in the way."""
        with self._failing():
            return await self._transactions.checkpoint()

    async def reconnect(self) -> None:
        """Write the next transaction on a new connection: the present one may be broken."""
        await self._transactions.reconnect()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except _FAILURES as error:
            if self.dialect.fault(error) is Fault.DATA:
                raise
            raise StoreUnavailable(advice=self.dialect.advice(error)) from error


def dialect_of(settings: Settings) -> Dialect:
    """The module for the settings' database."""
    return sqlite if settings.embedded else postgres


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """Open and migrate the database; close it at the end.  Failures are `StartError`."""
    async with _connected(settings) as store:
        await _migrated(store)
        yield store


async def migrated(settings: Settings) -> tuple[str | None, str]:
    """Migrate the database; its schema's revision before and after.  Failures are `StartError`."""
    async with _connected(settings) as store:
        return await _migrated(store)


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Store]:
    dialect = dialect_of(settings)
    transactions = dialect.transactions(settings)
    try:
        yield Store(settings, dialect, transactions)
    finally:
        await transactions.close()


async def _migrated(store: Store) -> tuple[str | None, str]:
    try:
        return await store.write(lambda session: migrate(session.connection()), unhurried=True)
    except StoreUnavailable as error:
        message = f"the database cannot be opened: {error.advice}"
        raise StartError(message) from error
