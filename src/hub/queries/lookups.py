"""Which message a caller names."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.access import Access, Scope
from hub.errors import BadInput
from hub.filter import check_text
from hub.log import MessageLookup
from hub.queries.filters import numbers
from hub.receipt import parse_message_key


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageName:
    """A message by its key, or by provider, message id and recipient; empty where not given."""

    message_key: str = ""
    provider: str = ""
    message_id: str = ""
    recipient: str = ""
    """The number as a person types it."""
    prefix: str = ""
    """What stands before the names of its fields where the request has several."""


def lookup(access: Access, name: MessageName, regions: Sequence[str]) -> MessageLookup:
    """
    What to look for where *name* is given.  A number without a country code may be of any of
    *regions*.  Raises `Forbidden` and `BadInput`.
    """
    access.require(Scope.RECEIPTS_READ)
    if name.recipient:
        access.require(Scope.RECIPIENTS_READ)
    if name.message_key:
        return MessageLookup(key=_key(name))
    for field in ("provider", "message_id"):
        if not getattr(name, field):
            message = "name a message by message_key, or by provider and message_id"
            raise BadInput(message, field=name.prefix + field)
    for field in ("provider", "message_id", "recipient"):
        check_text(name.prefix + field, getattr(name, field))
    return MessageLookup(
        provider=name.provider,
        message_id=name.message_id,
        recipients=numbers([name.recipient], regions) if name.recipient else (),
    )


def _key(name: MessageName) -> bytes:
    field = f"{name.prefix}message_key"
    if name.provider or name.message_id or name.recipient:
        message = "message_key names a message alone; leave the other fields out"
        raise BadInput(message, field=field)
    try:
        return parse_message_key(name.message_key)
    except BadInput as error:
        raise BadInput(str(error), field=field) from None
