"""What comes in, and what became of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

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
    """
    One callback as an adapter read it.  What of it fits into one batch is committed whole or not
    at all.
    """

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
    """The stored callback that it adds to; None for a new one."""

    @property
    def weight(self) -> int:
        """
        What it counts for in queues and batches: its items, or the KiB of a body that is to be
        stored where those are more.
        """
        kib = len(self.body) // 1024 if self.callback is None else 0
        return max(1, len(self.receipts) + len(self.unreadable), kib)

    def parts(self, size: int) -> Iterator["Arrival"]:
        """It in pieces of at most *size* receipts, what cannot be read with the first."""
        for start in range(0, max(1, len(self.receipts)), size):
            yield replace(
                self,
                receipts=self.receipts[start : start + size],
                unreadable=[] if start else self.unreadable,
            )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a commit made of one arrival."""

    receipts: int
    duplicates: int
    quarantined: int
    callback: int | None = field(default=None, compare=False)
    """The stored callback that it belongs to; None where only bytes were set aside."""

    @property
    def counts(self) -> tuple[int, int, int]:
        """Its receipts, duplicates, and what was set aside."""
        return self.receipts, self.duplicates, self.quarantined

    def __add__(self, other: "Outcome") -> "Outcome":
        """The outcome of two parts of one arrival."""
        return Outcome(
            self.receipts + other.receipts,
            self.duplicates + other.duplicates,
            self.quarantined + other.quarantined,
            self.callback or other.callback,
        )
