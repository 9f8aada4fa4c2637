"""A reader's claim on one shard of a subscription: its ledger, and what is still to be written."""

import asyncio
import secrets
from collections.abc import Iterable

from hub.subscriptions.leases import Key, Report
from hub.subscriptions.ledger import Ledger


class Claim:
    """
    What stands between the stream that reads and acknowledges, and the loop that writes it down.
    Nothing counts before it is written under the name of the holder.
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
        self.renewed_at = 0.0
        """When the lease was last known to be ours, by the event loop's clock."""
        self.held = False
        """Whether the lease was taken."""
        self.finishing = False
        """Whether the reader will acknowledge nothing more."""
        self.leaving = False
        """Whether the reader has gone, and the lease is to be given up."""
        self.error: Exception | None = None
        """Why the reader cannot go on."""
        self.replays: list[int] = []
        """Parked positions that wait to be sent again."""
        self._seen: set[int] = set()  # positions to replay that were taken care of here
        self._parked: list[tuple[int, str]] = []
        self._settled: list[int] = []
        self._acks = self._acks_reported = self._acks_written = 0

    def begin(self, acked: int, now: float) -> None:
        """The lease is ours since *now*, and the next receipt is behind *acked*."""
        self.held = True
        self.ledger = Ledger(acked)
        self.confirmed, self.renewed_at = acked, now

    def ack(self, position: int) -> None:
        """Everything up to *position* is done.  Raises `AckAhead`."""
        self._settled += self.ledger.ack(position)
        self._acks += 1
        self._said()

    def park(self, position: int, reason: str) -> None:
        """Set the receipt at *position* aside.  Raises `BadInput` unless it is being read."""
        self.ledger.park(position)
        self._parked.append((position, reason))
        self._said()

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
        """Whether something that the reader said is not written yet."""
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
            leaving=self.leaving,
        )

    def written(self, report: Report, replays: Iterable[int], now: float) -> None:
        """*report* is written, as of *now*; *replays* are the positions to be sent again."""
        self.confirmed, self.renewed_at = report.acked, now
        self._acks_written = self._acks_reported
        del self._parked[: len(report.parked)]
        del self._settled[: len(report.settled)]
        wanted = set(replays)
        self._seen &= wanted
        self.replays = sorted(wanted - self._seen)
        self.changed.set()

    def take_replays(self) -> list[int]:
        """The positions to be sent again; they are not asked for twice."""
        taken, self.replays = self.replays, []
        self._seen.update(taken)
        return taken

    def _said(self) -> None:
        self._due.set()
        self.changed.set()
