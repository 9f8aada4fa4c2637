"""What a message's receipts come to, one after the other."""

from typing import Any, NamedTuple, Self

from sqlalchemy import select
from sqlmodel import col

from hub.database import Kind, ReceiptRow, table
from hub.log import MessageState, PartState, Reported, derive_state
from hub.receipt import ErrorCategory, Micros, Status
from hub.upkeep.checks.moment import Moment


class Report(NamedTuple):
    """What the status machine reads of a receipt."""

    status: Status
    error_code: str | None
    error_category: ErrorCategory | None
    occurred_at: Micros | None
    segments: int | None
    part: int | None
    part_count: int | None

    @classmethod
    def of(cls, row: Any, kind: Kind) -> Self:
        """That of a receipt's *row*."""
        given = (row.error_code, kind.error_category, row.occurred_at, row.segments)
        return cls(kind.status, *given, row.part, row.part_count)


class History:
    """
    The receipts of one message, folded in as they were when they came.  Its receipts are held
    only if one of them is corrected, as the commit of a correction did.
    """

    def __init__(self, moment: Moment, *, whole: bool) -> None:
        self._moment, self._whole = moment, whole
        self._state = MessageState(PartState())
        self._reported: list[Reported] | None = None
        self._last: int | None = None

    def agrees(self, row: Any, report: Report, *, applied: bool) -> bool:
        """Whether the receipt of *row*, the next one, says of the message what it came to."""
        before, self._last = self._last, row.message_status
        if not self._whole:
            return before is None or applied == (self._last != before)
        before = self._state.whole.status
        self._fold(row, report)
        now = self._state.status
        return (self._last, applied) == (now, now is not before)

    def leads_to(self, message: Any, kind: Kind) -> bool:
        """Whether the row *message*, of this *kind*, is what all receipts come to."""
        if not self._whole:
            return self._last == kind.status
        state, whole = self._state, self._state.whole
        derived = (whole.status, whole.error_category, whole.error_code, whole.segments)
        stored = (kind.status, kind.error_category, message.error_code, message.segments)
        times = (state.status_at, state.delivered_at, state.latency, state.receipt_count)
        return (
            derived == stored
            and whole.conflict == bool(message.conflict)
            and times
            == (message.status_at, message.delivered_at, message.latency, message.receipt_count)
            and self._parts(state.dump_parts()) == self._parts(message.parts)
        )

    def _fold(self, row: Any, report: Report) -> None:
        if row.corrects is not None and self._reported is None:
            self._reported = self._before(row)
        reported = (row.position, row.corrects, report, row.received_at, row.recorded_at)
        if self._reported is not None:
            self._reported.append(reported)
        if row.corrects is None:
            self._state.fold(report, row.received_at, row.recorded_at)
        else:
            self._state = derive_state(self._reported or [reported])

    def _before(self, correction: Any) -> list[Reported]:
        """What was said of the message before *correction*."""
        rows = table(ReceiptRow)
        earlier = select(rows).where(
            rows.c.message == correction.message, rows.c.position < correction.position
        )
        kinds = self._moment.kinds.by_id
        return [
            (r.position, r.corrects, Report.of(r, kinds[r.kind]), r.received_at, r.recorded_at)
            for r in self._moment.rows(earlier, col(ReceiptRow.position))
        ]

    def _parts(self, parts: Any) -> Any:
        """
        The parts; where one was corrected, in the order of their turns, whose numbers then depend
        on what was committed together.
        """
        if parts is None or self._reported is None:
            return parts
        turns = sorted({values[-1] for values in parts["parts"].values()})
        ordered = {n: [*v[:-1], turns.index(v[-1])] for n, v in parts["parts"].items()}
        return {**parts, "parts": ordered}
