"""Page tokens: where a listing goes on, bound to what was listed."""

import base64
import binascii
from hashlib import blake2b

from hub.errors import BadInput
from hub.v1 import receipts_pb2 as pb

_DIGEST_BYTES = 12
_POSITION_BYTES = 8
_FIELD = "page_token"


def token(request: pb.ListReceiptsRequest, epoch: str, position: int) -> str:
    """What the next request sends to go on from *position* with the same listing."""
    raw = _digest(request, epoch) + position.to_bytes(_POSITION_BYTES)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def position(request: pb.ListReceiptsRequest, epoch: str) -> int | None:
    """Where *request* goes on; None for its first page.  A token of another listing is refused."""
    if not request.page_token:
        return None
    try:
        raw = base64.b64decode(request.page_token + "==", altchars=b"-_", validate=False)
    except (binascii.Error, ValueError):
        raw = b""
    whole = len(raw) == _DIGEST_BYTES + _POSITION_BYTES
    if not whole or raw[:_DIGEST_BYTES] != _digest(request, epoch):
        message = "page_token is not of this listing; start again without it"
        raise BadInput(message, field=_FIELD)
    return int.from_bytes(raw[_DIGEST_BYTES:])


def stale() -> BadInput:
    """What to raise when receipts that the listing should go on with are no longer kept."""
    message = "page_token is too old: what follows is no longer kept; start again without it"
    return BadInput(message, field=_FIELD)


def _digest(request: pb.ListReceiptsRequest, epoch: str) -> bytes:
    listing = pb.ListReceiptsRequest()
    listing.CopyFrom(request)
    for changing in ("page_token", "page_size"):
        listing.ClearField(changing)
    data = listing.SerializeToString(deterministic=True)
    return blake2b(data, digest_size=_DIGEST_BYTES, key=epoch.encode()[:64]).digest()
