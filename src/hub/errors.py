"""
Every error a caller can meet.

    HubError
    ├── Unauthenticated        no token, or one that is unknown, expired or revoked
    ├── Forbidden              a scope is missing
    ├── BadInput               the request is not what the contract takes
    │   ├── CursorInvalid
    │   ├── RecipientRequired
    │   ├── TooComplex
    │   └── AckAhead
    ├── NotFound               no such thing, or not for this consumer
    ├── CursorForeign          the cursor is of another log
    ├── CursorExpired          what follows the cursor is no longer kept
    ├── SubscriptionMismatch   not as the subscription was created
    ├── Fenced                 this reader does not hold the subscription any more
    ├── Overloaded             too much is waiting; nothing was taken
    ├── StoreUnavailable       the database cannot take or give anything now
    ├── Draining               the hub is shutting down; the cursor stays good
    ├── SlowReader             the reader did not take what it asked for
    ├── TooManyStreams         over a limit on open streams
    └── StartError             the hub cannot start: a setting, a port, a folder, a database

Errors carry no protocol: each surface maps these classes to its own status, and a test holds
every map against this list.  The first line of a class is its message unless another is given.
"""

from typing import ClassVar


class HubError(Exception):
    """Something went wrong inside the hub."""

    reason: ClassVar[str] = "INTERNAL"
    """The word of the contract for it, the same in every protocol."""

    def __init__(self, message: str = "", *, field: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])
        self.field = field
        """The part of the request at fault, where there is one."""

    @property
    def details(self) -> dict[str, str]:
        """What a program can use beside the reason."""
        return {}


class Unauthenticated(HubError):
    """Send a valid token as `Authorization: Bearer <token>`; this one is missing or not valid."""

    reason = "UNAUTHENTICATED"


class Forbidden(HubError):
    """The token lacks a scope."""

    reason = "FORBIDDEN"


class BadInput(HubError):
    """The request cannot be read."""

    reason = "BAD_USER_INPUT"


class CursorInvalid(BadInput):
    """The cursor cannot be read or is ahead of the log; use one as the hub gave it."""

    reason = "CURSOR_INVALID"

    def __init__(self, message: str = "", *, field: str = "after") -> None:
        super().__init__(message, field=field)


class RecipientRequired(BadInput):
    """Several recipients have this id; name one, or use the message_key."""

    reason = "RECIPIENT_REQUIRED"

    def __init__(self, message: str = "", *, field: str = "recipient") -> None:
        super().__init__(message, field=field)


class TooComplex(BadInput):
    """The operation asks for more than one request may."""

    reason = "TOO_COMPLEX"

    def __init__(self, message: str = "", *, cost: int = 0, limit: int = 0) -> None:
        super().__init__(message)
        self.cost, self.limit = cost, limit

    @property
    def details(self) -> dict[str, str]:
        """The cost of the operation and the most it may be, where a cost is the matter."""
        return {"cost": str(self.cost), "limit": str(self.limit)} if self.limit else {}


class AckAhead(BadInput):
    """The acknowledged cursor is ahead of what was sent."""

    reason = "ACK_AHEAD"

    def __init__(self, message: str = "", *, field: str = "ack.cursor") -> None:
        super().__init__(message, field=field)


class NotFound(HubError):
    """There is no such thing, or it is not for this consumer."""

    reason = "NOT_FOUND"


class CursorForeign(HubError):
    """The cursor belongs to another log; start again from a time or an end of this one."""

    reason = "CURSOR_FOREIGN"


class CursorExpired(HubError):
    """What follows the cursor is no longer kept; start at `oldest`, or ask for EARLIEST."""

    reason = "CURSOR_EXPIRED"

    def __init__(self, message: str = "", *, oldest: str = "", head: str = "") -> None:
        super().__init__(message, field="after")
        self.oldest, self.head = oldest, head

    @property
    def details(self) -> dict[str, str]:
        """Cursors: `oldest` to start before the oldest kept receipt, and `head`."""
        return {"oldest": self.oldest, "head": self.head}


class SubscriptionMismatch(HubError):
    """The subscription exists with another filter or another number of shards."""

    reason = "SUBSCRIPTION_MISMATCH"


class Fenced(HubError):
    """The subscription was taken over, reset, resharded or deleted: this reader lost it."""

    reason = "FENCED"


class Overloaded(HubError):
    """Too much is waiting to be committed; nothing was taken, try again."""

    reason = "OVERLOADED"


class StoreUnavailable(HubError):
    """The store cannot be reached or written now; nothing was taken, try again."""

    reason = "STORE_UNAVAILABLE"

    def __init__(self, message: str = "", *, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice or str(self)
        """What an operator should do; not for those who merely ask."""


class Draining(HubError):
    """The hub is shutting down; connect again and resume at the last cursor."""

    reason = "DRAINING"


class SlowReader(HubError):
    """The reader took nothing for too long; connect again and resume at the last cursor."""

    reason = "SLOW_READER"


class TooManyStreams(HubError):
    """Too many streams are open; close some, or raise the limit."""

    reason = "TOO_MANY_STREAMS"


class StartError(HubError):
    """The hub cannot start."""

    reason = "START"
