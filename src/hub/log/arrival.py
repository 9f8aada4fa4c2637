"""What comes in, and what became of it."""

from dataclasses import dataclass, field

from hub.receipt import Micros, Receipt


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A body, or one item of it, that an adapter cannot read."""

    reason: str
    """A stable word, such as BAD_TIME; never a part of the data."""
    raw: bytes
    whole: bool = False
    """Whether *raw* is the whole body."""


@dataclass(slots=True)
class Arrival:
    """One callback as an adapter read it, to be committed whole or not at all."""

    provider_id: int
    provider: str
    adapter: str
    """Name and version of the adapter."""
    received_at: Micros
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    callback: int | None = None
    """The stored callback that is read again; None for a new one."""

    @property
    def weight(self) -> int:
        """What it counts for in queues and batches: its items, or its KiB where those are more."""
        return max(1, len(self.receipts) + len(self.unreadable), len(self.body) // 1024)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a commit made of one arrival."""

    receipts: int
    duplicates: int
    quarantined: int
