"""A message as the API shows it: what its receipts add up to."""

from typing import Annotated, Self

import strawberry
from strawberry import relay

from hub import receipt
from hub.access import mask
from hub.errors import BadInput
from hub.graphql.context import Info
from hub.graphql.types.enums import ErrorCategory, Status
from hub.graphql.types.receipts import Receipt
from hub.graphql.types.scalars import BigInt, DateTime, optional_instant
from hub.queries.lookups import MessageName

AfterPosition = Annotated[
    BigInt | None,
    strawberry.argument(
        description="Only receipts behind this position: the last one of the page before."
    ),
]


def message_name(
    message_key: str | None, provider: str | None, message_id: str | None, recipient: str | None
) -> MessageName:
    """The message that the arguments name, in the words of both surfaces."""
    return MessageName(
        message_key=message_key or "",
        provider=provider or "",
        message_id=message_id or "",
        recipient=recipient or "",
    )


@strawberry.type(description="What is known of one message to one recipient.")
class Message(relay.Node):
    """One per provider, message id and recipient."""

    message_key: str = strawberry.field(
        description="Names the message without showing the number.  Opaque."
    )
    provider: str = strawberry.field(description="The provider account that reported it.")
    message_id: str = strawberry.field(description="The provider's id of the message, as received.")
    recipient: str | None = strawberry.field(
        description="In E.164 where it can be read as a number, else as received; null if none was"
        " given.  Its middle is hidden without the scope recipients:read."
    )
    status: Status = strawberry.field(description="The present status.")
    error_code: str | None = strawberry.field(
        description="Code of the receipt that made it fail, as received; null if none."
    )
    error_category: ErrorCategory | None = strawberry.field(
        description="Why it failed; null unless it did, or is UNKNOWN with a code."
    )
    segments: int | None = strawberry.field(description="Charged segments; null if not given.")
    first_received_at: DateTime = strawberry.field(
        description="When the first callback about it arrived."
    )
    status_at: DateTime = strawberry.field(
        description="When the present status came about: the provider's time, else the callback's"
        " arrival."
    )
    delivered_at: DateTime | None = strawberry.field(
        description="When it was delivered; null while it is not."
    )
    receipt_count: int = strawberry.field(description="How many receipts it has had.")
    conflict: bool = strawberry.field(
        description="Whether one receipt said delivered and another one failed."
    )
    row: strawberry.Private[receipt.Message]

    @classmethod
    def of(cls, row: receipt.Message, *, unmasked: bool) -> Self:
        """*row*, its recipient in full only where *unmasked*."""
        recipient = row.recipient
        if recipient is not None and not unmasked:
            recipient = mask(recipient)
        return cls(
            message_key=receipt.message_key(row.key),
            provider=row.provider,
            message_id=row.message_id,
            recipient=recipient,
            status=row.status,
            error_code=row.error_code,
            error_category=row.error_category,
            segments=row.segments,
            first_received_at=DateTime(row.first_received_at),
            status_at=DateTime(row.status_at),
            delivered_at=optional_instant(row.delivered_at),
            receipt_count=row.receipt_count,
            conflict=row.conflict,
            row=row,
        )

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The message's part of its global id."""
        return root.message_key

    @classmethod
    async def with_id(cls, info: Info, node_id: str) -> Self | None:
        """The one whose part of the global id is *node_id*, if there is one for this caller."""
        unmasked = info.context.unmasked
        try:
            key = receipt.parse_message_key(node_id)
        except BadInput:
            return None
        found = await info.context.message_of(key)
        return cls.of(found, unmasked=unmasked) if found else None

    @strawberry.field(
        description="Its kept receipts, in the order of the log: the first 100, or fewer where more"
        " than 100 messages are asked for at once.  `receiptsTruncated` tells whether there are"
        " more."
    )
    async def receipts(self, info: Info, after_position: AfterPosition = None) -> list[Receipt]:
        unmasked = info.context.unmasked
        found = await info.context.receipts_of(self.row, after_position or 0)
        return [Receipt.of(entry, unmasked=unmasked) for entry in found.entries]

    @strawberry.field(
        description="Whether it has further kept receipts behind those that `receipts` shows.  Ask"
        " for those with `afterPosition`."
    )
    async def receipts_truncated(self, info: Info, after_position: AfterPosition = None) -> bool:
        return (await info.context.receipts_of(self.row, after_position or 0)).more
