"""Everything that can be asked on behalf of one access."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

from hub.access import Access, Scope
from hub.accounts import Accounts
from hub.errors import Forbidden, NotFound, RecipientRequired
from hub.feed import Feed, Frame
from hub.filter import WHOLE, Filter, Shard, check_text
from hub.log import (
    Bounds,
    MessageLookup,
    MessagePage,
    Page,
    PageQuery,
    QuarantinePage,
    ReceiptLog,
    Receipts,
    ReceiptsOf,
    StatRow,
    StatsQuery,
)
from hub.queries.changes import changes
from hub.queries.filters import TypedFilter, check_summable, narrowed
from hub.queries.lookups import MessageName, lookup
from hub.receipt import Entry, Message, Micros, Order
from hub.subscriptions import Start, SubscriptionState, states

_OWNERS = (Scope.RECEIPTS_READ, Scope.SUBSCRIPTIONS_WRITE, Scope.OPERATIONS_READ)


@dataclass(frozen=True, slots=True)
class Core:
    """The parts of the hub that questions are answered from."""

    log: ReceiptLog
    feed: Feed
    accounts: Accounts


class Queries:
    """
    Questions of one caller.  The access is what it was when it was given, so whoever shares an
    answer shares it with its rights.  There is no other way from a surface to the log: each
    question requires its scopes here, and narrows what it asks to the caller's providers.
    """

    def __init__(self, core: Core, access: Access) -> None:
        self.access = access
        self._core = core
        self._log = core.log

    @property
    def unmasked(self) -> bool:
        """Whether the caller may see recipients in full."""
        return self.access.unmasked

    def filter(self, typed: TypedFilter, field: str = "filter") -> Filter:
        """*typed*, narrowed to what the caller may see.  Raises `Forbidden` and `BadInput`."""
        return narrowed(self.access, typed, self._core.accounts.regions(), field)

    async def bounds(self) -> Bounds:
        """Where the log begins and ends; any token will do."""
        return await self._log.bounds()

    async def receipts(self, query: PageQuery) -> Page:
        """A page of the log."""
        return await self._log.page(
            self.access.limit(query.wanted),
            order=query.order,
            limit=query.limit,
            after=query.after,
            before=query.before,
            recorded_after=query.recorded_after,
            recorded_before=query.recorded_before,
        )

    async def receipt(self, position: int) -> Entry | None:
        """The receipt at *position*, if the caller may see it."""
        first, around = Order.OLDEST_FIRST, (position - 1, position + 1)
        page = await self.receipts(PageQuery(Filter(), first, 1, *around))
        return page.entries[0] if page.entries else None

    async def messages(
        self,
        typed: TypedFilter,
        *,
        limit: int,
        before: int | None = None,
        recorded_after: Micros | None = None,
        recorded_before: Micros | None = None,
    ) -> MessagePage:
        """A page of messages, newest first; see `ReceiptLog.messages`."""
        return await self._log.messages(
            self.filter(typed),
            limit=limit,
            before=before,
            recorded_after=recorded_after,
            recorded_before=recorded_before,
        )

    async def message(self, name: MessageName) -> Message | None:
        """The message that *name* names.  Raises `RecipientRequired`, `Forbidden`, `BadInput`."""
        return (await self.messages_named([name]))[0]

    async def messages_named(self, names: Sequence[MessageName]) -> list[Message | None]:
        """Those that *names* name, in their order; keys are looked up together."""
        self._receipts_read()
        lookups = [self._lookup(name) for name in names]
        keys = [each.key for each in lookups if each.key]
        by_key = await self.messages_by_key(keys) if keys else {}
        return [
            by_key.get(each.key) if each.key else await self._named(each, name)
            for each, name in zip(lookups, names, strict=True)
        ]

    async def messages_by_key(self, keys: Sequence[bytes]) -> dict[bytes, Message]:
        """Those messages of *keys* that the caller may see."""
        self._receipts_read()
        return await self._log.messages_by_key(keys, self.access.providers)

    async def receipts_of(self, asked: Sequence[ReceiptsOf]) -> list[Receipts]:
        """What is kept of messages that the caller was given.  Raises `NotFound` for others'."""
        self._receipts_read()
        if not all(self.access.sees(each.message.provider) for each in asked):
            raise NotFound
        return await self._log.receipts_of(asked)

    def changes(self, name: MessageName) -> AsyncGenerator[Message, None]:
        """The message now, and at every change, up to a final status."""
        return changes(self._log, self._core.feed, self.access, self._lookup(name))

    async def stats(self, query: StatsQuery, typed: TypedFilter) -> list[StatRow]:
        """Rows of statistics, by bucket, of what *typed* lets through."""
        check_summable(typed)
        return await self._log.stats(replace(query, wanted=self.filter(typed)))

    async def quarantine(
        self, provider: str, *, limit: int, after: int | None = None
    ) -> QuarantinePage:
        """What could not be read, newest first, of *provider*, or of all where it is empty."""
        self.access.require(Scope.OPERATIONS_READ)
        check_text("provider", provider)
        return await self._log.quarantine(
            visible=self.access.providers, provider=provider, limit=limit, after=after
        )

    async def raw_bytes(self, items: Sequence[int]) -> dict[int, bytes]:
        """Bytes of those quarantined *items* that the caller may see; numbers may be in them."""
        self.access.require(Scope.OPERATIONS_READ)
        self.access.require(Scope.RECIPIENTS_READ)
        return await self._log.raw_bytes(items, self.access.providers)

    async def subscriptions(self) -> list[SubscriptionState]:
        """The caller's durable subscriptions, or those of all for operations."""
        if not any(map(self.access.has, _OWNERS)):
            message = f"this needs one of the scopes {', '.join(_OWNERS)}"
            raise Forbidden(message)
        everyone = self.access.has(Scope.OPERATIONS_READ)
        return await states(self._log.store, None if everyone else self.access.consumer)

    async def start(self, **start: Unpack[Start]) -> int:
        """The position to follow from; see `Feed.start`."""
        self._receipts_read()
        return await self._core.feed.start(**start)

    def follow(
        self,
        wanted: Filter,
        position: int,
        *,
        batch_size: int,
        stop_at_head: bool = False,
        shard: Shard = WHOLE,
        since: Micros | None = None,
    ) -> AsyncGenerator[Frame, None]:
        """Frames from *position* on; see `Feed.follow`."""
        return self._core.feed.follow(
            self.access,
            self.access.limit(wanted),
            position,
            batch_size=batch_size,
            stop_at_head=stop_at_head,
            shard=shard,
            since=since,
        )

    def _receipts_read(self) -> None:
        self.access.require(Scope.RECEIPTS_READ)

    def _lookup(self, name: MessageName) -> MessageLookup:
        return lookup(self.access, name, self._core.accounts.regions())

    async def _named(self, wanted: MessageLookup, name: MessageName) -> Message | None:
        try:
            return await self._log.message(wanted, self.access.providers)
        except RecipientRequired as error:
            raise RecipientRequired(str(error), field=f"{name.prefix}recipient") from None
