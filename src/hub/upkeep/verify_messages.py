"""Messages held against their receipts."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from hub.database.kinds import Kinds
from hub.log.bounds import Bounds
from hub.log.derive.corrections import derive
from hub.log.derive.state import MessageState, PartState
from hub.log.hashing import FINGERPRINT_BYTES, Hashing
from hub.log.write.working import FINGERPRINTS_KEPT
from hub.receipt import Entry


class MessageCheck:
    """Derives each message from its receipts again."""

    def __init__(
        self, kinds: Kinds, hashing: Hashing, bounds: Bounds, problem: Callable[[str], None]
    ) -> None:
        self._kinds, self._hashing, self._bounds = kinds, hashing, bounds
        self._problem = problem

    def messages(
        self, rows: Sequence[Any], entries: Sequence[Entry], fingerprints: dict[int, int]
    ) -> None:
        """Check message *rows* against their *entries* and the *fingerprints* by position."""
        receipts: defaultdict[int, list[Entry]] = defaultdict(list)
        for entry in entries:
            receipts[entry.message].append(entry)
        for row in rows:
            self._message(row, receipts[row.id], fingerprints)

    def _message(self, row: Any, receipts: list[Entry], fingerprints: dict[int, int]) -> None:
        if self._hashing.key(row.provider, row.message_id, row.recipient) != row.key:
            self._problem(f"message {row.id} has a key that is not its own")
        marks = [fingerprints[entry.position] for entry in receipts]
        if len(set(marks)) != len(marks):
            self._problem(f"message {row.id} has the same receipt twice")
        if row.id < self._bounds.oldest:
            if row.receipt_count < len(receipts):
                self._problem(f"message {row.id} counts fewer receipts than there are")
            return
        if not receipts or receipts[0].position != row.id:
            self._problem(f"message {row.id} has no first receipt")
            return
        self._fingerprints(row, marks)
        self._state(row, receipts)

    def _fingerprints(self, row: Any, marks: list[int]) -> None:
        kept = b"".join(mark.to_bytes(FINGERPRINT_BYTES, signed=True) for mark in marks)
        if row.fingerprints != kept[: FINGERPRINTS_KEPT * FINGERPRINT_BYTES]:
            self._problem(f"message {row.id} does not hold the fingerprints of its receipts")

    def _state(self, row: Any, receipts: list[Entry]) -> None:
        state = MessageState(PartState())
        history = [(e.position, e.corrects, e, e.received_at, e.recorded_at) for e in receipts]
        corrected = any(entry.corrects is not None for entry in receipts)
        for number, entry in enumerate(receipts, 1):
            before = state.whole.status
            if corrected:
                state = derive(history[:number])
            else:
                state.fold(entry, entry.received_at, entry.recorded_at)
            if (entry.message_status, entry.applied) != (state.status, state.status is not before):
                self._problem(f"receipt {entry.position} says otherwise of its message's status")
        if _stored(row, self._kinds) != _derived(state):
            self._problem(f"message {row.id} is not what its receipts say")


def _stored(row: Any, kinds: Kinds) -> tuple[Any, ...]:
    kind = kinds.by_id[row.kind]
    return (
        kind.status,
        kind.error_category,
        row.error_code,
        row.segments,
        bool(row.conflict),
        row.status_at,
        row.delivered_at,
        row.latency,
        row.receipt_count,
    )


def _derived(state: MessageState) -> tuple[Any, ...]:
    whole = state.whole
    return (
        whole.status,
        whole.error_category,
        whole.error_code,
        whole.segments,
        whole.conflict,
        state.status_at,
        state.delivered_at,
        state.latency,
        state.receipt_count,
    )
