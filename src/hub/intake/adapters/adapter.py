"""
What an adapter is: a module that speaks one provider's dialect, in pure functions.

It reads bytes and gives values back.  It never writes, waits, or asks for the time.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, StrEnum, auto
from typing import NamedTuple, Protocol

from hub.intake.codes import Codes
from hub.receipt import Micros, Receipt

MAX_ID = 128
"""Most characters in a message id or a recipient."""
MAX_CODE = 512
"""Most characters in a raw status or a raw code."""


class CalledAccount(Protocol):
    """What an adapter may know of the account whose URL was called."""

    @property
    def name(self) -> str:
        """The account's name, unique in this hub."""

    @property
    def adapter(self) -> str:
        """The adapter's name."""

    @property
    def timezone(self) -> str:
        """IANA zone of the provider's local times."""

    @property
    def region(self) -> str:
        """Where numbers without a country code are at home, such as CN."""

    @property
    def protocol(self) -> str:
        """The gateway protocol that bare numeric codes belong to; empty if unknown."""

    @property
    def credentials(self) -> Mapping[str, str]:
        """What the signature check needs, by the names of `Adapter.CREDENTIALS`."""


class Call(NamedTuple):
    """One callback, as a signature may cover it."""

    method: str
    url: str
    """As the provider called it: the public URL, path and query."""
    headers: Mapping[str, str]
    """By lower-case name; of several with one name, joined by commas."""
    body: bytes
    received_at: Micros


class Reason(StrEnum):
    """Why something cannot be read.  Stored and shown; never renamed, never a part of the data."""

    NO_TEXT = "NO_TEXT"
    """The body is in no encoding that carries text."""
    NO_JSON = "NO_JSON"
    """Neither the body nor a form field of it is JSON."""
    NO_ENVELOPE = "NO_ENVELOPE"
    """It is JSON, and not what the provider wraps its items in."""
    TOO_DEEP = "TOO_DEEP"
    """Nested deeper than anything sane."""
    FAULT = "FAULT"
    """The adapter failed in a way that nobody foresaw."""
    NO_ADAPTER = "NO_ADAPTER"
    """This hub has no adapter of the account's kind."""
    TOO_MANY = "TOO_MANY"
    """More items of the body cannot be read than are kept one by one."""
    NO_OBJECT = "NO_OBJECT"
    """The item is no object."""
    NO_ID = "NO_ID"
    BAD_ID = "BAD_ID"
    BAD_RECIPIENT = "BAD_RECIPIENT"
    BAD_TIME = "BAD_TIME"
    """A time that is no time."""
    BAD_SEGMENTS = "BAD_SEGMENTS"
    """A count of segments that is no number, negative or out of range."""
    BAD_NUMBER = "BAD_NUMBER"
    """A status or code that is a number out of any range, or NaN."""
    BAD_TEXT = "BAD_TEXT"
    """Half a surrogate pair or a NUL where it would be stored, which no database takes."""
    TOO_LONG = "TOO_LONG"
    """An id or recipient over `MAX_ID`, a status or code over `MAX_CODE`."""


class Unread(NamedTuple):
    """One item of a body that cannot be read."""

    reason: Reason
    raw: bytes


class Answer(Enum):
    """What became of a callback; each adapter says it in its provider's words."""

    STORED = auto()
    """Every item is committed: as a receipt, as one already known, or in quarantine."""
    NOT_FOUND = auto()
    """No such account, or a wrong secret."""
    WRONG_METHOD = auto()
    WRONG_PEER = auto()
    """The caller's address is not in the account's allow-list."""
    UNAUTHENTIC = auto()
    """A signature is missing, wrong or out of its time window; nothing is stored."""
    TOO_LARGE = auto()
    TOO_SLOW = auto()
    """The body did not arrive in time; nothing is stored."""
    UNREADABLE = auto()
    """Not the provider's envelope; kept in quarantine."""
    EMPTY = auto()
    """The provider's envelope with nothing in it."""
    OVERLOADED = auto()
    """Too much is waiting; nothing was taken."""
    STORE_UNAVAILABLE = auto()
    DRAINING = auto()
    FAULT = auto()
    """Something unexpected; nothing was taken."""


class Reply(NamedTuple):
    """What the provider gets back."""

    status: int
    body: bytes
    media_type: str


class Adapter(Protocol):
    """One provider's dialect.  A module is one."""

    @property
    def VERSION(self) -> str:  # noqa: N802  a constant of the module
        """Changes whenever the same bytes are read differently; quarantine keeps it."""

    @property
    def METHODS(self) -> tuple[str, ...]:  # noqa: N802
        """HTTP methods that the provider uses."""

    @property
    def HEADERS(self) -> tuple[str, ...]:  # noqa: N802
        """Lower-case names of headers worth keeping beside the usual ones, such as a signature."""

    @property
    def CREDENTIALS(self) -> Mapping[str, str]:  # noqa: N802
        """What the signature check needs: name to description.  Empty if nothing is signed."""

    def authenticate(self, call: Call, account: CalledAccount) -> str:
        """Why *call* is not the provider's, as a stable word; empty where it is."""

    def read(
        self, body: bytes, headers: Mapping[str, str], account: CalledAccount, codes: Codes
    ) -> Reason | Iterator[Receipt | Unread]:
        """
        What *body* holds, item by item and not before it is asked for; or why it is not the
        provider's envelope.  *headers* may be no more than those that are kept.  For a method
        without a body, *body* is the query of the URL.
        """

    def envelope(self, item: bytes) -> bytes:
        """A body that holds just this one *item*, as `read` set it aside."""

    def reply(self, answer: Answer, reference: str = "") -> Reply:
        """*answer* in the provider's words; *reference* names a fault in the hub's own log."""
