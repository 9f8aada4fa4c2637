"""
The words that every part of the hub speaks.

Instants are whole microseconds since 1970-01-01T00:00Z (`Micros`): they compare, sort and
store without a time zone, and each surface turns them into its own type once, at the edge.
"""

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple, Self

from hub.errors import BadInput, CursorForeign, CursorInvalid

Micros = int
"""Microseconds since 1970-01-01T00:00Z."""

EARLIEST: Micros = -62_135_596_800_000_000
"""0001-01-01T00:00:00Z: no calendar of the surfaces begins before."""
LATEST: Micros = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z, where they end."""


class Status(IntEnum):
    """What is known of a message.  The numbers are stored and sent; never renumber them."""

    ACCEPTED = 1
    """The provider took it; nothing was sent yet."""
    SENT = 2
    """It left for the carrier."""
    BUFFERED = 3
    """The carrier holds it, for instance while the handset is off."""
    UNKNOWN = 4
    """The provider reports something that has no sure meaning; the raw value is kept."""
    EXPIRED = 5
    """The carrier gave up after its time limit."""
    REJECTED = 6
    """Refused before it reached the network."""
    UNDELIVERED = 7
    """The network could not deliver it."""
    CANCELLED = 8
    """Withdrawn or deleted."""
    DELIVERED = 9
    """It arrived."""

    @property
    def rank(self) -> int:
        """How far along this is: a higher rank replaces a lower one, an equal one does not."""
        return RANKS[self]

    @property
    def failed(self) -> bool:
        """Whether this is one of the four failures."""
        return RANKS[self] == FAILURE_RANK

    @property
    def final(self) -> bool:
        """Whether nothing more is expected, save a late delivery after a failure."""
        return RANKS[self] >= FAILURE_RANK


FAILURE_RANK = 80
RANKS = {
    Status.ACCEPTED: 10,
    Status.SENT: 20,
    Status.BUFFERED: 25,
    Status.UNKNOWN: 50,
    Status.EXPIRED: FAILURE_RANK,
    Status.REJECTED: FAILURE_RANK,
    Status.UNDELIVERED: FAILURE_RANK,
    Status.CANCELLED: FAILURE_RANK,
    Status.DELIVERED: 90,
}


class ErrorCategory(IntEnum):
    """Why a message failed, in words that need no table of codes.  Stored; never renumber."""

    UNKNOWN = 1
    """There is a code, and nobody has explained it."""
    INVALID_NUMBER = 2
    """No such number: stop sending to it."""
    ABSENT = 3
    """Switched off or out of coverage: try later."""
    HANDSET = 4
    """The device refused it, for instance because its memory is full."""
    SUBSCRIBER = 5
    """The line is suspended, barred, or has no SMS service."""
    BLOCKED = 6
    """A blacklist, an opt-out or a complaint."""
    CONTENT = 7
    """A keyword, a template or a spam check."""
    SENDER = 8
    """The signature, sender number or service is not registered."""
    RATE_LIMIT = 9
    """Too many messages in a time."""
    NETWORK = 10
    """A carrier or gateway failed or did not answer."""
    EXPIRED = 11
    """Not delivered within the time limit."""
    BILLING = 12
    """Our account or its balance."""


class DeliveryEvidence(IntEnum):
    """Who vouches for a delivery.  Stored; never renumber."""

    UNSPECIFIED = 0
    HANDSET = 1
    CARRIER = 2


class Order(StrEnum):
    """Which end of the log a page starts from."""

    NEWEST_FIRST = "NEWEST_FIRST"
    OLDEST_FIRST = "OLDEST_FIRST"


class StartAt(StrEnum):
    """Where a reader without a cursor starts."""

    EARLIEST = "EARLIEST"
    LATEST = "LATEST"


class OnExpired(StrEnum):
    """What to do with a cursor whose next receipts are no longer kept."""

    FAIL = "FAIL"
    EARLIEST = "EARLIEST"


@dataclass(slots=True, kw_only=True)
class Receipt:
    """One delivery receipt as an adapter read it, before the log gave it a position."""

    message_id: str
    """The provider's id of the message, as received."""
    status: Status
    provider_status: str
    """The provider's own word for the status, as received."""
    recipient: str = ""
    """E.164 where it can be read as a number, else as received; empty if none was given."""
    error_code: str = ""
    """The provider's or gateway's code, as received; empty if none."""
    error_category: ErrorCategory | None = None
    error_permanent: bool | None = None
    """Whether trying again is useless; None where nobody knows."""
    delivery_evidence: DeliveryEvidence = DeliveryEvidence.UNSPECIFIED
    occurred_at: Micros | None = None
    """When it happened, by the provider's clock; None if the provider gave no time."""
    raw_time: str = ""
    """The provider's time as received, which tells one receipt from another."""
    segments: int | None = None
    """Charged segments; None if not given."""
    raw_segments: str = ""
    part: int | None = None
    """Which part of a long message, from 1; None where receipts speak of the whole message."""
    part_count: int | None = None
    network: str = ""
    """MCC-MNC of the recipient's network, such as 460-00; empty if not given."""
    price: str = ""
    """Decimal text, such as 0.0450; empty if not given."""
    currency: str = ""
    client_reference: str = ""
    """What the sender attached to the message; empty if nothing."""
    corrects: int | None = None
    """The position of the receipt whose reading this one replaces."""


