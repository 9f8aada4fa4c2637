"""Anything that has a global id."""

from strawberry import relay

from hub.errors import BadInput
from hub.graphql.context import Info
from hub.graphql.types.quarantine import QuarantineItem
from hub.graphql.types.receipts import Message, Receipt

_KINDS: dict[str, type[Receipt] | type[Message] | type[QuarantineItem]] = {
    "Receipt": Receipt,
    "Message": Message,
    "QuarantineItem": QuarantineItem,
}


async def node_of(info: Info, global_id: str) -> relay.Node | None:
    """What *global_id* names, if it exists for the caller; raises `BadInput` and `Forbidden`."""
    try:
        parts = relay.GlobalID.from_id(global_id)
    except relay.GlobalIDValueError:
        parts = None
    kind = _KINDS.get(parts.type_name) if parts else None
    if parts is None or kind is None:
        message = "id must be one that a node showed"
        raise BadInput(message, field="id")
    return await kind.with_id(info, parts.node_id)
