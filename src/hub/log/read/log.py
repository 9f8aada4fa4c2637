"""
The receipt log, read.

An entry becomes readable only after every entry with a smaller position.  A reader that has seen
*n* has missed nothing before *n*.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from hub.database import Log, ReceiptRow, Result, Store, read_kinds
from hub.filter import Filter
from hub.log.bounds import Bounds, read_bounds
from hub.log.hashing import Hashing
from hub.log.read import message_receipts, messages, pages, quarantine, stats
from hub.log.read.entries import entry_rows
from hub.log.read.message_receipts import Receipts, ReceiptsOf
from hub.log.read.messages import MessageLookup, MessagePage
from hub.log.read.pages import Page, PageQuery
from hub.log.read.quarantine import QuarantinePage
from hub.log.read.snapshot import Snapshot
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
        self._hashing: Hashing | None = None

    async def snapshot(
        self, work: Callable[[Snapshot], Result], *, unhurried: bool = True
    ) -> Result:
        """What *work* finds in the log as it is at one moment; *unhurried* as `Store.read`."""
        return await self.store.read(
            lambda session: work(self._snapshot(session)), unhurried=unhurried
        )

    async def bounds(self) -> Bounds:
        """Where the log begins and ends now."""
        return await self.store.read(lambda session: read_bounds(session.connection())[0])

    async def read(self, after: int, limit: int, until: int | None = None) -> list[Entry]:
        """The next entries after the position *after*, up to *until*, at most *limit*."""
        return (await self.advance(after, limit, until))[1]

    async def advance(
        self, after: int, limit: int, until: int | None = None
    ) -> tuple[Bounds, list[Entry]]:
        """The bounds, and the entries that `read` gives, as of one moment."""

        def work(snapshot: Snapshot) -> tuple[Bounds, list[Entry]]:
            bounds = snapshot.bounds
            last = bounds.head if until is None else min(until, bounds.head)
            if after >= last or not limit:
                return bounds, []
            values = {"after": after, "until": last, "limit": limit}
            return bounds, snapshot.entries.all(snapshot.connection, _NEXT, values)

        return await self.snapshot(work, unhurried=False)

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
        return await self.snapshot(lambda snapshot: pages.page(snapshot, query))

    async def position_at(self, instant: Micros) -> int:
        """The position of the last entry recorded before *instant*."""
        return await self.snapshot(lambda snapshot: pages.first_recorded(snapshot, instant) - 1)

    async def message(
        self, lookup: MessageLookup, visible: frozenset[str] | None
    ) -> Message | None:
        """The message, unless there is none in *visible* providers; raises `RecipientRequired`."""
        return await self.snapshot(lambda snapshot: messages.find(snapshot, lookup, visible))

    async def messages_by_key(
        self, keys: Sequence[bytes], visible: frozenset[str] | None
    ) -> dict[bytes, Message]:
        """Those messages of *keys* that there are."""
        return await self.snapshot(lambda snapshot: messages.by_key(snapshot, keys, visible))

    async def receipts_of(self, asked: Sequence[ReceiptsOf]) -> list[Receipts]:
        """What is kept for each of *asked*, of which a bounded number; see `receipts_of`."""
        return await self.snapshot(lambda snapshot: message_receipts.receipts_of(snapshot, asked))

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
        return await self.snapshot(lambda snapshot: messages.page(snapshot, query))

    async def stats(self, query: StatsQuery) -> list[StatRow]:
        """Rows of statistics, by bucket."""
        return await self.snapshot(lambda snapshot: stats.rows(snapshot, query))

    async def quarantine(
        self,
        *,
        visible: frozenset[str] | None,
        provider: str = "",
        limit: int,
        after: int | None = None,
    ) -> QuarantinePage:
        """What cannot be read, newest first; *after* is the id of the last item seen."""
        return await self.snapshot(
            lambda snapshot: quarantine.page(
                snapshot, visible=visible, provider=provider, limit=limit, after=after
            )
        )

    async def raw_bytes(
        self, items: Sequence[int], visible: frozenset[str] | None = None
    ) -> dict[int, bytes]:
        """
        The bytes of quarantined *items*, by id, as far as *visible* providers sent them.  Raises
        `BadInput` where they are too many.
        """
        return await self.snapshot(lambda snapshot: quarantine.raw_bytes(snapshot, items, visible))

    def _snapshot(self, session: Session) -> Snapshot:
        connection = session.connection()
        bounds, kinds = read_bounds(connection)
        if self._hashing is None:
            self._hashing = Hashing(connection.execute(select(col(Log.secret))).scalar_one())
        known = self.store.kinds
        if kinds > len(known):
            known = self.store.kinds = read_kinds(session)
        return Snapshot(session, bounds, known, self._hashing, self.store.dialect)
