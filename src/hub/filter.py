"""Which receipts a reader wants: one definition, in memory and in SQL."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

from hub.errors import BadInput
from hub.receipt import Entry, ErrorCategory, Status

MAX_FILTER_VALUES = 100
"""Most values in one list of a filter."""
MAX_TEXT = 512
"""Most characters of a text that something is looked up by; nothing longer is stored."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of *count* shares of the log.  All receipts of a message are in the same one."""

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not (1 <= self.count <= MAX_SHARDS and 0 <= self.index < self.count):
            message = f"shard must have 1 <= count <= {MAX_SHARDS} and 0 <= index < count"
            raise BadInput(message, field="shard")

    def holds(self, entry: Entry) -> bool:
        """Whether *entry* belongs to this share."""
        one, other = int.from_bytes(entry.key[:8]), int.from_bytes(entry.key[8:])
        return (one ^ other) % self.count == self.index


MAX_SHARDS = 1024
WHOLE = Shard()


class Condition(NamedTuple):
    """One field of an entry or message that must hold one of some values."""

    field: str
    values: frozenset[Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """
    Which receipts a reader wants.  Lists are any-of, fields are all-of; an empty list is no
    condition.  `conditions` is the one definition: the log compiles it to SQL, and `test`
    makes a function of it for receipts in memory.
    """

    providers: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    error_categories: tuple[ErrorCategory, ...] = ()
    message_ids: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    """Recipients as stored; what a person typed is turned into them before."""
    client_references: tuple[str, ...] = ()
    applied_only: bool = False
    visible: frozenset[str] | None = field(default=None)
    """The only providers the consumer may see; None for all."""

    def conditions(self) -> list[Condition]:
        """The conditions, each of which must hold."""
        given = [
            Condition(name, frozenset(getattr(self, source)))
            for source, name in _FIELDS.items()
            if getattr(self, source)
        ]
        if self.applied_only:
            given.append(Condition("applied", frozenset((True,))))
        if self.visible is not None:
            given.append(Condition("provider", self.visible))
        return given

    def test(self) -> Callable[[Entry], bool] | None:
        """A test of one entry, or None where every entry passes."""
        checks = [(_index(c.field), c.values) for c in self.conditions()]
        if not checks:
            return None
        if len(checks) == 1:
            [(only, values)] = checks
            return lambda entry: entry[only] in values
        return lambda entry: all(entry[index] in values for index, values in checks)

    def limited(self, visible: frozenset[str] | None) -> Self:
        """The same filter for a consumer who may see only *visible* providers."""
        return replace(self, visible=visible)


_FIELDS = {
    "providers": "provider",
    "statuses": "status",
    "error_categories": "error_category",
    "message_ids": "message_id",
    "recipients": "recipient",
    "client_references": "client_reference",
}


def _index(field_name: str) -> int:
    return Entry._fields.index(field_name)


def check_list_sizes(lists: dict[str, Sequence[object]]) -> None:
    """Refuse a filter list of more than `MAX_FILTER_VALUES` values; *lists* is name to list."""
    for name, values in lists.items():
        if len(values) > MAX_FILTER_VALUES:
            message = f"{name} takes at most {MAX_FILTER_VALUES} values, and {len(values)} came"
            raise BadInput(message, field=name)


def check_text(name: str, text: str) -> None:
    """Refuse *text* that no database takes, or that is too long to be stored anywhere."""
    if len(text) > MAX_TEXT or "\x00" in text or not _encodes(text):
        message = f"{name} takes text of at most {MAX_TEXT} characters, none of them NUL"
        raise BadInput(message, field=name)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
