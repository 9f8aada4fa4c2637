"""Adding and ending provider accounts and consumers; what the command line does to them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from hub.access import Scope, new_token, token_hash
from hub.database import Consumer, Provider, Store
from hub.errors import BadInput, NotFound
from hub.receipt import Micros

Account = TypeVar("Account", Provider, Consumer)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProvider:
    """A provider account to be made; already checked."""

    name: str
    adapter: str
    timezone: str = "Asia/Shanghai"
    region: str = "CN"
    allow_ips: tuple[str, ...] = ()
    credentials: dict[str, str] = field(default_factory=dict)
    protocol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConsumer:
    """A consumer to be made; already checked."""

    name: str
    scopes: tuple[str, ...] = (Scope.RECEIPTS_READ,)
    providers: tuple[str, ...] | None = None
    """The only providers it sees; None for all."""
    expires_at: Micros | None = None


class Administration:
    """
    Changes to the accounts, each one transaction.  Running hubs notice them within seconds.  All
    raise `StoreUnavailable`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add_provider(self, new: NewProvider) -> str:
        """Make the account; return its secret, which cannot be had again."""
        secret = new_token()
        provider = Provider(
            name=new.name,
            adapter=new.adapter,
            timezone=new.timezone,
            region=new.region,
            allow_ips=list(new.allow_ips),
            credentials=new.credentials,
            protocol=new.protocol,
            secret_hash=token_hash(secret),
            old_secrets=[],
            created_at=_now(),
            disabled_at=None,
        )
        await self._add(lambda session: session.add(provider), "provider", new.name)
        return secret

    async def rotate_provider(self, name: str, grace: Micros) -> str:
        """
        A new secret; the present one stays valid for *grace* microseconds, and those before it
        for as long as they were promised.  Raises `BadInput` where the account is disabled.
        """
        secret, now = new_token(), _now()

        def work(session: Session) -> None:
            provider = _named(session, Provider, name)
            if provider.disabled_at is not None:
                message = f"the provider {name} is disabled; its callbacks are refused"
                raise BadInput(message, field="name")
            valid = [old for old in provider.old_secrets if old["until"] > now]
            last = {"hash": provider.secret_hash.hex(), "until": now + grace}
            provider.old_secrets = [*valid, last]
            provider.secret_hash = token_hash(secret)

        await self._store.write(work)
        return secret

    async def disable_provider(self, name: str) -> None:
        """Refuse the provider's callbacks from now on; its receipts stay."""

        def work(session: Session) -> None:
            _named(session, Provider, name).disabled_at = _now()

        await self._store.write(work)

    async def providers(self) -> Sequence[Provider]:
        """All provider accounts, by name."""
        statement = select(Provider).order_by(col(Provider.name))
        return await self._store.read(lambda session: session.exec(statement).all())

    async def add_consumer(self, new: NewConsumer) -> str:
        """
        Make the consumer; return its token, which cannot be had again.  One of this name that was
        revoked or has expired is the same consumer again: its subscriptions are kept.
        """
        token = new_token()

        def work(session: Session) -> None:
            consumer = session.exec(_by_name(Consumer, new.name)).first()
            if consumer is None or not _ended(consumer):
                consumer = Consumer(name=new.name, token_hash=b"", scopes=[], created_at=0)
            consumer.token_hash = token_hash(token)
            consumer.scopes = list(new.scopes)
            consumer.providers = None if new.providers is None else list(new.providers)
            consumer.created_at = _now()
            consumer.expires_at = new.expires_at
            consumer.revoked_at = None
            session.add(consumer)

        await self._add(work, "consumer", new.name)
        return token

    async def revoke_consumer(self, name: str) -> None:
        """End the consumer's token, on open streams as well."""

        def work(session: Session) -> None:
            _named(session, Consumer, name).revoked_at = _now()

        await self._store.write(work)

    async def consumers(self) -> Sequence[Consumer]:
        """All consumers, by name."""
        statement = select(Consumer).order_by(col(Consumer.name))
        return await self._store.read(lambda session: session.exec(statement).all())

    async def _add(self, work: Callable[[Session], None], what: str, name: str) -> None:
        try:
            await self._store.write(work)
        except IntegrityError as error:
            message = f"a {what} named {name} exists already"
            raise BadInput(message, field="name") from error


def _by_name(model: type[Account], name: str) -> SelectOfScalar[Account]:
    """The row of *model* named *name*, kept from changing until the transaction ends."""
    return select(model).where(col(model.name) == name).with_for_update()


def _named(session: Session, model: type[Account], name: str) -> Account:
    found = session.exec(_by_name(model, name)).first()
    if found is None:
        message = f"there is no {model.__tablename__} named {name}"
        raise NotFound(message)
    return found


def _ended(consumer: Consumer) -> bool:
    expires_at = consumer.expires_at
    return consumer.revoked_at is not None or (expires_at is not None and expires_at <= _now())


def _now() -> Micros:
    return time.time_ns() // 1000
