"""Pages of messages, newest first."""

import strawberry

from hub.graphql.context import Context
from hub.graphql.types.paging import PageInfo, Window, known
from hub.graphql.types.receipts import Message
from hub.graphql.types.scalars import CursorText
from hub.log import MessagePage
from hub.queries import TypedFilter
from hub.receipt import Micros


@strawberry.type(description="A message and its place in the list.")
class MessageEdge:
    """An edge as Relay has it."""

    cursor: CursorText = strawberry.field(
        description="A cursor of the log: the place of the message's first receipt."
    )
    node: Message = strawberry.field(description="The message.")


@strawberry.type(description="A page of messages, newest first by their first receipt.")
class MessageConnection:
    """A connection as Relay has it, and the head."""

    edges: list[MessageEdge] = strawberry.field(description="The messages with their cursors.")
    nodes: list[Message] = strawberry.field(description="The messages alone.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the list.")
    head: CursorText = strawberry.field(
        description="The end of the log when the page was read: a subscription continues from it"
        " without gap or repeat."
    )


async def message_page(
    context: Context,
    wanted: TypedFilter,
    window: Window,
    recorded_after: Micros | None,
    recorded_before: Micros | None,
) -> MessageConnection:
    """The page *window* of messages that *wanted* lets through."""
    before = None
    if window.after is not None:
        # Messages are kept longer than receipts, so the cursor may be older than the log.
        before = (await context.queries.bounds()).position(window.after)
    page = await context.queries.messages(
        wanted,
        limit=max(window.size, 1),
        before=before,
        recorded_after=recorded_after,
        recorded_before=recorded_before,
    )
    rows = page.messages if window.size else []
    unmasked = context.unmasked
    nodes = [Message.of(row, unmasked=unmasked) for row in rows]
    return MessageConnection(
        edges=[MessageEdge(cursor=_cursor(page, node.row.id), node=node) for node in nodes],
        nodes=nodes,
        page_info=_info(page, window, nodes),
        head=CursorText(page.bounds.head_cursor),
    )


def _info(page: MessagePage, window: Window, nodes: list[Message]) -> PageInfo:
    end = page.resume if page.more and window.size else nodes[-1].row.id if nodes else None

    return PageInfo(
        start_cursor=_cursor(page, nodes[0].row.id) if nodes else None,
        end_cursor=None if end is None else _cursor(page, end),
        previous=known(window.after is not None),
        following=known(page.more or len(page.messages) > len(nodes)),
    )


def _cursor(page: MessagePage, position: int) -> CursorText:
    return CursorText(page.bounds.cursor(position))
