"""What can be followed.  Resolvers convert, call, convert."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from hub.errors import BadInput
from hub.graphql.context import Info
from hub.graphql.types.batches import ReceiptBatch
from hub.graphql.types.enums import OnExpired
from hub.graphql.types.filters import (
    MessageId,
    MessageKey,
    Provider,
    Recipient,
    Wanted,
    message_name,
    typed,
)
from hub.graphql.types.receipts import Message
from hub.graphql.types.scalars import CursorText

LARGEST_BATCH = 1000


@strawberry.type(description="What can be followed, over graphql-transport-ws or SSE.")
class Subscription:
    """Every field needs a token with the scope receipts:read."""

    @strawberry.subscription(
        description="The log from a cursor, then live, without end.  The first batch comes at once;"
        " later there is one at least each heartbeat."
    )
    async def receipts(
        self,
        info: Info,
        filter: Wanted = None,  # noqa: A002  # the contract's word
        after: Annotated[
            CursorText | None,
            strawberry.argument(
                description="Resume here: the cursor of the last batch, or the head of a query."
                "  From now on where nothing is said."
            ),
        ] = None,
        on_expired: Annotated[
            OnExpired,
            strawberry.argument(description="What to do where `after` is no longer kept."),
        ] = OnExpired.FAIL,
        batch_size: Annotated[
            int, strawberry.argument(description="Most receipts of a batch, 1 to 1000.")
        ] = 100,
    ) -> AsyncGenerator[ReceiptBatch, None]:
        queries, progress = info.context.queries, info.context.progress
        wanted = queries.filter(typed(filter))
        if not 1 <= batch_size <= LARGEST_BATCH:
            message = f"batchSize takes 1 to {LARGEST_BATCH}"
            raise BadInput(message, field="batchSize")
        start = progress.start
        if start is None:
            start = await queries.start(after=after, on_expired=on_expired)
        async for frame in queries.follow(wanted, start, batch_size=batch_size):
            progress.arrive(frame)
            yield ReceiptBatch.of(frame, unmasked=queries.unmasked)

    @strawberry.subscription(
        description="One message now, or silence until its first receipt, and again at every"
        " change.  Completes at a final status."
    )
    async def message(
        self,
        info: Info,
        message_key: MessageKey = None,
        provider: Provider = None,
        message_id: MessageId = None,
        recipient: Recipient = None,
    ) -> AsyncGenerator[Message, None]:
        queries = info.context.queries
        name = message_name(message_key, provider, message_id, recipient)
        async for found in queries.changes(name):
            yield Message.of(found, unmasked=queries.unmasked)
