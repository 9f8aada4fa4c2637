"""Adding and ending provider accounts and consumers; what the command line does to them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from hub.access import Scope, new_token, token_hash
from hub.database.columns import table
from hub.database.dialect import AWAY
from hub.database.store import Store
from hub.database.tables import Consumer, Provider
from hub.errors import BadInput, NotFound, StoreUnavailable
from hub.receipt import Micros


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


class Register:
    """Changes to the accounts.  Running hubs notice them within seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add_provider(self, new: NewProvider) -> str:
        """Make the account; return its secret, which cannot be had again."""
        secret = new_token()
        values = {
            "name": new.name,
            "adapter": new.adapter,
            "timezone": new.timezone,
            "region": new.region,
            "allow_ips": list(new.allow_ips),
            "credentials": new.credentials,
            "protocol": new.protocol,
            "secret_hash": token_hash(secret),
            "old_secrets": [],
            "created_at": _now(),
        }
        await self._insert(Provider, values, f"a provider named {new.name} exists already")
        return secret

    async def rotate_provider(self, name: str, grace: Micros) -> str:
        """
        A new secret; the present one stays valid for *grace* microseconds, and those before it
        for as long as they were promised.  Raises `BadInput` where the account is disabled.
        """
        secret, now = new_token(), _now()
        row = await self._provider(name)
        if row.disabled_at is not None:
            message = f"the provider {name} is disabled; its callbacks are refused"
            raise BadInput(message, field="name")
        old = [kept for kept in row.old_secrets if kept["until"] > now]
        old.append({"hash": row.secret_hash.hex(), "until": now + grace})
        values = {"old_secrets": old, "secret_hash": token_hash(secret)}
        await self._update(Provider, name, values)
        return secret

    async def disable_provider(self, name: str) -> None:
        """Refuse the provider's callbacks from now on; its receipts stay."""
        await self._update(Provider, name, {"disabled_at": _now()})

    async def providers(self) -> Sequence[Any]:
        """All provider accounts, by name, as rows of `Provider`."""
        return await self._all(Provider)

    async def add_consumer(self, new: NewConsumer) -> str:
        """
        Make the consumer; return its token, which cannot be had again.  One of this name that was
        revoked or has expired is the same consumer again: its subscriptions are kept.
        """
        token = new_token()
        values = {
            "name": new.name,
            "token_hash": token_hash(token),
            "scopes": list(new.scopes),
            "providers": None if new.providers is None else list(new.providers),
            "created_at": _now(),
            "expires_at": new.expires_at,
        }
        if not await self._renewed(new.name, values):
            await self._insert(Consumer, values, f"a consumer named {new.name} exists already")
        return token

    async def _renewed(self, name: str, values: dict[str, Any]) -> bool:
        """Give a consumer that has no valid token these *values*; whether there was one."""
        rows = table(Consumer)
        ended = or_(rows.c.revoked_at.is_not(None), rows.c.expires_at <= _now())
        try:
            async with self._store.writer.begin() as connection:
                changed = await connection.execute(
                    update(rows)
                    .where(rows.c.name == name, ended)
                    .values({**values, "revoked_at": None})
                )
        except AWAY as error:
            raise StoreUnavailable(self._store.dialect.advice(error)) from error
        return bool(changed.rowcount)

    async def revoke_consumer(self, name: str) -> None:
        """End the consumer's token, on open streams as well."""
        await self._update(Consumer, name, {"revoked_at": _now()})

    async def consumers(self) -> Sequence[Any]:
        """All consumers, by name, as rows of `Consumer`."""
        return await self._all(Consumer)

    async def _provider(self, name: str) -> Any:
        found = [row for row in await self.providers() if row.name == name]
        if not found:
            message = f"there is no provider named {name}"
            raise NotFound(message)
        return found[0]

    async def _insert(
        self, model: type[Provider] | type[Consumer], values: dict[str, Any], taken: str
    ) -> None:
        try:
            async with self._store.writer.begin() as connection:
                await connection.execute(insert(table(model)).values(values))
        except IntegrityError as error:
            raise BadInput(taken, field="name") from error
        except AWAY as error:
            raise StoreUnavailable(self._store.dialect.advice(error)) from error

    async def _update(
        self, model: type[Provider] | type[Consumer], name: str, values: dict[str, Any]
    ) -> None:
        try:
            async with self._store.writer.begin() as connection:
                rows = table(model)
                changed = await connection.execute(
                    update(rows).where(rows.c.name == name).values(values)
                )
        except AWAY as error:
            raise StoreUnavailable(self._store.dialect.advice(error)) from error
        if not changed.rowcount:
            message = f"there is no {model.__tablename__} named {name}"
            raise NotFound(message)

    async def _all(self, model: type[Provider] | type[Consumer]) -> Sequence[Any]:
        async with self._store.reader.begin() as connection:
            rows = table(model)
            return (await connection.execute(select(rows).order_by(rows.c.name))).all()


def _now() -> Micros:
    return time.time_ns() // 1000
