"""Which receipts, messages or statistics a caller wants."""

from collections.abc import Iterable, Sequence

import strawberry

from hub.access import Access, Scope
from hub.filter import Filter, check_list_sizes, check_text
from hub.graphql.types.enums import ErrorCategory, Status
from hub.phone import candidates


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


def wanted_by(access: Access, given: ReceiptFilter | None, regions: Iterable[str]) -> Filter:
    """
    What *access* lets through of *given*.  Recipients without a country code may be of any of
    *regions*.  Raises `Forbidden` and `BadInput`.
    """
    if given is None:
        return access.limit(Filter())
    _check(given)
    if given.recipients:
        access.require(Scope.RECIPIENTS_READ)
    typed = given.recipients or []
    wanted = Filter(
        providers=tuple(given.providers or ()),
        statuses=tuple(given.statuses or ()),
        error_categories=tuple(given.error_categories or ()),
        message_ids=tuple(given.message_ids or ()),
        recipients=tuple({found: None for text in typed for found in candidates(text, regions)}),
        client_references=tuple(given.client_references or ()),
        applied_only=bool(given.applied_only),
    )
    return access.limit(wanted)


def _check(given: ReceiptFilter) -> None:
    lists: dict[str, Sequence[object]] = {
        "filter.providers": given.providers or [],
        "filter.statuses": given.statuses or [],
        "filter.errorCategories": given.error_categories or [],
        "filter.messageIds": given.message_ids or [],
        "filter.recipients": given.recipients or [],
        "filter.clientReferences": given.client_references or [],
    }
    check_list_sizes(lists)
    for name, values in lists.items():
        for value in values:
            if isinstance(value, str):
                check_text(name, value)
