"""
Kinds: one small integer for each (provider, status, category, applied) that was ever seen.

A filter on those fields becomes a list of kinds, and a filtered page a merge of their ranges.
Kinds are only ever added, by whoever holds the log's lock, so a copy in memory is never wrong,
at most behind; whoever sees in the log's row that there are more reads the table again.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from sqlmodel import Session, col, select

from hub.database.tables import KindRow, Provider
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

    @property
    def key(self) -> "KindKey":
        """What tells it apart in the database."""
        return self.provider_id, self.status, self.error_category or NO_CATEGORY, self.applied


KindKey = tuple[int, int, int, bool]
"""Provider id, status, category or 0, applied."""


class Kinds:
    """The kinds there were at one moment.  Never changed, so threads may share it."""

    def __init__(self, kinds: Iterable[Kind] = ()) -> None:
        self.by_id: Mapping[int, Kind] = MappingProxyType({kind.id: kind for kind in kinds})
        self._ids = {kind.key: kind.id for kind in self.by_id.values()}

    def __len__(self) -> int:
        return len(self.by_id)

    def id_of(self, key: KindKey) -> int | None:
        """The id of the kind, if it is known here."""
        return self._ids.get(key)

    def plus(self, kinds: Iterable[Kind]) -> "Kinds":
        """These and *kinds*."""
        return Kinds((*self.by_id.values(), *kinds))

    def matching(self, conditions: Iterable[Condition]) -> list[int] | None:
        """Ids of the kinds that meet those *conditions* that are of kinds; None for every kind."""
        checks = [check for check in map(_check, conditions) if check is not None]
        if not checks:
            return None
        return [kind.id for kind in self.by_id.values() if all(check(kind) for check in checks)]

    def next_id(self) -> int:
        """The id of the next new kind."""
        return max(self.by_id, default=0) + 1


def kind(number: int, provider: str, key: KindKey) -> Kind:
    """The kind *number*, of the account named *provider*."""
    provider_id, status, category, applied = key
    known = ErrorCategory(category) if category else None
    return Kind(number, provider, Status(status), known, applied, provider_id)


def read_kinds(session: Session) -> Kinds:
    """All kinds there are."""
    statement = select(KindRow, Provider.name).join(
        Provider, col(Provider.id) == col(KindRow.provider)
    )
    return Kinds(
        kind(row.id, name, (row.provider, row.status, row.category, row.applied))
        for row, name in session.exec(statement)
    )


def _check(condition: Condition) -> Callable[[Kind], bool] | None:
    if condition.field not in Kind._fields:
        return None
    index = Kind._fields.index(condition.field)
    return lambda kind: kind[index] in condition.values
