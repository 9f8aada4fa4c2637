"""Which message a caller names."""

from hub.access import Scope
from hub.errors import BadInput
from hub.filter import check_text
from hub.graphql.context import Context
from hub.log.read.messages import MessageLookup
from hub.phone import candidates
from hub.receipt import parse_message_key


def lookup(
    context: Context,
    message_key: str | None,
    provider: str | None,
    message_id: str | None,
    recipient: str | None,
) -> MessageLookup:
    """The message that the arguments name.  Raises `Forbidden` and `BadInput`."""
    access = context.reader
    if recipient is not None:
        access.require(Scope.RECIPIENTS_READ)
    if message_key is not None:
        if provider is not None or message_id is not None or recipient is not None:
            message = "messageKey names a message alone; leave the other arguments out"
            raise BadInput(message, field="messageKey")
        return MessageLookup(key=parse_message_key(message_key))
    if not provider or not message_id:
        message = "name a message by messageKey, or by provider and messageId"
        raise BadInput(message, field="provider" if message_id else "messageId")
    check_text("provider", provider)
    check_text("messageId", message_id)
    check_text("recipient", recipient or "")
    regions = context.hub.accounts.regions()
    return MessageLookup(
        provider=provider,
        message_id=message_id,
        recipients=() if recipient is None else candidates(recipient, regions),
    )
