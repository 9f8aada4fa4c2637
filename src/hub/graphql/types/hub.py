"""The hub itself as the API shows it: the log, the caller, durable subscriptions."""

from typing import Self

import strawberry

from hub.access import Access
from hub.graphql.types.scalars import BigInt, CursorText, DateTime
from hub.log import Bounds
from hub.subscriptions import SubscriptionState


@strawberry.type(description="The log: where it begins and ends.  It counts for all alike.")
class Log:
    """One moment of it."""

    epoch: str = strawberry.field(
        description="Names this log; cursors of another one are refused with CURSOR_FOREIGN."
    )
    oldest: CursorText = strawberry.field(
        description="The cursor from which everything that is kept follows."
    )
    head: CursorText = strawberry.field(
        description="The cursor from which only what comes later follows."
    )

    @classmethod
    def of(cls, bounds: Bounds) -> Self:
        """*bounds* as the API shows them."""
        return cls(
            epoch=bounds.epoch,
            oldest=CursorText(bounds.oldest_cursor),
            head=CursorText(bounds.head_cursor),
        )


@strawberry.type(description="Who asks.")
class Viewer:
    """The consumer behind the token."""

    name: str = strawberry.field(description="The consumer's name.")
    scopes: list[str] = strawberry.field(description="What the token may be used for, sorted.")
    providers: list[str] | None = strawberry.field(
        description="The only provider accounts that it sees, sorted; null for all."
    )
    expires_at: DateTime | None = strawberry.field(
        description="When the token stops working; null for never."
    )

    @classmethod
    def of(cls, access: Access) -> Self:
        """*access* as its holder sees it."""
        expires_at = access.expires_at
        return cls(
            name=access.consumer,
            scopes=sorted(access.scopes),
            providers=None if access.providers is None else sorted(access.providers),
            expires_at=None if expires_at is None else DateTime(expires_at),
        )


@strawberry.type(
    description="One shard of a durable subscription: a reader of gRPC whose place the hub keeps."
)
class DurableSubscription:
    """What its owner, or operations, need to see of it."""

    name: str = strawberry.field(description="Its name, which belongs to the consumer.")
    consumer: str = strawberry.field(description="Whose it is.")
    shard: int = strawberry.field(description="Which share of the log, from 0.")
    shards: int = strawberry.field(description="How many shares there are; 1 for the whole log.")
    lag: BigInt = strawberry.field(
        description="Positions between the acknowledged cursor and the head, matching or not."
    )
    lag_seconds: float = strawberry.field(
        description="Age in seconds of the first receipt behind the cursor; 0 at the head."
    )
    unacked: int = strawberry.field(
        description="Receipts that were sent and not acknowledged, as of a few seconds ago."
    )
    parked: int = strawberry.field(
        description="Receipts that were set aside, of all shards together."
    )
    acked_at: DateTime | None = strawberry.field(
        description="When something was last acknowledged; null if nothing ever was."
    )
    holder: str | None = strawberry.field(
        description="Names the stream that reads it now; null where none does."
    )
    cursor: CursorText = strawberry.field(description="Everything up to here is acknowledged.")

    @classmethod
    def of(cls, row: SubscriptionState) -> Self:
        """*row* as the API shows it."""
        return cls(
            name=row.name,
            consumer=row.consumer,
            shard=row.shard,
            shards=row.shards,
            lag=BigInt(row.lag),
            lag_seconds=row.lag_seconds,
            unacked=row.unacked,
            parked=row.parked,
            acked_at=None if row.acked_at is None else DateTime(row.acked_at),
            holder=row.holder,
            cursor=CursorText(row.cursor),
        )
