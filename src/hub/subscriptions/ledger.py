"""What a reader was sent, and what of it is done.  Pure."""

from collections import deque
from collections.abc import Iterable

from hub.errors import AckAhead, BadInput


class Ledger:
    """
    The account of one reader.  `acked` never passes a receipt that was sent and is not done; while
    all are done it follows what was sent, so that a filter that matches little is not behind.
    """

    def __init__(self, acked: int) -> None:
        self.acked = acked
        """The next reader starts behind this position."""
        self.sent = acked
        """Position of the newest cursor that was sent."""
        self._open: deque[int] = deque()
        self._replayed: dict[int, int] = {}  # position: the cursor that it was sent with

    @property
    def unacked(self) -> int:
        """How many receipts were sent and are not done."""
        return len(self._open) + len(self._replayed)

    def send(self, positions: Iterable[int], cursor: int, replayed: Iterable[int] = ()) -> None:
        """Note a frame: receipts at *positions*, *replayed* ones, and the *cursor* they reach."""
        self._open.extend(positions)
        self._replayed.update(dict.fromkeys(replayed, cursor))
        self.sent = cursor
        self._follow()

    def ack(self, cursor: int) -> list[int]:
        """
        Everything up to *cursor* is done; one that is behind is ignored.  Returns the replayed
        positions that are done with it; raises `AckAhead`.
        """
        if cursor > self.sent:
            raise AckAhead
        while self._open and self._open[0] <= cursor:
            self._open.popleft()
        self.acked = max(self.acked, cursor)
        self._follow()
        done = [position for position, sent in self._replayed.items() if sent <= cursor]
        for position in done:
            del self._replayed[position]
        return done

    def park(self, position: int) -> None:
        """The receipt at *position* is set aside.  Raises `BadInput` unless it is being read."""
        if position in self._replayed:
            del self._replayed[position]
            return
        if position not in self._open:
            message = f"position {position} is not one that was sent here and not acknowledged"
            raise BadInput(message, field="park.position")
        if position == self._open[0]:
            self.acked = position
        self._open.remove(position)
        self._follow()

    def _follow(self) -> None:
        if not self._open:
            self.acked = max(self.acked, self.sent)
