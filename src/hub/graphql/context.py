"""What every resolver can reach, and who asks."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import strawberry
from strawberry.dataloader import DataLoader
from strawberry.fastapi import BaseContext

from hub.access import Access
from hub.accounts import Accounts
from hub.errors import Unauthenticated
from hub.graphql.operation import Operation
from hub.graphql.progress import Progress
from hub.log import Receipts, ReceiptsOf
from hub.queries import Core, Queries, access_of
from hub.receipt import Message
from hub.settings import Settings
from hub.telemetry import Metrics


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the hub that carry operations.  Resolvers do not see them."""

    settings: Settings
    core: Core
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

    def __init__(self, services: Services, session: Session) -> None:
        super().__init__()
        self.services = services
        self.session = session

    @property
    def access(self) -> Access:
        """What the caller may do now; raises `Unauthenticated`."""
        return self.session.check(self.services.core.accounts)

    @property
    def suggests(self) -> bool:
        """Whether errors may name parts of the schema that the caller did not."""
        return self.services.settings.graphql_introspection and self.session.access is not None

    def execution(self, operation: Operation) -> "Context":
        """The surroundings to run *operation* in, with the rights of this moment."""
        try:
            return context_for(self.services, operation, self.access)
        except Unauthenticated as refusal:
            return context_for(self.services, operation, refusal)


class Context:
    """
    One execution's surroundings.  Its access is taken when it starts and stays what it was,
    since others may share what it yields: nothing in it may ask the session of one of them.
    Resolvers reach the log through `queries` alone, which nobody has without a token.
    """

    def __init__(
        self, operation: Operation, queries: Queries | Unauthenticated, *, introspection: bool
    ) -> None:
        self.operation = operation
        self.progress = Progress()
        self._queries = queries
        self._introspection = introspection
        self._receipts = DataLoader(self._load_receipts, cache=False)
        self._messages = DataLoader(self._load_messages, cache=False)
        self._raw_bytes = DataLoader(self._load_raw_bytes, cache=False)

    @property
    def queries(self) -> Queries:
        """What the caller may ask; raises `Unauthenticated` where nobody vouches for it."""
        if isinstance(self._queries, Unauthenticated):
            raise self._queries
        return self._queries

    @property
    def unmasked(self) -> bool:
        """Whether the caller may see recipients in full."""
        return self.queries.unmasked

    @property
    def suggests(self) -> bool:
        """The same as of the connection."""
        return self._introspection and not isinstance(self._queries, Unauthenticated)

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
        found = await self.queries.raw_bytes(list(set(items)))
        return [found.get(item, b"") for item in items]

    async def _load_receipts(self, asked: list[ReceiptsOf]) -> Sequence[Receipts]:
        wanted = list(dict.fromkeys(asked))
        found = dict(zip(wanted, await self.queries.receipts_of(wanted), strict=True))
        return [found[each] for each in asked]

    async def _load_messages(self, keys: list[bytes]) -> Sequence[Message | None]:
        found = await self.queries.messages_by_key(keys)
        return [found.get(key) for key in keys]


def context_for(
    services: Services, operation: Operation, vouched: Access | Unauthenticated
) -> Context:
    """The surroundings of an execution with the rights *vouched* for, or refused with why not."""
    queries = vouched if isinstance(vouched, Unauthenticated) else Queries(services.core, vouched)
    return Context(operation, queries, introspection=services.settings.graphql_introspection)


Info = strawberry.Info[Context, None]


async def session_of(services: Services, authorization: str) -> Session:
    """The session that an Authorization header opens; without a good one, one that is refused."""
    try:
        return Session(await access_of(services.core.accounts, authorization))
    except Unauthenticated as error:
        return Session(None, error)
