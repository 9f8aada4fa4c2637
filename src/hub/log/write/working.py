"""A message while a batch changes it."""

import json
from dataclasses import dataclass, field
from typing import Any

from hub.log.derive.corrections import Reported
from hub.log.derive.state import MessageState
from hub.log.hashing import FINGERPRINT_BYTES
from hub.receipt import Micros

FINGERPRINTS_KEPT = 32
"""Receipts of a message whose fingerprints its row holds; those of further ones have rows."""


@dataclass(slots=True)
class Working:
    """A message while a batch changes it."""

    id: int
    key: bytes
    provider: int
    message_id: str
    recipient: str
    first_received_at: Micros
    first_recorded_at: Micros
    state: MessageState
    fingerprints: bytes = b""
    known: set[bytes] = field(default_factory=set)
    """Those fingerprints beyond the ones kept in the row that the batch may come upon."""
    more: list[bytes] = field(default_factory=list)
    """Those of them that are new."""
    stored: tuple[int, int | None] | None = None
    """Kind and latency as the database has them; None for a new message."""
    history: list[Reported] | None = None
    """All its receipts that are kept, where one is being corrected."""
    left: MessageState | None = None
    """What its purged receipts left of its state, where one of the others is being corrected."""
    changed: bool = False

    @property
    def crowded(self) -> bool:
        """Whether it has more receipts than its row has fingerprints."""
        return self.state.receipt_count > FINGERPRINTS_KEPT

    def knows(self, mark: bytes) -> bool:
        """Whether the receipt with this fingerprint is in the log."""
        kept = self.fingerprints
        if len(kept) == FINGERPRINT_BYTES:
            return kept == mark
        slices = range(0, len(kept), FINGERPRINT_BYTES)
        return any(kept[at : at + FINGERPRINT_BYTES] == mark for at in slices) or mark in self.known

    def remember(self, mark: bytes) -> None:
        """Know this fingerprint from now on."""
        if len(self.fingerprints) < FINGERPRINTS_KEPT * FINGERPRINT_BYTES:
            self.fingerprints += mark
        else:
            self.known.add(mark)
            self.more.append(mark)

    def new_row(self, kind: int) -> tuple[Any, ...]:
        """The row to insert, in the order of `MessageRow`."""
        state, whole = self.state, self.state.whole
        return (
            self.id,
            self.key,
            kind,
            self.provider,
            self.message_id,
            self.recipient,
            whole.error_code,
            whole.segments,
            self.first_received_at,
            self.first_recorded_at,
            state.status_at,
            state.delivered_at,
            state.latency,
            state.receipt_count,
            whole.conflict,
            self._parts(),
            self.fingerprints,
        )

    def changes(self, kind: int) -> dict[str, Any]:
        """What is new of a message that stood in the log; the id as `row`."""
        state, whole = self.state, self.state.whole
        return {
            "row": self.id,
            "kind": kind,
            "error_code": whole.error_code,
            "segments": whole.segments,
            "status_at": state.status_at,
            "delivered_at": state.delivered_at,
            "latency": state.latency,
            "receipt_count": state.receipt_count,
            "conflict": whole.conflict,
            "parts": self._parts(),
            "fingerprints": self.fingerprints,
        }

    def _parts(self) -> str | None:
        parts = self.state.dump_parts()
        return None if parts is None else json.dumps(parts)
