"""What can be asked.  Resolvers convert, call, convert."""

from typing import Annotated

import strawberry
from strawberry import relay

from hub.graphql.context import Info
from hub.graphql.types.enums import Bucket, Group, Order
from hub.graphql.types.filters import (
    MessageId,
    MessageKey,
    Provider,
    ReceiptFilter,
    Recipient,
    Wanted,
    message_name,
    typed,
)
from hub.graphql.types.hub import DurableSubscription, Log, Viewer
from hub.graphql.types.message_pages import MessageConnection, message_page
from hub.graphql.types.nodes import node_of
from hub.graphql.types.paging import window
from hub.graphql.types.quarantine import QuarantineConnection, quarantine_page
from hub.graphql.types.receipt_pages import Listing, ReceiptConnection, receipt_page
from hub.graphql.types.receipts import Message
from hub.graphql.types.scalars import Bound, CursorText
from hub.graphql.types.stats import DeliveryStat
from hub.log import StatsQuery

First = Annotated[
    int | None,
    strawberry.argument(
        description="How many from the start of the list, or after `after`; at most 500.  50 where"
        " nothing is said."
    ),
]
After = Annotated[
    CursorText | None, strawberry.argument(description="Only what comes after this in the list.")
]


@strawberry.type(description="What can be asked.")
class Query:
    """Every field needs a token, `log` and `viewer` no more than that; most need receipts:read."""

    @strawberry.field(
        description="Anything that has an `id`; null where there is none for the caller."
    )
    async def node(
        self,
        info: Info,
        id: Annotated[  # noqa: A002  # Relay's word
            strawberry.ID, strawberry.argument(description="The `id` that a node shows.")
        ],
    ) -> relay.Node | None:
        return await node_of(info, id)

    @strawberry.field(
        description="The log, a page at a time.  Pages stay right while receipts arrive."
    )
    async def receipts(
        self,
        info: Info,
        filter: Wanted = None,  # noqa: A002  # the contract's word
        recorded_after: Annotated[
            Bound | None,
            strawberry.argument(description="Only receipts recorded later than this."),
        ] = None,
        recorded_before: Annotated[
            Bound | None,
            strawberry.argument(description="Only receipts recorded earlier than this."),
        ] = None,
        order: Annotated[
            Order, strawberry.argument(description="Which end of the log the list starts from.")
        ] = Order.NEWEST_FIRST,
        first: First = None,
        after: After = None,
        last: Annotated[
            int | None,
            strawberry.argument(
                description="How many from the end of the list, or before `before`; at most 500."
                "  Not together with `first`."
            ),
        ] = None,
        before: Annotated[
            CursorText | None,
            strawberry.argument(description="Only what comes before this in the list."),
        ] = None,
    ) -> ReceiptConnection:
        wanted = info.context.queries.filter(typed(filter))
        later, earlier = recorded_after, recorded_before
        listing = Listing(wanted, order, later and later.floor, earlier and earlier.ceiling)
        return await receipt_page(info.context, listing, window(first, after, last, before))

    @strawberry.field(
        description="One message, named by messageKey, or by provider and messageId and, where"
        " that id has several recipients, recipient.  Null where there is none."
    )
    async def message(
        self,
        info: Info,
        message_key: MessageKey = None,
        provider: Provider = None,
        message_id: MessageId = None,
        recipient: Recipient = None,
    ) -> Message | None:
        queries = info.context.queries
        found = await queries.message(message_name(message_key, provider, message_id, recipient))
        return Message.of(found, unmasked=queries.unmasked) if found else None

    @strawberry.field(
        description="Messages, newest first by their first receipt.  Statuses and categories of"
        " the filter are the message's present ones."
    )
    async def messages(
        self,
        info: Info,
        filter: Wanted = None,  # noqa: A002  # the contract's word
        first_recorded_after: Annotated[
            Bound | None,
            strawberry.argument(description="Only messages first recorded later than this."),
        ] = None,
        first_recorded_before: Annotated[
            Bound | None,
            strawberry.argument(description="Only messages first recorded earlier than this."),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> MessageConnection:
        page = window(first, after)
        later, earlier = first_recorded_after, first_recorded_before
        return await message_page(
            info.context, typed(filter), page, later and later.floor, earlier and earlier.ceiling
        )

    @strawberry.field(
        description="Counts by bucket, from a roll-up that is kept with every commit: exact, and"
        " as fast over a year as over an hour.  At most 2,000 buckets."
    )
    async def delivery_stats(
        self,
        info: Info,
        since: Annotated[
            Bound, strawberry.argument(description="From here on; cut to a whole minute.")
        ],
        until: Annotated[
            Bound, strawberry.argument(description="Up to here; filled up to a whole minute.")
        ],
        bucket: Annotated[Bucket, strawberry.argument(description="How long a bucket is.")],
        time_zone: Annotated[
            str,
            strawberry.argument(
                description="IANA zone, such as Asia/Shanghai, that hours and days are of."
            ),
        ] = "UTC",
        group_by: Annotated[
            list[Group] | None,
            strawberry.argument(description="What to tell apart beside the bucket."),
        ] = None,
        filter: Annotated[  # noqa: A002  # the contract's word
            ReceiptFilter | None,
            strawberry.argument(
                description="What to count.  Takes providers, statuses and errorCategories."
            ),
        ] = None,
    ) -> list[DeliveryStat]:
        groups = frozenset(group_by or ())
        query = StatsQuery(since.floor, until.ceiling, bucket, time_zone, groups)
        rows = await info.context.queries.stats(query, typed(filter))
        return [DeliveryStat.of(row) for row in rows]

    @strawberry.field(
        description="What could not be read, newest first.  Needs the scope operations:read."
    )
    async def quarantine(
        self,
        info: Info,
        provider: Annotated[
            str | None, strawberry.argument(description="Only what this account sent.")
        ] = None,
        first: First = None,
        after: Annotated[
            CursorText | None,
            strawberry.argument(description="Only what comes after this cursor of the list."),
        ] = None,
    ) -> QuarantineConnection:
        return await quarantine_page(info.context, provider, window(first, after))

    @strawberry.field(
        description="Durable subscriptions: the caller's own, which takes the scope receipts:read"
        " or subscriptions:write; with the scope operations:read those of all."
    )
    async def subscriptions(self, info: Info) -> list[DurableSubscription]:
        found = await info.context.queries.subscriptions()
        return [DurableSubscription.of(each) for each in found]

    @strawberry.field(description="Where the log begins and ends now.  Any token will do.")
    async def log(self, info: Info) -> Log:
        return Log.of(await info.context.queries.bounds())

    @strawberry.field(description="Who asks.  Any token will do.")
    async def viewer(self, info: Info) -> Viewer:
        return Viewer.of(info.context.queries.access)
