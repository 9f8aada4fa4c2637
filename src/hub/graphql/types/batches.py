"""What a subscription to the log sends at once."""

from typing import Self

import strawberry

from hub.feed import Frame
from hub.graphql.types.receipts import Receipt
from hub.graphql.types.scalars import BigInt, CursorText


@strawberry.type(description="What the log has beyond the last batch, and where to resume.")
class ReceiptBatch:
    """A frame.  Without receipts it is a heartbeat or a bookmark."""

    receipts: list[Receipt] = strawberry.field(
        description="In the order of the log.  Empty in a heartbeat: nothing matched, and the"
        " cursor may have moved."
    )
    cursor: CursorText = strawberry.field(description="Resume after this batch here.")
    lag: BigInt = strawberry.field(
        description="Positions between the cursor and the head, matching or not."
    )
    caught_up: bool = strawberry.field(description="Whether the cursor is at the head.")

    @classmethod
    def of(cls, frame: Frame, *, unmasked: bool) -> Self:
        """*frame*, with recipients in full only where *unmasked*."""
        return cls(
            receipts=[Receipt.of(entry, unmasked=unmasked) for entry in frame.entries],
            cursor=CursorText(frame.cursor),
            lag=BigInt(frame.lag),
            caught_up=frame.caught_up,
        )
