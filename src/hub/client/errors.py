"""
What can go wrong, as exceptions.

    HubCallError
    ├── Unavailable            comes again later; streams and subscriptions reconnect by themselves
    │   ├── Draining           this hub is shutting down
    │   ├── StoreUnavailable   its database is away
    │   ├── Overloaded         too much is waiting
    │   ├── SlowReader         this reader took nothing for too long
    │   └── SilentStream       not even a heartbeat came
    ├── Unauthenticated        the token is unknown, expired or revoked
    ├── Forbidden              the token lacks a scope
    ├── InvalidRequest         the request is not what the hub takes
    │   ├── CursorInvalid
    │   ├── RecipientRequired
    │   └── AckAhead
    ├── CursorForeign          the cursor is of another log
    ├── CursorExpired          what follows the cursor is no longer kept
    ├── NotFound
    ├── SubscriptionMismatch   the subscription was created with another filter or shard count
    ├── Fenced                 this reader does not hold the subscription any more
    ├── TooManyStreams
    └── HubFault               a fault of the hub; its log knows more
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

_DOMAIN = "hub"


class HubCallError(Exception):
    """A call to the hub failed."""

    reason: ClassVar[str] = ""
    """The hub's word for it; empty where the hub did not say."""

    def __init__(
        self, message: str = "", *, fields: Sequence[str] = (), details: Mapping[str, str] = {}
    ) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.fields = tuple(fields)
        """The parts of the request that are at fault."""
        self.details = dict(details)
        """What the hub added for programs."""


class Unavailable(HubCallError):
    """The hub cannot be reached or cannot answer now."""


class Draining(Unavailable):
    """The hub is shutting down."""

    reason = "DRAINING"


class StoreUnavailable(Unavailable):
    """The hub's database is away."""

    reason = "STORE_UNAVAILABLE"


class Overloaded(Unavailable):
    """Too much is waiting at the hub."""

    reason = "OVERLOADED"


class SlowReader(Unavailable):
    """The reader took nothing for too long."""

    reason = "SLOW_READER"


class SilentStream(Unavailable):
    """Not even a heartbeat came for too long."""


class Unauthenticated(HubCallError):
    """The token is unknown, expired or revoked."""

    reason = "UNAUTHENTICATED"


class Forbidden(HubCallError):
    """The token lacks a scope."""

    reason = "FORBIDDEN"


class InvalidRequest(HubCallError):
    """The request is not what the hub takes; `fields` names the parts."""

    reason = "BAD_USER_INPUT"


class CursorInvalid(InvalidRequest):
    """The cursor cannot be read, or is ahead of the log."""

    reason = "CURSOR_INVALID"


class RecipientRequired(InvalidRequest):
    """The message id has several recipients; name one."""

    reason = "RECIPIENT_REQUIRED"


class AckAhead(InvalidRequest):
    """What was acknowledged had not been sent."""

    reason = "ACK_AHEAD"


class CursorForeign(HubCallError):
    """The cursor is of another log."""

    reason = "CURSOR_FOREIGN"


class CursorExpired(HubCallError):
    """What follows the cursor is no longer kept."""

    reason = "CURSOR_EXPIRED"

    @property
    def oldest(self) -> str:
        """The oldest cursor that can be resumed from."""
        return self.details.get("oldest", "")

    @property
    def head(self) -> str:
        """The cursor of the newest receipt."""
        return self.details.get("head", "")


class NotFound(HubCallError):
    """There is no such thing, or it is not for this consumer."""

    reason = "NOT_FOUND"


class SubscriptionMismatch(HubCallError):
    """The subscription was created with another filter or shard count."""

    reason = "SUBSCRIPTION_MISMATCH"


class Fenced(HubCallError):
    """The subscription was taken over, reset, resharded or deleted: this reader lost it."""

    reason = "FENCED"


class TooManyStreams(HubCallError):
    """Too many streams are open."""

    reason = "TOO_MANY_STREAMS"


class HubFault(HubCallError):
    """The hub has a fault; `details` has the reference under which its log tells more."""

    reason = "INTERNAL"


_GONE = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
}
"""Codes that, without a reason of the hub, tell of a connection that broke."""


def typed(error: grpc.aio.AioRpcError) -> HubCallError:
    """*error* as one of these exceptions."""
    info, fields = _details(error)
    message = error.details() or error.code().name
    if info.domain != _DOMAIN:
        return (Unavailable if error.code() in _GONE else HubCallError)(message)
    known = {kind.reason: kind for kind in _kinds(HubCallError) if kind.reason}
    kind = known.get(info.reason, HubCallError)
    return kind(message, fields=fields, details=info.metadata)


def _details(error: grpc.aio.AioRpcError) -> tuple[error_details_pb2.ErrorInfo, list[str]]:
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    try:
        status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has all that is read
    except ValueError:  # it contradicts the code, so it is of something between us and the hub
        status = None
    for detail in status.details if status else ():
        detail.Unpack(info)
        detail.Unpack(bad)
    return info, [violation.field for violation in bad.field_violations]


def _kinds(kind: type[HubCallError]) -> Iterator[type[HubCallError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _kinds(child)