class Entry(NamedTuple):
    """A receipt in the log.  Fields that were not given are None."""

    position: int
    """Dense, from 1, in commit order."""
    key: bytes
    """16 bytes that name the message and tell nothing of it; see `message_key`."""
    message: int
    """The position of the message's first receipt, which is the message's row id."""
    provider: str
    message_id: str
    recipient: str | None
    status: Status
    provider_status: str
    error_code: str | None
    error_category: ErrorCategory | None
    error_permanent: bool | None
    delivery_evidence: DeliveryEvidence
    occurred_at: Micros | None
    received_at: Micros
    """When the callback arrived."""
    recorded_at: Micros
    """When it was committed; never decreases with position."""
    segments: int | None
    part: int | None
    part_count: int | None
    network: str | None
    price: str | None
    currency: str | None
    client_reference: str | None
    applied: bool
    """Whether it changed its message's status."""
    message_status: Status
    """The message's status after it."""
    corrects: int | None
    """The position it corrects, for a correction made by reading kept bytes again."""


class Message(NamedTuple):
    """What is known of one message to one recipient, derived from its receipts."""

    id: int
    """The position of its first receipt."""
    key: bytes
    provider: str
    message_id: str
    recipient: str | None
    status: Status
    error_code: str | None
    error_category: ErrorCategory | None
    segments: int | None
    first_received_at: Micros
    status_at: Micros
    """When the present status came about: the provider's time, else the callback's arrival."""
    delivered_at: Micros | None
    receipt_count: int
    conflict: bool
    """Whether one receipt said delivered and another one failed."""


_KEY_PATTERN = re.compile(r"m_[0-9a-f]{32}")


def message_key(key: bytes) -> str:
    """The public name of a message, as text."""
    return "m_" + key.hex()


def parse_message_key(text: str) -> bytes:
    """The 16 bytes that `message_key` made *text* from."""
    if not _KEY_PATTERN.fullmatch(text):
        message = "message_key must be a key that the hub gave out: m_ and 32 hexadecimal digits"
        raise BadInput(message, field="message_key")
    return bytes.fromhex(text[2:])


_CURSOR_PATTERN = re.compile(r"([0-9a-z]{1,32}):(0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything up to and including *position* of the log named *epoch* was seen."""

    epoch: str
    position: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.position}"

    @classmethod
    def parse(cls, text: str, epoch: str, *, field: str = "after") -> Self:
        """
        Read the *field* of a request, a cursor as the hub writes it.  Raises `CursorInvalid`, and
        `CursorForeign` where its log is not named *epoch*.
        """
        match = _CURSOR_PATTERN.fullmatch(text)
        if not match:
            raise CursorInvalid(field=field)
        if match[1] != epoch:
            raise CursorForeign(field=field)
        return cls(match[1], int(match[2]))
