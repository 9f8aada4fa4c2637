"""A receipt as the API shows it, and a message: what its receipts add up to."""

from typing import Annotated, Self

import strawberry
from strawberry import relay

from hub import receipt
from hub.access import mask
from hub.errors import BadInput
from hub.graphql.context import Info
from hub.graphql.types.enums import DeliveryEvidence, ErrorCategory, Status
from hub.graphql.types.paging import number_in
from hub.graphql.types.scalars import BigInt, DateTime, optional_instant

AfterPosition = Annotated[
    BigInt | None,
    strawberry.argument(
        description="Only receipts behind this position: the last one of the page before."
    ),
]


@strawberry.type(description="One delivery receipt in the log.  It never changes.")
class Receipt(relay.Node):
    """Fields that were not given are null."""

    position: BigInt = strawberry.field(
        description="Its place in the log: dense, from 1, in the order of commits."
    )
    message_key: str = strawberry.field(
        description="Names its message without showing the number.  Opaque."
    )
    provider: str = strawberry.field(description="The provider account that reported it.")
    message_id: str = strawberry.field(description="The provider's id of the message, as received.")
    recipient: str | None = strawberry.field(
        description="In E.164 where it can be read as a number, else as received; null if none was"
        " given.  Its middle is hidden without the scope recipients:read."
    )
    status: Status = strawberry.field(description="What the receipt says.")
    provider_status: str = strawberry.field(
        description="The provider's own word for the status, as received."
    )
    error_code: str | None = strawberry.field(
        description="The provider's or gateway's code, as received; null if none."
    )
    error_category: ErrorCategory | None = strawberry.field(
        description="Why it failed.  For failures, and for UNKNOWN with a code; else null."
    )
    error_permanent: bool | None = strawberry.field(
        description="Whether trying again is useless; null where that is not known."
    )
    delivery_evidence: DeliveryEvidence = strawberry.field(
        description="Who vouches for a delivery."
    )
    occurred_at: DateTime | None = strawberry.field(
        description="When it happened, by the provider's clock; null if it gave no time."
    )
    received_at: DateTime = strawberry.field(description="When the callback arrived.")
    recorded_at: DateTime = strawberry.field(
        description="When it was committed to the log.  Never decreases with position."
    )
    segments: int | None = strawberry.field(
        description="Charged segments; null if not given.  Never negative."
    )
    part: int | None = strawberry.field(
        description="Which part of a long message, from 1; null if it speaks of the whole."
    )
    part_count: int | None = strawberry.field(
        description="How many parts the message has; null if not given."
    )
    network: str | None = strawberry.field(
        description="The recipient's network as MCC-MNC, such as 460-00; null if not given."
    )
    price: str | None = strawberry.field(
        description="What it cost as a decimal number, such as 0.0450, in `currency`;"
        " null if not given."
    )
    currency: str | None = strawberry.field(
        description="ISO 4217 code of the price, as received; null if not given."
    )
    client_reference: str | None = strawberry.field(
        description="What the sender attached to the message; null if nothing."
    )
    applied: bool = strawberry.field(description="Whether it changed its message's status.")
    message_status: Status = strawberry.field(description="The message's status after it.")
    corrects: BigInt | None = strawberry.field(
        description="The position of the receipt that it corrects, where kept bytes were read"
        " again; else null."
    )
    key: strawberry.Private[bytes]

    @classmethod
    def of(cls, entry: receipt.Entry, *, unmasked: bool) -> Self:
        """*entry*, its recipient in full only where *unmasked*."""
        return cls(
            position=BigInt(entry.position),
            message_key=receipt.message_key(entry.key),
            provider=entry.provider,
            message_id=entry.message_id,
            recipient=_shown(entry.recipient, unmasked=unmasked),
            status=entry.status,
            provider_status=entry.provider_status,
            error_code=entry.error_code,
            error_category=entry.error_category,
            error_permanent=entry.error_permanent,
            delivery_evidence=entry.delivery_evidence,
            occurred_at=optional_instant(entry.occurred_at),
            received_at=DateTime(entry.received_at),
            recorded_at=DateTime(entry.recorded_at),
            segments=entry.segments,
            part=entry.part,
            part_count=entry.part_count,
            network=entry.network,
            price=entry.price,
            currency=entry.currency,
            client_reference=entry.client_reference,
            applied=entry.applied,
            message_status=entry.message_status,
            corrects=None if entry.corrects is None else BigInt(entry.corrects),
            key=entry.key,
        )

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The receipt's part of its global id."""
        return str(root.position)

    @classmethod
    async def with_id(cls, info: Info, node_id: str) -> Self | None:
        """The one whose part of the global id is *node_id*, if there is one for this caller."""
        queries = info.context.queries
        position = number_in(node_id)
        found = None if position is None else await queries.receipt(position)
        return cls.of(found, unmasked=queries.unmasked) if found else None

    @strawberry.field(description="The message it is about; null once that is no longer kept.")
    async def message(self, info: Info) -> "Message | None":
        found = await info.context.message_of(self.key)
        return Message.of(found, unmasked=info.context.unmasked) if found else None


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
        return cls(
            message_key=receipt.message_key(row.key),
            provider=row.provider,
            message_id=row.message_id,
            recipient=_shown(row.recipient, unmasked=unmasked),
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


def _shown(recipient: str | None, *, unmasked: bool) -> str | None:
    return recipient if unmasked or recipient is None else mask(recipient)
