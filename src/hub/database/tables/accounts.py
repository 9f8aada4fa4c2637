"""Who may post and who may read."""

from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from hub.database.columns import big, raw


class Provider(SQLModel, table=True):
    """An account at an SMS provider: who may call which callback URL, and in which dialect."""

    __tablename__ = "provider"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    adapter: str
    timezone: str
    """IANA zone of the provider's local times."""
    region: str
    """Where numbers without a country code are at home, such as CN."""
    allow_ips: list[str] = Field(sa_column=Column(JSON, nullable=False))
    """Addresses or networks that may call; empty for any."""
    credentials: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    """What the adapter's signature check needs."""
    protocol: str = ""
    """The gateway protocol that bare numeric codes belong to, such as SGIP; empty if unknown."""
    secret_hash: bytes = raw()
    old_secrets: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    """Secrets before rotations that still work: `hash` in hexadecimal, and `until` when."""
    created_at: int = big()
    disabled_at: int | None = big(nullable=True)


class Consumer(SQLModel, table=True):
    """Someone who reads: a token, its scopes and its limits."""

    __tablename__ = "consumer"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    token_hash: bytes = raw()
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    providers: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """Names of the only providers it sees; null for all."""
    created_at: int = big()
    expires_at: int | None = big(nullable=True)
    revoked_at: int | None = big(nullable=True)
