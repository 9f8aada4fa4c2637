"""Which receipts, messages or statistics a caller wants, and which message it names."""

from typing import Annotated

import strawberry

from hub.graphql.types.enums import ErrorCategory, Status
from hub.queries import MessageName, TypedFilter


@strawberry.input(
    description="A receipt passes that meets every field given; a list is met by any of its values,"
    " of which it takes at most 100.  An empty list is no condition."
)
class ReceiptFilter:
    """The contract's filter; its names are the same over gRPC."""

    providers: list[str] | None = strawberry.field(
        default=None, description="Names of provider accounts."
    )
    statuses: list[Status] | None = strawberry.field(
        default=None,
        description="What the receipt says; of messages, their present status.",
    )
    error_categories: list[ErrorCategory] | None = strawberry.field(
        default=None, description="Why it failed; of messages, their present category."
    )
    message_ids: list[str] | None = strawberry.field(
        default=None, description="The provider's ids, as received."
    )
    recipients: list[str] | None = strawberry.field(
        default=None,
        description="Numbers as a person types them, with or without a country code.  Needs the"
        " scope recipients:read.",
    )
    client_references: list[str] | None = strawberry.field(
        default=None, description="What the sender attached to the message."
    )
    applied_only: bool | None = strawberry.field(
        default=None,
        description="Only receipts that changed their message's status.  Messages all have one.",
    )


Wanted = Annotated[
    ReceiptFilter | None, strawberry.argument(description="What to let through; all by default.")
]
MessageKey = Annotated[str | None, strawberry.argument(description="The key that a receipt shows.")]
Provider = Annotated[str | None, strawberry.argument(description="Name of the provider account.")]
MessageId = Annotated[
    str | None, strawberry.argument(description="The provider's id, as received.")
]
Recipient = Annotated[
    str | None,
    strawberry.argument(
        description="The number as a person types it.  Needs the scope recipients:read."
    ),
]


def typed(given: ReceiptFilter | None) -> TypedFilter:
    """*given* in the words of both surfaces."""
    if given is None:
        return TypedFilter()
    return TypedFilter(
        providers=given.providers or (),
        statuses=given.statuses or (),
        error_categories=given.error_categories or (),
        message_ids=given.message_ids or (),
        recipients=given.recipients or (),
        client_references=given.client_references or (),
        applied_only=bool(given.applied_only),
    )


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
