"""What could not be read, to look at."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select as SelectOf

from hub.database import Provider, QuarantineRow
from hub.errors import BadInput
from hub.log.read.snapshot import Snapshot
from hub.receipt import Micros

MOST_BYTES = 8_388_608
"""Bytes of items in one answer; one item alone may have more."""


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
    size: int
    """Of its bytes, which are read apart: pages need not hold them."""
    whole: bool
    """Whether its bytes are a whole body, else one item of it."""
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
    items = [item(*row) for row in snapshot.session.exec(statement)]
    return QuarantinePage(items[:limit], len(items) > limit)


def raw_bytes(
    snapshot: Snapshot, ids: Sequence[int], visible: frozenset[str] | None
) -> dict[int, bytes]:
    """
    The bytes of those of the items *ids* that *visible* providers sent.  Raises `BadInput` where
    several have more than `MOST_BYTES` together, and then reads none of them.
    """
    number, raw = col(QuarantineRow.id), col(QuarantineRow.raw)
    wanted = [number.in_(ids)]
    if visible is not None:
        seen = select(Provider.id).where(col(Provider.name).in_(visible))
        wanted.append(col(QuarantineRow.provider).in_(seen))
    size = select(func.sum(func.length(raw))).where(*wanted)
    together = snapshot.session.exec(size).one() or 0
    if len(ids) > 1 and together > MOST_BYTES:
        message = f"the bytes of these items are {together}; an answer has at most {MOST_BYTES}"
        raise BadInput(message, field="first")
    rows = snapshot.session.exec(select(number, raw).where(*wanted))
    return {found: held for found, held in rows if found is not None}


def quarantined(provider: str) -> SelectOf[QuarantineRow, str, int]:
    """
    What is in quarantine of *provider*, or of any where it is empty: rows without their bytes, the
    provider's name, and the size.
    """
    raw = col(QuarantineRow.raw)
    statement = (
        select(QuarantineRow, Provider.name, func.length(raw))
        .join(Provider, col(Provider.id) == col(QuarantineRow.provider))
        .options(defer(QuarantineRow.raw, raiseload=True))  # type: ignore[arg-type]  # SQLModel's
    )
    return statement.where(col(Provider.name) == provider) if provider else statement


def item(row: QuarantineRow, provider: str, size: int) -> QuarantineItem:
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
        size,
        row.whole,
        row.headers,
        row.provider,
        row.callback,
    )
