"""What every resolver can reach, and who asks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import strawberry
from starlette.requests import HTTPConnection
from strawberry.dataloader import DataLoader
from strawberry.fastapi import BaseContext

from hub.access import Access, Scope
from hub.accounts.directory import Accounts
from hub.errors import Unauthenticated
from hub.feed.follower import Feed
from hub.graphql.progress import Place
from hub.log.read.log import ReceiptLog
from hub.log.read.message_receipts import Receipts, ReceiptsOf
from hub.receipt import Message
from hub.settings import Settings
from hub.telemetry import Metrics

if TYPE_CHECKING:
    from hub.graphql.operations.documents import Operation


@dataclass(frozen=True, slots=True)
class Hub:
    """The parts of the hub that GraphQL calls."""

    settings: Settings
    log: ReceiptLog
    feed: Feed
    accounts: Accounts
    metrics: Metrics


@dataclass(slots=True)
class Session:
    """Who is at the other end of a connection; a refreshed token changes it."""

    access: Access | None = None
    refusal: Unauthenticated = field(default_factory=Unauthenticated)

    def check(self, accounts: Accounts) -> Access:
        """The access, still good; raises `Unauthenticated`."""
        if self.access is None:
            raise self.refusal
        accounts.check(self.access)
        return self.access


class Connection(BaseContext):
    """A request or a socket, and who is at its other end."""

    def __init__(self, hub: Hub, session: Session) -> None:
        super().__init__()
        self.hub = hub
        self.session = session

    @property
    def access(self) -> Access:
        """What the caller may do now; raises `Unauthenticated`."""
        return self.session.check(self.hub.accounts)

    @property
    def suggests(self) -> bool:
        """Whether errors may name parts of the schema that the caller did not."""
        return self.hub.settings.graphql_introspection and self.session.access is not None

    def execution(self, operation: "Operation") -> "Context":
        """The surroundings to run *operation* in, with the rights of this moment."""
        try:
            return Context(self.hub, operation, self.access)
        except Unauthenticated as refusal:
            return Context(self.hub, operation, refusal)


class Context:
    """
    One execution's surroundings.  Its access is taken when it starts and stays what it was,
    since others may share what it yields: nothing in it may ask the session of one of them.
    """

    def __init__(self, hub: Hub, operation: "Operation", vouched: Access | Unauthenticated) -> None:
        self.hub = hub
        self.operation = operation
        self.place = Place()
        self._vouched = vouched
        self._receipts = DataLoader(self._load_receipts, cache=False)
        self._messages = DataLoader(self._load_messages, cache=False)
        self._raw_bytes = DataLoader(self._load_raw_bytes, cache=False)

    @property
    def access(self) -> Access:
        """What the caller may do; raises `Unauthenticated` where nobody vouches for it."""
        if isinstance(self._vouched, Unauthenticated):
            raise self._vouched
        return self._vouched

    @property
    def reader(self) -> Access:
        """The same, of a caller who may read receipts; raises `Forbidden`."""
        access = self.access
        access.require(Scope.RECEIPTS_READ)
        return access

    @property
    def suggests(self) -> bool:
        """The same as of the connection."""
        known = not isinstance(self._vouched, Unauthenticated)
        return self.hub.settings.graphql_introspection and known

    async def receipts_of(self, message: Message, after: int) -> Receipts:
        """The receipts of a message behind a position, read together with those of others."""
        return await self._receipts.load(ReceiptsOf(message, after))

    async def message_of(self, key: bytes) -> Message | None:
        """A message by its key, read together with others."""
        return await self._messages.load(key)

    async def raw_bytes_of(self, item: int) -> bytes:
        """The bytes of a quarantined item, read together with those of others."""
        return await self._raw_bytes.load(item)

    async def _load_raw_bytes(self, items: list[int]) -> Sequence[bytes]:
        found = await self.hub.log.raw_bytes(list(set(items)))
        return [found.get(item, b"") for item in items]

    async def _load_receipts(self, asked: list[ReceiptsOf]) -> Sequence[Receipts]:
        wanted = list(dict.fromkeys(asked))
        found = dict(zip(wanted, await self.hub.log.receipts_of(wanted), strict=True))
        return [found[each] for each in asked]

    async def _load_messages(self, keys: list[bytes]) -> Sequence[Message | None]:
        found = await self.hub.log.messages_by_key(keys, self.access.providers)
        return [found.get(key) for key in keys]


Info = strawberry.Info[Context, None]


async def session_of(hub: Hub, connection: HTTPConnection) -> Session:
    """The session that an Authorization header opens; without a good one, one that is refused."""
    return await session_for(hub, connection.headers.get("authorization", ""))


async def session_for(hub: Hub, authorization: str) -> Session:
    """The same for the text of the header."""
    try:
        return Session(await hub.accounts.access(bearer(authorization)))
    except Unauthenticated as error:
        return Session(None, error)


def bearer(authorization: str) -> str | None:
    """
    The token in the text of an Authorization header.

    >>> bearer("Bearer abc"), bearer("Basic abc")
    ('abc', None)
    """
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
