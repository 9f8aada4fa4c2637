"""
What a message's receipts come to where some were corrected: a correction takes the place of the
receipt that it corrects.  Pure.

Where the first receipts are purged, their message's state and what the others say of it are all
that is known of them.  What the others do not explain is theirs, and the others come on top of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import replace

from hub.log.derive.state import WHOLE_MESSAGE, MessageState, PartState, Report, come_to
from hub.receipt import Entry, Micros, Status

Reported = tuple[int, int | None, Report, Micros, Micros]
"""Position, position that it corrects, report, received at, recorded at."""


def derive_state(history: Iterable[Reported], left: MessageState | None = None) -> MessageState:
    """The state after *history*, in order, and what purged receipts have *left*."""
    effective, total = _effective(history)
    state = MessageState(PartState()) if left is None else deepcopy(left)
    total += state.receipt_count
    for report, received_at, recorded_at in effective:
        state.fold(report, received_at, recorded_at)
    state.receipt_count = total
    if state.parts is not None:
        state.parts = {n: part for n, part in state.parts.items() if part.status is not None}
    return state


def left_by_purged(state: MessageState, rest: Sequence[Entry]) -> MessageState:
    """What purged receipts have left of the message's *state*, which the *rest* is a part of."""
    effective, _ = _effective((e.position, e.corrects, e, 0, 0) for e in rest)
    reports: defaultdict[int, list[Report]] = defaultdict(list)
    for report, _, _ in effective:
        reports[report.part or WHOLE_MESSAGE].append(report)
    purged = state.receipt_count - len(rest)
    if state.parts is None:
        whole = _left(state.whole, _status_before(rest, state), reports[WHOLE_MESSAGE])
        return replace(state, whole=whole, receipt_count=purged)
    parts = {
        number: _left(part, _part_before(rest, part, purged), reports[number])
        for number, part in state.parts.items()
    }
    whole = come_to(parts, state.part_count)
    return replace(state, whole=whole, parts=parts, receipt_count=purged)


def _effective(history: Iterable[Reported]) -> tuple[list[tuple[Report, Micros, Micros]], int]:
    """What counts of *history*, each correction in the place of its receipt; and its length."""
    effective: dict[int, tuple[Report, Micros, Micros]] = {}
    origin: dict[int, int] = {}
    total = 0
    for position, corrects, report, received_at, recorded_at in history:
        total += 1
        first = position if corrects is None else origin.get(corrects, corrects)
        origin[position] = first
        effective[first] = (report, received_at, recorded_at)
    return [effective[first] for first in sorted(effective)], total


def _status_before(rest: Sequence[Entry], state: MessageState) -> Status | None:
    """The status before the *rest*; None where its first one was higher, so that it tells none."""
    if not rest:
        return state.status
    return None if rest[0].applied else rest[0].message_status


def _part_before(rest: Sequence[Entry], part: PartState, purged: int) -> Status | None:
    """The status of *part* if a purged receipt set it.  Turn 0 is before there were parts."""
    by_rest = any(e.applied and e.message_status is part.status for e in rest if e.part is None)
    kept = part.turn > purged if part.turn else by_rest
    return None if kept else part.status


def _left(machine: PartState, status: Status | None, reports: Sequence[Report]) -> PartState:
    """What *machine* was with *status*, before the *reports* that are a part of it."""
    left = PartState(status, turn=machine.turn)
    both = replace(left)
    for report in reports:
        both.fold(report, machine.turn)
    left.conflict = machine.conflict and not both.conflict
    if both.error_code != machine.error_code:
        left.error_code, left.error_category = machine.error_code, machine.error_category
    if both.segments != machine.segments:
        left.segments = machine.segments
    return left
