"""Pages of the log, in both orders and both directions."""

from dataclasses import dataclass
from typing import Self

import strawberry

from hub.filter import Filter
from hub.graphql.context import Context
from hub.graphql.types.enums import Order
from hub.graphql.types.paging import PageInfo, Window, known
from hub.graphql.types.receipts import Receipt
from hub.graphql.types.scalars import CursorText
from hub.log import Page, PageQuery
from hub.receipt import Micros


@strawberry.type(description="A receipt and its place in the list.")
class ReceiptEdge:
    """An edge as Relay has it."""

    cursor: CursorText = strawberry.field(description="A cursor of the log: the receipt's place.")
    node: Receipt = strawberry.field(description="The receipt.")


@strawberry.type(description="A page of receipts.")
class ReceiptConnection:
    """A connection as Relay has it, and the head."""

    edges: list[ReceiptEdge] = strawberry.field(description="The receipts with their cursors.")
    nodes: list[Receipt] = strawberry.field(description="The receipts alone.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the list.")
    head: CursorText = strawberry.field(
        description="The end of the log when the page was read: a subscription continues from it"
        " without gap or repeat."
    )

    @classmethod
    def of(cls, page: Page, info: PageInfo, *, unmasked: bool, backwards: bool) -> Self:
        """The page, turned round where it was read *backwards*."""
        entries = page.entries[::-1] if backwards else page.entries
        nodes = [Receipt.of(entry, unmasked=unmasked) for entry in entries]
        cursor = page.bounds.cursor
        return cls(
            edges=[ReceiptEdge(cursor=CursorText(cursor(n.position)), node=n) for n in nodes],
            nodes=nodes,
            page_info=info,
            head=CursorText(page.bounds.head_cursor),
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """The list that pages are of."""

    wanted: Filter
    order: Order
    recorded_after: Micros | None
    recorded_before: Micros | None


async def receipt_page(context: Context, listing: Listing, window: Window) -> ReceiptConnection:
    """The page *window* of *listing*."""
    low, high = await _positions(context, listing, window)
    order = _other(listing.order) if window.backwards else listing.order
    page = await _read(context, listing, order, max(window.size, 1), low, high)
    if window.size == 0:
        page = Page([], more=bool(page.entries) or page.more, resume=0, bounds=page.bounds)
    info = _info(context, listing, window, page, (low, high))
    return ReceiptConnection.of(page, info, unmasked=context.unmasked, backwards=window.backwards)


async def _positions(
    context: Context, listing: Listing, window: Window
) -> tuple[int | None, int | None]:
    """Between which positions the list is cut, whatever its order."""
    if window.after is None and window.before is None:
        return None, None
    bounds = await context.queries.bounds()
    after, before = (
        None if cursor is None else bounds.resume(cursor, field=field)
        for field, cursor in (("after", window.after), ("before", window.before))
    )
    return (after, before) if listing.order is Order.OLDEST_FIRST else (before, after)


async def _read(
    context: Context,
    listing: Listing,
    order: Order,
    limit: int,
    low: int | None,
    high: int | None,
) -> Page:
    later, earlier = listing.recorded_after, listing.recorded_before
    query = PageQuery(listing.wanted, order, limit, low, high, later, earlier)
    return await context.queries.receipts(query)


def _info(
    context: Context,
    listing: Listing,
    window: Window,
    page: Page,
    span: tuple[int | None, int | None],
) -> PageInfo:
    """Where *page*, as it was read, stands: its far end is known, its near end is looked up."""
    near = far = None
    if page.entries:
        near = CursorText(page.bounds.cursor(page.entries[0].position))
        far = CursorText(page.bounds.cursor(page.entries[-1].position))
    if page.more and window.size:
        far = CursorText(page.bounds.cursor(page.resume))

    async def behind() -> bool:
        return await _any_behind(context, listing, window, span)

    ahead = known(page.more)
    if window.backwards:
        return PageInfo(start_cursor=far, end_cursor=near, previous=ahead, following=behind)
    return PageInfo(start_cursor=near, end_cursor=far, previous=behind, following=ahead)


async def _any_behind(
    context: Context, listing: Listing, window: Window, span: tuple[int | None, int | None]
) -> bool:
    """Whether the list has anything on the near side of the cursor that the page starts from."""
    low, high = span
    upwards = (listing.order is Order.OLDEST_FIRST) is not window.backwards
    start = low if upwards else high
    if start is None:
        return False
    order = Order.NEWEST_FIRST if upwards else Order.OLDEST_FIRST
    edge = (None, start + 1) if upwards else (start - 1, None)
    page = await _read(context, listing, order, 1, *edge)
    return bool(page.entries) or page.more


def _other(order: Order) -> Order:
    newest = order is Order.NEWEST_FIRST
    return Order.OLDEST_FIRST if newest else Order.NEWEST_FIRST
