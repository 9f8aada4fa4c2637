"""Provider accounts and consumers, as this process knows them."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from sqlmodel import Session, col, select

from hub.access import Access, same_hash, token_hash
from hub.database import Consumer, Provider, Store
from hub.errors import StoreUnavailable, Unauthenticated
from hub.receipt import Micros

RELOAD_PAUSE = 0.1
"""Least seconds between two reads that unknown secrets or tokens ask for."""

logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """An account at an SMS provider."""

    id: int
    name: str
    adapter: str
    timezone: str
    """IANA zone of the provider's local times."""
    region: str
    """Where numbers without a country code are at home, such as CN."""
    allow_ips: tuple[str, ...]
    """Addresses or networks that may call; empty for any."""
    credentials: Mapping[str, str]
    protocol: str
    """The gateway protocol that bare numeric codes belong to; empty if unknown."""
    secret_hash: bytes
    old_secrets: tuple[tuple[bytes, Micros], ...]
    """Hashes of secrets before rotations, and until when they work."""
    disabled_at: Micros | None

    def accepts(self, secret: bytes, now: Micros) -> bool:
        """Whether *secret*, hashed, opens this account; takes as long for any."""
        valid = [self.secret_hash, *(old for old, until in self.old_secrets if until > now)]
        return any([same_hash(hashed, secret) for hashed in valid])  # noqa: C419  # all of them


_NOBODY = Account(0, "", "", "UTC", "CN", (), {}, "", bytes(32), (), None)


class Accounts:
    """
    A copy of the accounts in memory, read again every few seconds and whenever somebody comes
    with a secret or token that it does not know.  While the store is away the copy serves.
    """

    def __init__(self, store: Store, refresh_seconds: float) -> None:
        self._store = store
        self._refresh_seconds = refresh_seconds
        self._providers: dict[str, Account] = {}
        self._consumers: dict[bytes, Access] = {}
        self._loading: asyncio.Task[None] | None = None
        self._loaded_at = 0.0

    async def provider(self, name: str, secret: str) -> Account | None:
        """The account, unless it is unknown or disabled or the secret wrong: not told apart."""
        return self._opened(name, secret) or (
            self._opened(name, secret) if await self._reload() else None
        )

    async def access(self, token: str | None) -> Access:
        """What the holder of *token* may do; raises `Unauthenticated`."""
        if not token:
            raise Unauthenticated
        mark = token_hash(token)
        if mark not in self._consumers:
            await self._reload()
        access = self._consumers.get(mark)
        if access is None or _expired(access):
            raise Unauthenticated
        return access

    def check(self, access: Access) -> None:
        """Raise `Unauthenticated` where *access* has expired, or was revoked or changed since."""
        if self._consumers.get(access.token_hash) != access or _expired(access):
            raise Unauthenticated

    def named(self) -> Mapping[str, Account]:
        """All provider accounts by name, the disabled ones too."""
        return self._providers

    def regions(self) -> tuple[str, ...]:
        """Where the accounts' numbers are at home."""
        return tuple({account.region: None for account in self._providers.values()}) or ("CN",)

    async def load(self) -> None:
        """Read all accounts.  Raises `StoreUnavailable`."""

        def work(session: Session) -> tuple[dict[str, Account], dict[bytes, Access]]:
            valid = select(Consumer).where(col(Consumer.revoked_at).is_(None))
            return (
                {row.name: _account(row) for row in session.exec(select(Provider))},
                {row.token_hash: _access(row) for row in session.exec(valid)},
            )

        self._providers, self._consumers = await self._store.read(work)
        self._loaded_at = time.monotonic()

    async def run(self) -> None:
        """Read the accounts again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._refresh_seconds)
            try:
                await self.load()
            except StoreUnavailable:
                logger.warning("accounts cannot be read; the last known ones serve")

    def _opened(self, name: str, secret: str) -> Account | None:
        account = self._providers.get(name, _NOBODY)
        accepted = account.accepts(token_hash(secret), time.time_ns() // 1000)
        return account if accepted and account.id and account.disabled_at is None else None

    async def _reload(self) -> bool:
        """Read the accounts as they are now or later; whether that succeeded."""
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._paced_load())
        try:
            await asyncio.shield(self._loading)
        except StoreUnavailable:
            return False
        return True

    async def _paced_load(self) -> None:
        await asyncio.sleep(max(0.0, self._loaded_at + RELOAD_PAUSE - time.monotonic()))
        await self.load()


def _expired(access: Access) -> bool:
    return access.expires_at is not None and access.expires_at <= time.time_ns() // 1000


def _account(row: Provider) -> Account:
    return Account(
        row.id or 0,
        row.name,
        row.adapter,
        row.timezone,
        row.region,
        tuple(row.allow_ips),
        row.credentials,
        row.protocol,
        row.secret_hash,
        tuple((bytes.fromhex(old["hash"]), old["until"]) for old in row.old_secrets),
        row.disabled_at,
    )


def _access(row: Consumer) -> Access:
    return Access(
        row.name,
        frozenset(row.scopes),
        None if row.providers is None else frozenset(row.providers),
        row.expires_at,
        row.token_hash,
    )
