"""What could not be read, to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from hub.database.tables import Provider, QuarantineRow
from hub.receipt import Micros


@dataclass(frozen=True, slots=True)
class QuarantineItem:
    """A body, or one item of it, that an adapter could not read."""

    id: int
    provider: str
    reason: str
    adapter: str
    """Name and version of the adapter that could not read it."""
    first_seen_at: Micros
    last_seen_at: Micros
    count: int
    """How often identical bytes came."""
    resolved_at: Micros | None
    """When a replay could read it."""
    raw: bytes
    whole: bool
    """Whether *raw* is a whole body, else one item of it."""
    headers: dict[str, str]
    provider_id: int
    callback: int | None
    """The callback that an item came with."""


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """Items, newest first."""

    items: list[QuarantineItem]
    more: bool
    """Whether there are further ones."""


async def reasons(connection: AsyncConnection) -> set[str]:
    """The reasons for which anything is in quarantine."""
    found = await connection.execute(select(col(QuarantineRow.reason)).distinct())
    return set(found.scalars())


async def page(
    connection: AsyncConnection,
    *,
    visible: frozenset[str] | None,
    provider: str,
    limit: int,
    after: int | None,
) -> QuarantinePage:
    """A page of what *visible* providers sent; see `ReceiptLog.quarantine`."""
    row = QuarantineRow
    statement = (
        select(
            col(row.id),
            col(Provider.name),
            col(row.reason),
            col(row.adapter),
            col(row.first_seen_at),
            col(row.last_seen_at),
            col(row.count),
            col(row.resolved_at),
            col(row.raw),
            col(row.whole),
            col(row.headers),
            col(row.provider),
            col(row.callback),
        )
        .join(Provider, col(Provider.id) == col(row.provider))
        .order_by(col(row.id).desc())
        .limit(limit + 1)
    )
    if provider:
        statement = statement.where(col(Provider.name) == provider)
    if visible is not None:
        statement = statement.where(col(Provider.name).in_(visible))
    if after is not None:
        statement = statement.where(col(row.id) < after)
    rows: Sequence[Any] = (await connection.execute(statement)).all()
    items = [QuarantineItem(*values) for values in rows]
    return QuarantinePage(items[:limit], len(items) > limit)
