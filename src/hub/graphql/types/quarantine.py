"""The quarantine as the API shows it."""

import base64
from typing import Self

import strawberry
from strawberry import relay

from hub import log
from hub.errors import BadInput
from hub.graphql.context import Context, Info
from hub.graphql.types.paging import PageInfo, Window, known, number_in
from hub.graphql.types.scalars import CursorText, DateTime

_PREFIX = "quarantine:"


@strawberry.type(description="A callback, or one item of it, that could not be read; kept whole.")
class QuarantineItem(relay.Node):
    """Identical bytes are one item with a count."""

    provider: str = strawberry.field(description="The provider account that sent it.")
    reason: str = strawberry.field(
        description="Why it could not be read: a stable word such as BAD_TIME, never a part of it."
    )
    adapter: str = strawberry.field(
        description="Name and version of the adapter that could not read it."
    )
    first_seen_at: DateTime = strawberry.field(description="When it first came.")
    last_seen_at: DateTime = strawberry.field(description="When identical bytes last came.")
    count: int = strawberry.field(description="How often identical bytes came.")
    resolved_at: DateTime | None = strawberry.field(
        description="When a replay could read it; null while none could."
    )
    whole: bool = strawberry.field(
        description="Whether the bytes are a whole body, else one item of it."
    )
    item: strawberry.Private[log.QuarantineItem]

    @classmethod
    def of(cls, item: log.QuarantineItem) -> Self:
        """*item* as the API shows it."""
        resolved = item.resolved_at
        return cls(
            provider=item.provider,
            reason=item.reason,
            adapter=item.adapter,
            first_seen_at=DateTime(item.first_seen_at),
            last_seen_at=DateTime(item.last_seen_at),
            count=item.count,
            resolved_at=None if resolved is None else DateTime(resolved),
            whole=item.whole,
            item=item,
        )

    @strawberry.field(
        description="The bytes as text, what is not UTF-8 replaced.  Needs the scope"
        " recipients:read too."
    )
    async def raw(self, info: Info) -> str | None:
        return (await info.context.raw_bytes_of(self.item.id)).decode("utf-8", "replace")

    @strawberry.field(
        name="rawBase64",
        description="The exact bytes in Base64.  Needs the scope recipients:read too.",
    )
    async def raw_base64(self, info: Info) -> str | None:
        return base64.b64encode(await info.context.raw_bytes_of(self.item.id)).decode()

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The item's part of its global id."""
        return str(root.item.id)

    @classmethod
    async def with_id(cls, info: Info, node_id: str) -> Self | None:
        """The one whose part of the global id is *node_id*, if there is one for this caller."""
        number = number_in(node_id)
        if number is None:
            return None
        page = await info.context.queries.quarantine("", limit=1, after=number + 1)
        found = page.items[:1]
        return cls.of(found[0]) if found and found[0].id == number else None


@strawberry.type(description="An item and its place in the list.")
class QuarantineEdge:
    """An edge as Relay has it."""

    cursor: CursorText = strawberry.field(
        description="The item's place in this list; no place in the log."
    )
    node: QuarantineItem = strawberry.field(description="The item.")


@strawberry.type(description="A page of the quarantine, newest first.")
class QuarantineConnection:
    """A connection as Relay has it."""

    edges: list[QuarantineEdge] = strawberry.field(description="The items with their cursors.")
    nodes: list[QuarantineItem] = strawberry.field(description="The items alone.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the list.")


async def quarantine_page(
    context: Context, provider: str | None, window: Window
) -> QuarantineConnection:
    """The page *window* of what *provider*, or any, sent."""
    page = await context.queries.quarantine(
        provider or "",
        limit=max(window.size, 1),
        after=None if window.after is None else _number(window.after),
    )
    items = page.items if window.size else []
    edges = [
        QuarantineEdge(cursor=_cursor(item.id), node=QuarantineItem.of(item)) for item in items
    ]
    return QuarantineConnection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
            previous=known(window.after is not None),
            following=known(page.more or len(page.items) > len(items)),
        ),
    )


def _cursor(number: int) -> CursorText:
    return CursorText(base64.b64encode(f"{_PREFIX}{number}".encode()).decode())


def _number(cursor: str) -> int:
    try:
        text = base64.b64decode(cursor, validate=True).decode()
    except ValueError:
        text = ""
    number = number_in(text.removeprefix(_PREFIX))
    if not text.startswith(_PREFIX) or number is None:
        message = "after must be a cursor of the quarantine"
        raise BadInput(message, field="after")
    return number
