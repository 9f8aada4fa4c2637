"""
The receipt log, read.

An entry becomes readable only after every entry with a smaller position.  A reader that has seen
*n* has missed nothing before *n*.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import Connection, bindparam, select
from sqlmodel import col

from hub.database.dialect import AWAY, Result
from hub.database.store import Store
from hub.database.tables import Log, ReceiptRow
from hub.errors import StoreUnavailable
from hub.filter import Filter
from hub.log.bounds import Bounds, read_bounds, read_bounds_now
from hub.log.hashing import Hashing
from hub.log.read import message_receipts, messages, pages, quarantine, stats
from hub.log.read.entries import EntryReader, entry_rows
from hub.log.read.message_receipts import Receipts, ReceiptsOf
from hub.log.read.messages import MessageLookup, MessagePage
from hub.log.read.pages import Page, PageQuery
from hub.log.read.quarantine import QuarantinePage
from hub.log.read.snapshot import Reading
from hub.log.read.stats import StatRow, StatsQuery
from hub.receipt import Entry, Message, Micros, Order

_NEXT = (
    entry_rows()
    .where(
        col(ReceiptRow.position) > bindparam("after"),
        col(ReceiptRow.position) <= bindparam("until"),
    )
    .order_by(col(ReceiptRow.position))
    .limit(bindparam("limit"))
)


class ReceiptLog:
    """All reads of the log; each is one short transaction.  Raises `StoreUnavailable`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._entries: EntryReader | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """A read that sees the log up to one head."""
        try:
            async with self.store.reader.begin() as connection:
                bounds, kinds = await read_bounds(connection)
                if kinds != len(self.store.kinds.by_id):
                    await self.store.kinds.load(connection)
                entries = await connection.run_sync(self._entry_reader)
                yield Reading(connection, bounds, entries, entries.hashing, self.store)
        except AWAY as error:
            raise StoreUnavailable from error

    async def bounds(self) -> Bounds:
        """Where the log begins and ends now."""
        return (await self._run(read_bounds_now))[0]

    async def read(self, after: int, limit: int, until: int | None = None) -> list[Entry]:
        """The next entries after the position *after*, up to *until*, at most *limit*."""
        return (await self.advance(after, limit, until))[1]

    async def advance(
        self, after: int, limit: int, until: int | None = None
    ) -> tuple[Bounds, list[Entry]]:
        """The bounds, and the entries that `read` gives, as of one moment."""

        def work(connection: Connection) -> tuple[Bounds, list[Entry]]:
            bounds, _ = read_bounds_now(connection)
            last = bounds.head if until is None else min(until, bounds.head)
            if after >= last or not limit:
                return bounds, []
            values = {"after": after, "until": last, "limit": limit}
            return bounds, self._entry_reader(connection).all_now(connection, _NEXT, values)

        return await self._run(work)

    async def _run(self, work: Callable[[Connection], Result]) -> Result:
        try:
            return await self.store.reading.run(work)
        except AWAY as error:
            raise StoreUnavailable from error

    async def page(
        self,
        wanted: Filter,
        *,
        order: Order,
        limit: int,
        after: int | None = None,
        before: int | None = None,
        recorded_after: Micros | None = None,
        recorded_before: Micros | None = None,
    ) -> Page:
        """
        One page of what *wanted* matches.  *after* and *before* are positions, whatever the
        order; they and the instants exclude themselves.
        """
        query = PageQuery(wanted, order, limit, after, before, recorded_after, recorded_before)
        async with self.reading() as reading:
            return await pages.page(reading, query)

    async def position_at(self, instant: Micros) -> int:
        """The position of the last entry recorded before *instant*."""
        async with self.reading() as reading:
            return await pages.first_recorded(reading, instant) - 1

    async def message(
        self, lookup: MessageLookup, visible: frozenset[str] | None
    ) -> Message | None:
        """The message, unless there is none in *visible* providers; raises `RecipientRequired`."""
        async with self.reading() as reading:
            return await messages.find(reading, lookup, visible)

    async def messages_by_key(
        self, keys: Sequence[bytes], visible: frozenset[str] | None
    ) -> dict[bytes, Message]:
        """Those messages of *keys* that there are."""
        async with self.reading() as reading:
            return await messages.by_key(reading, keys, visible)

    async def receipts_of(self, asked: Sequence[ReceiptsOf]) -> list[Receipts]:
        """What is kept for each of *asked*, of which a bounded number; see `receipts_of`."""
        async with self.reading() as reading:
            return await message_receipts.receipts_of(reading, asked)

    async def messages(
        self,
        wanted: Filter,
        *,
        limit: int,
        before: int | None = None,
        recorded_after: Micros | None = None,
        recorded_before: Micros | None = None,
    ) -> MessagePage:
        """
        A page of messages, newest first by `Message.id`.  Statuses and categories of *wanted* are
        the message's present ones; the instants bound its first receipt and exclude themselves.
        """
        query = messages.MessagesQuery(wanted, limit, before, recorded_after, recorded_before)
        async with self.reading() as reading:
            return await messages.page(reading, query)

    async def stats(self, query: StatsQuery) -> list[StatRow]:
        """Rows of statistics, by bucket."""
        async with self.reading() as reading:
            return await stats.rows(reading, query)

    async def quarantine(
        self,
        *,
        visible: frozenset[str] | None,
        provider: str = "",
        limit: int,
        after: int | None = None,
    ) -> QuarantinePage:
        """What cannot be read, newest first; *after* is the id of the last item seen."""
        async with self.reading() as reading:
            return await quarantine.page(
                reading.connection, visible=visible, provider=provider, limit=limit, after=after
            )

    def _entry_reader(self, connection: Connection) -> EntryReader:
        if self._entries is None:
            secret = connection.execute(select(col(Log.secret))).scalar_one()
            self._entries = EntryReader(self.store.kinds, Hashing(secret))
        return self._entries
