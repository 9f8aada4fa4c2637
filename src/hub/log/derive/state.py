"""
The status machine: what a message's receipts, in order, say of it.  Pure.

A higher rank applies; an equal one does not, but may fill a missing reason; a lower one is late.
What is delivered has no reason, whatever its receipts say.
Failure → DELIVERED applies and DELIVERED → failure does not; both mark a conflict.

Where the provider reports parts, each part has a machine of its own, and what is said of the whole
message has another.  The parts come to a status together: a failed one is a failure, and DELIVERED
needs all that are counted, or all that are known.  Of that and what is said of the whole, the
higher rank is the message's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from hub.log.derive.latency import bucket
from hub.receipt import FAILURE_RANK, RANKS, ErrorCategory, Micros, Status

WHOLE_MESSAGE = 0
"""The number under which the machine of the whole message stands beside those of parts."""


class Report(Protocol):
    """What the machine reads of a receipt."""

    @property
    def status(self) -> Status:
        """The normalised status."""
        ...

    @property
    def error_code(self) -> str | None:
        """The raw code; empty or None if none."""
        ...

    @property
    def error_category(self) -> ErrorCategory | None:
        """Why it failed; None if it did not."""
        ...

    @property
    def occurred_at(self) -> Micros | None:
        """The provider's time, if given."""
        ...

    @property
    def segments(self) -> int | None:
        """Charged segments, if given."""
        ...

    @property
    def part(self) -> int | None:
        """Which part, from 1; None for the whole message."""
        ...

    @property
    def part_count(self) -> int | None:
        """How many parts there are, if given."""
        ...


@dataclass(slots=True)
class PartState:
    """What is known of one part, or of a message without parts."""

    status: Status | None = None
    error_code: str | None = None
    error_category: ErrorCategory | None = None
    segments: int | None = None
    conflict: bool = False
    turn: int = 0
    """How many receipts the message had when this part's status was set."""

    def fold(self, report: Report, turn: int) -> None:
        """Take *report* in."""
        new, present = report.status, self.status
        if present is None or RANKS[new] > RANKS[present]:
            self._apply(report, turn)
            return
        self.conflict |= present is Status.DELIVERED and new.failed
        fills = RANKS[new] == RANKS[present] and new is not Status.DELIVERED
        if fills and not self.error_code and report.error_code:
            self.error_code, self.error_category = report.error_code, report.error_category
        if self.segments is None:
            self.segments = report.segments

    def _apply(self, report: Report, turn: int) -> None:
        new = report.status
        if new is Status.DELIVERED:
            self.conflict |= self.status is not None and RANKS[self.status] == FAILURE_RANK
            self.error_code, self.error_category = None, None
        elif report.error_code or not self.error_code:
            self.error_code = report.error_code or None
            self.error_category = report.error_category
        self.status, self.turn = new, turn
        if report.segments is not None:
            self.segments = report.segments


