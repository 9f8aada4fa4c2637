"""What a reader of the log gets next."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.receipt import Cursor, Entry


@dataclass(frozen=True, slots=True)
class Frame:
    """What a reader gets next; without entries a heartbeat or a bookmark."""

    entries: Sequence[Entry]
    position: int
    """Everything up to here that matches was sent, this frame included."""
    head: int
    epoch: str

    @property
    def cursor(self) -> str:
        """Where to resume."""
        return str(Cursor(self.epoch, self.position))

    @property
    def lag(self) -> int:
        """Positions between the cursor and the head."""
        return max(0, self.head - self.position)

    @property
    def caught_up(self) -> bool:
        """Whether the reader is at the head."""
        return self.position >= self.head
