"""
Section "meanings" of the contract, once more and as plainly as it can be said: a list of receipts,
and what they make of their messages.  It shares no code with the hub but the vocabulary.
"""

from dataclasses import dataclass, field

from hub.filter import Filter
from hub.receipt import Receipt, Status

RANK = {
    "ACCEPTED": 10,
    "SENT": 20,
    "BUFFERED": 25,
    "UNKNOWN": 50,
    "EXPIRED": 80,
    "REJECTED": 80,
    "UNDELIVERED": 80,
    "CANCELLED": 80,
    "DELIVERED": 90,
}

Name = tuple[str, str, str]
"""Provider, message id and recipient."""


@dataclass
class Known:
    """What is known of a message, or of one part of it."""

    status: str = ""
    code: str = ""
    conflict: bool = False
    since: int = 0
    """How many receipts there were when the status came about."""


@dataclass
class ModelMessage:
    """A message and all that was ever said of it."""

    first: int
    """Position of its first receipt."""
    parts: dict[int | None, Known] = field(default_factory=dict)
    part_count: int | None = None
    said: set[tuple[object, ...]] = field(default_factory=set)

    @property
    def now(self) -> Known:
        """What the receipts of the parts and those of the whole message come to."""
        whole = self.parts.get(None)
        parts = [known for number, known in self.parts.items() if number is not None]
        if not parts:
            return whole or Known()
        together = self._together(sorted(parts, key=lambda part: part.since))
        if whole is None:
            return together
        both = sorted((together, whole), key=lambda known: (-RANK[known.status], known.since))
        conflict = together.conflict or whole.conflict
        if both[0].status == "DELIVERED":
            return Known("DELIVERED", "", conflict or RANK[both[1].status] == 80)
        return Known(both[0].status, both[0].code or both[1].code, conflict, both[0].since)

    def _together(self, parts: list[Known]) -> Known:
        conflict = any(part.conflict for part in parts)
        under_way = ["SENT" if p.status == "DELIVERED" else p.status for p in parts]
        if any(RANK[part.status] == 80 for part in parts):
            status = next(part.status for part in parts if RANK[part.status] == 80)
        elif {part.status for part in parts} == {"DELIVERED"}:
            status = "DELIVERED" if len(parts) >= (self.part_count or 1) else "SENT"
        else:
            status = max(under_way, key=RANK.__getitem__)
        telling = [part for part in parts if RANK[part.status] == RANK[status]] or parts
        code = next((part.code for part in telling if part.code), "")
        return Known(status, code, conflict, telling[0].since)

    def hear(self, receipt: Receipt) -> bool:
        """Take *receipt* in; whether it changed the status."""
        before = self.now.status if self.parts else ""
        self.said.add(mark(receipt))
        if receipt.part_count:
            self.part_count = max(self.part_count or 0, receipt.part_count)
        part = self.parts.setdefault(receipt.part, Known())
        new, old = receipt.status.name, part.status
        if not old or RANK[new] > RANK[old]:
            part.status, part.since = new, len(self.said)
            part.conflict |= new == "DELIVERED" and RANK.get(old) == 80
            part.code = "" if new == "DELIVERED" else receipt.error_code or part.code
        else:
            part.conflict |= old == "DELIVERED" and RANK[new] == 80
            if RANK[new] == RANK[old] != RANK["DELIVERED"]:
                part.code = part.code or receipt.error_code
        return self.now.status != before


@dataclass(frozen=True)
class ModelEntry:
    """A receipt in the log."""

    position: int
    name: Name
    status: str
    code: str
    applied: bool
    message_status: str

    def matches(self, wanted: Filter) -> bool:
        """Whether a reader with the filter *wanted* gets it."""
        return (
            (not wanted.providers or self.name[0] in wanted.providers)
            and (not wanted.statuses or Status[self.status] in wanted.statuses)
            and (not wanted.message_ids or self.name[1] in wanted.message_ids)
            and (self.applied or not wanted.applied_only)
        )


@dataclass
class Model:
    """A log."""

    entries: list[ModelEntry] = field(default_factory=list)
    """All that ever were, the purged ones too."""
    messages: dict[Name, ModelMessage] = field(default_factory=dict)
    oldest: int = 1

    @property
    def head(self) -> int:
        """The newest position."""
        return len(self.entries)

    @property
    def kept(self) -> list[ModelEntry]:
        """What was not purged."""
        return self.entries[self.oldest - 1 :]

    def take(self, provider: str, receipt: Receipt) -> bool:
        """Take *receipt* in; False where it was known."""
        name = (provider, receipt.message_id, receipt.recipient)
        message = self.messages.get(name)
        if message and mark(receipt) in message.said:
            return False
        if message is None:
            message = self.messages[name] = ModelMessage(self.head + 1)
        applied = message.hear(receipt)
        entry = ModelEntry(
            self.head + 1,
            name,
            receipt.status.name,
            receipt.error_code,
            applied,
            message.now.status,
        )
        self.entries.append(entry)
        return True

    def after(self, position: int, wanted: Filter) -> list[int]:
        """Positions that a reader gets who has seen *position*."""
        return [e.position for e in self.kept if e.position > position and e.matches(wanted)]


def mark(receipt: Receipt) -> tuple[object, ...]:
    """What makes two receipts of a message the same."""
    return (
        receipt.part,
        receipt.provider_status,
        receipt.error_code,
        receipt.raw_time,
        receipt.raw_segments,
    )