@dataclass(slots=True)
class MessageState:
    """What is known of one message."""

    whole: PartState
    """What all receipts come to."""
    parts: dict[int, PartState] | None = None
    """By part number; None while no receipt spoke of parts."""
    part_count: int | None = None
    receipt_count: int = 0
    status_at: Micros = 0
    delivered_at: Micros | None = None
    latency: int | None = None

    @property
    def status(self) -> Status:
        """The present status; a state without receipts has none and is never asked."""
        assert self.whole.status is not None  # noqa: S101
        return self.whole.status

    def fold(self, report: Report, received_at: Micros, recorded_at: Micros) -> bool:
        """Take *report* in; return whether it changed the status of the message."""
        self.receipt_count += 1
        before = self.whole.status
        in_parts = report.part is not None or (report.part_count or 1) > 1
        if self.parts is None and not in_parts:
            self.whole.fold(report, self.receipt_count)
        else:
            self._fold_part(report)
        if self.whole.status is before:
            return False
        self.status_at = received_at if report.occurred_at is None else report.occurred_at
        self.delivered_at = self.status_at if self.status is Status.DELIVERED else None
        self.latency = bucket(report.occurred_at, recorded_at)
        return True

    def _fold_part(self, report: Report) -> None:
        if self.parts is None:
            before = replace(self.whole, turn=0)
            self.parts = {} if before.status is None else {WHOLE_MESSAGE: before}
        if report.part_count is not None:
            self.part_count = max(self.part_count or 0, report.part_count)
        number = WHOLE_MESSAGE if report.part is None else report.part
        part = self.parts.setdefault(number, PartState())
        part.fold(report, self.receipt_count)
        self.whole = come_to(self.parts, self.part_count)

    def dump_parts(self) -> dict[str, Any] | None:
        """The parts as JSON; None where there are none."""
        if self.parts is None:
            return None
        return {
            "of": self.part_count,
            "parts": {str(number): _dump(part) for number, part in self.parts.items()},
        }

    def load_parts(self, stored: dict[str, Any] | None) -> None:
        """Take back what `dump_parts` gave."""
        if stored is not None:
            self.part_count = stored["of"]
            self.parts = {int(n): _load(values) for n, values in stored["parts"].items()}


def come_to(machines: Mapping[int, PartState], part_count: int | None) -> PartState:
    """What the machines of the parts and of the whole message come to."""
    known = {number: each for number, each in machines.items() if each.status is not None}
    whole = known.pop(WHOLE_MESSAGE, None)
    parts = list(known.values())
    if not parts:
        return replace(whole or PartState())
    together = _together(parts, part_count)
    return together if whole is None else _higher(whole, together)


def _together(parts: list[PartState], part_count: int | None) -> PartState:
    """What *parts* come to; of those that tell its status, the first one's reason counts."""
    parts = sorted(parts, key=lambda part: part.turn)
    statuses = [_present(part) for part in parts]
    if set(statuses) == {Status.DELIVERED} and len(parts) >= (part_count or 1):
        status = Status.DELIVERED
    else:  # a failed part fails the message, since no other outranks it
        status = max(map(_under_way, statuses), key=lambda each: each.rank)
    telling = [part for part in parts if _present(part).rank == status.rank] or parts
    result = PartState(
        status=status,
        segments=_sum(part.segments for part in parts),
        conflict=any(part.conflict for part in parts),
        turn=telling[0].turn,
    )
    _take_reason(result, telling)
    return result


def _higher(whole: PartState, parts: PartState) -> PartState:
    """The *whole* or the *parts* together, whichever ranks higher; of equal ones the first."""
    first, other = sorted((whole, parts), key=lambda each: (-_present(each).rank, each.turn))
    contradicted = _present(first) is Status.DELIVERED and _present(other).failed
    result = PartState(
        status=first.status,
        segments=parts.segments if whole.segments is None else whole.segments,
        conflict=whole.conflict or parts.conflict or contradicted,
        turn=first.turn,
    )
    _take_reason(result, (first, other))
    return result


def _take_reason(result: PartState, machines: Iterable[PartState]) -> None:
    """The first reason that *machines* know, unless the *result* is a delivery."""
    if result.status is Status.DELIVERED:
        return
    for machine in machines:
        if machine.error_code or (machine.error_category and not result.error_category):
            result.error_code = machine.error_code
            result.error_category = machine.error_category
        if machine.error_code:
            return


def _present(machine: PartState) -> Status:
    assert machine.status is not None  # noqa: S101  # made by a receipt
    return machine.status


def _under_way(status: Status) -> Status:
    return Status.SENT if status is Status.DELIVERED else status


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _dump(part: PartState) -> list[Any]:
    return [
        part.status,
        part.error_code,
        part.error_category,
        part.segments,
        part.conflict,
        part.turn,
    ]


def _load(values: list[Any]) -> PartState:
    status, code, category, segments, conflict, turn = values
    return PartState(
        Status(status),
        code,
        None if category is None else ErrorCategory(category),
        segments,
        conflict,
        turn,
    )
