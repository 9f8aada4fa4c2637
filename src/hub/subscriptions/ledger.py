"""What a reader was sent, and what of it is done.  Pure."""

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable

from hub.errors import AckAhead, BadInput


class Ledger:
    """
    The account of one reader.  `acked` never passes a receipt that was sent and is not done; while
    all are done it follows what was sent, so that a filter that matches little is not behind.

    A replayed receipt is older than the cursor of the frame that brings it, so it is done with an
    acknowledgement of that cursor, not of its own position.
    """

    def __init__(self, acked: int) -> None:
        self.acked = acked
        """The next reader starts behind this position."""
        self.sent = acked
        """Position of the newest cursor that was sent."""
        # Ascending, so each is found by bisection.  Eight bytes each, since a reader may have a
        # hundred thousand of them, and a consumer a thousand readers.
        self._open = array("q")
        # In the order in which they were sent, so what an acknowledgement ends stands first.
        self._replayed: OrderedDict[int, int] = OrderedDict()  # the cursor that it was sent with

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
        del self._open[: bisect_right(self._open, cursor)]
        self.acked = max(self.acked, cursor)
        self._follow()
        done = []
        while self._replayed and next(iter(self._replayed.values())) <= cursor:
            done.append(self._replayed.popitem(last=False)[0])
        return done

    def park(self, position: int) -> None:
        """The receipt at *position* is set aside.  Raises `BadInput` unless it is being read."""
        if position in self._replayed:
            del self._replayed[position]
            return
        at = bisect_left(self._open, position)
        if at == len(self._open) or self._open[at] != position:
            message = f"position {position} is not one that was sent here and not acknowledged"
            raise BadInput(message, field="park.position")
        if at == 0:
            self.acked = position
        del self._open[at]
        self._follow()

    def _follow(self) -> None:
        if not self._open:
            self.acked = max(self.acked, self.sent)
