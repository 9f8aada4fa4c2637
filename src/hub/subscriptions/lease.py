"""A reader's hold on one shard of a subscription: its ledger, and what is still to be written."""

import asyncio
import secrets
from collections import deque
from collections.abc import Sequence

from hub.subscriptions.leases import LEASE_SECONDS, REPLAYS_AT_ONCE, Key, Renewal, Report
from hub.subscriptions.ledger import Ledger


class Lease:
    """
    What stands between the stream that reads and acknowledges, and the loop that writes it down.
    Nothing counts before it is written under the name of the holder.

    Times are the event loop's, which nobody sets.
    """

    def __init__(self, key: Key, due: asyncio.Event) -> None:
        self.key = key
        self._due = due
        self.holder = secrets.token_hex(8)
        self.ledger = Ledger(0)
        self.changed = asyncio.Event()
        """Set whenever the reader has something new to look at."""
        self.confirmed = 0
        """Position up to which acknowledgements are written."""
        self.held = False
        """Whether the lease was taken."""
        self.finishing = False
        """Whether the reader will acknowledge nothing more."""
        self.leaving = False
        """Whether the reader has gone, and the lease is to be given up."""
        self.error: Exception | None = None
        """Why the reader cannot go on."""
        self.replays: deque[int] = deque()
        """Parked positions that wait to be sent again; more are asked for when there are none."""
        self._replays_after = 0
        self._replayed: set[int] = set()  # taken care of here, and perhaps still stored as to do
        self._parked: list[tuple[int, str]] = []
        self._settled: list[int] = []
        self._acks = self._acks_reported = self._acks_written = 0
        self._renewed_at = 0.0  # when it was last known to be ours
        self._seen: tuple[Renewal, float] | None = None  # another holder's, and since when

    def may_take(self, newest: Renewal, now: float) -> bool:
        """
        Whether nobody holds any more, seen that *newest* is the last renewal: its holder left, or
        did not renew it for `LEASE_SECONDS` while this was watched.
        """
        if newest.holder is None:
            return True
        if self._seen is None or self._seen[0] != newest:
            self._seen = newest, now
        return now >= self._seen[1] + LEASE_SECONDS

    def begin(self, acked: int, now: float) -> None:
        """The lease is ours since *now*, and the next receipt is behind *acked*."""
        self.held = True
        self.ledger = Ledger(acked)
        self.confirmed, self._renewed_at = acked, now

    def lapsed(self, now: float) -> bool:
        """Whether somebody else may hold by now, for all that is known here."""
        return self.held and now > self._renewed_at + LEASE_SECONDS

    def ack(self, position: int) -> None:
        """Everything up to *position* is done.  Raises `AckAhead`."""
        self._settled += self.ledger.ack(position)
        self._acks += 1
        self._wake()

    def park(self, position: int, reason: str) -> None:
        """Set the receipt at *position* aside.  Raises `BadInput` unless it is being read."""
        self.ledger.park(position)
        self._parked.append((position, reason))
        self._wake()

    def finish(self) -> None:
        """Let the reader end as soon as all that was acknowledged is written."""
        self.finishing = True
        self.changed.set()

    def fail(self, error: Exception) -> None:
        """Let the reader end with *error*."""
        self.error = self.error or error
        self.changed.set()

    def leave(self) -> None:
        """The reader has gone: give the lease up."""
        self.leaving = True
        self._due.set()

    @property
    def unwritten(self) -> bool:
        """Whether something that the reader did is not written yet."""
        return bool(self._parked or self._acks != self._acks_written)

    def report(self) -> Report:
        """What is to be written now."""
        self._acks_reported = self._acks
        return Report(
            key=self.key,
            holder=self.holder,
            acked=self.ledger.acked,
            unacked=self.ledger.unacked,
            acknowledged=self._acks != self._acks_written,
            parked=tuple(self._parked),
            settled=tuple(self._settled),
            replays_after=None if self.replays else self._replays_after,
            leaving=self.leaving,
        )

    def written(self, report: Report, replays: Sequence[int], now: float) -> None:
        """*report* is written, as of *now*; *replays* are the positions that it asked for."""
        self.confirmed, self._renewed_at = report.acked, now
        self._acks_written = self._acks_reported
        del self._parked[: len(report.parked)]
        del self._settled[: len(report.settled)]
        # What is settled or parked once more may be sent again once more, should someone ask.
        self._replayed.difference_update(report.settled, (at for at, _ in report.parked))
        if report.replays_after is not None:
            # Behind the last one it begins again at the first: older ones may be asked for later.
            self._replays_after = replays[-1] if len(replays) == REPLAYS_AT_ONCE else 0
            self.replays.extend(at for at in replays if at not in self._replayed)
            self._replayed.update(replays)
        self.changed.set()

    def take_replays(self, count: int) -> list[int]:
        """At most *count* positions to be sent again; they are not asked for twice."""
        return [self.replays.popleft() for _ in range(min(count, len(self.replays)))]

    def _wake(self) -> None:
        self._due.set()
        self.changed.set()
