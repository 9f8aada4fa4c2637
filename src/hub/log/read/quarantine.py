"""What could not be read, to look at."""

from dataclasses import dataclass

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select as SelectOf

from hub.database.tables import Provider, QuarantineRow
from hub.log.read.snapshot import Snapshot
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


def reasons(session: Session) -> set[str]:
    """The reasons for which anything is in quarantine."""
    return set(session.exec(select(QuarantineRow.reason).distinct()))


def page(
    snapshot: Snapshot,
    *,
    visible: frozenset[str] | None,
    provider: str,
    limit: int,
    after: int | None,
) -> QuarantinePage:
    """A page of what *visible* providers sent; see `ReceiptLog.quarantine`."""
    statement = quarantined(provider).order_by(col(QuarantineRow.id).desc()).limit(limit + 1)
    if visible is not None:
        statement = statement.where(col(Provider.name).in_(visible))
    if after is not None:
        statement = statement.where(col(QuarantineRow.id) < after)
    items = [item(row, name) for row, name in snapshot.session.exec(statement)]
    return QuarantinePage(items[:limit], len(items) > limit)


def quarantined(provider: str) -> SelectOf[QuarantineRow, str]:
    """What is in quarantine of *provider*, or of any where it is empty, and each one's provider."""
    statement = select(QuarantineRow, Provider.name).join(
        Provider, col(Provider.id) == col(QuarantineRow.provider)
    )
    return statement.where(col(Provider.name) == provider) if provider else statement


def item(row: QuarantineRow, provider: str) -> QuarantineItem:
    """What *row* holds."""
    return QuarantineItem(
        row.id or 0,
        provider,
        row.reason,
        row.adapter,
        row.first_seen_at,
        row.last_seen_at,
        row.count,
        row.resolved_at,
        row.raw,
        row.whole,
        row.headers,
        row.provider,
        row.callback,
    )
