"""
Kinds: one small integer for each (provider, status, category, applied) that was ever seen.

A filter on those fields becomes a list of kinds, and a filtered page a merge of their ranges.
Kinds are only ever added, by whoever holds the log's lock, so a copy in memory is never wrong,
at most behind; whoever meets an unknown one reads the table again.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from hub.database.tables import Kind as KindRow
from hub.database.tables import Provider
from hub.filter import Condition
from hub.receipt import ErrorCategory, Status

NO_CATEGORY = 0


class Kind(NamedTuple):
    """What a kind stands for; field names are those of an entry."""

    id: int
    provider: str
    status: Status
    error_category: ErrorCategory | None
    applied: bool
    provider_id: int


KindKey = tuple[int, int, int, bool]
"""Provider id, status, category or 0, applied."""


class Kinds:
    """The kinds known to this process."""

    def __init__(self) -> None:
        self.by_id: dict[int, Kind] = {}
        self._ids: dict[KindKey, int] = {}

    def id_of(self, key: KindKey) -> int | None:
        """The id of the kind, if it is known here."""
        return self._ids.get(key)

    async def load(self, connection: AsyncConnection) -> None:
        """Read all kinds there are."""
        await connection.run_sync(self.load_now)

    def load_now(self, connection: Connection) -> None:
        """Read all kinds there are, in a plain function."""
        rows: Iterable[Any] = connection.execute(
            select(
                col(KindRow.id),
                col(Provider.name),
                col(KindRow.status),
                col(KindRow.category),
                col(KindRow.applied),
                col(Provider.id),
            ).join(Provider, col(Provider.id) == col(KindRow.provider))
        )
        for number, provider, status, category, applied, provider_id in rows:
            self.add(number, provider, (provider_id, status, category, applied))

    def add(self, number: int, provider: str, key: KindKey) -> None:
        """Know the kind *number*."""
        provider_id, status, category, applied = key
        self.by_id[number] = Kind(
            number,
            provider,
            Status(status),
            ErrorCategory(category) if category else None,
            applied,
            provider_id,
        )
        self._ids[key] = number

    def matching(self, conditions: Iterable[Condition]) -> list[int] | None:
        """Ids of the kinds that meet those *conditions* that are of kinds; None for every kind."""
        checks = [check for check in map(_check, conditions) if check is not None]
        if not checks:
            return None
        return [kind.id for kind in self.by_id.values() if all(check(kind) for check in checks)]

    def next_id(self) -> int:
        """The id of the next new kind."""
        return max(self.by_id, default=0) + 1


def _check(condition: Condition) -> Callable[[Kind], bool] | None:
    if condition.field not in Kind._fields:
        return None
    index = Kind._fields.index(condition.field)
    return lambda kind: kind[index] in condition.values
