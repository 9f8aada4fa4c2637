"""A batch of arrivals on its way into the log: positions, states, sums and rows.  Does no I/O."""

import json
from collections import Counter
from collections.abc import Iterable
from operator import add
from typing import Any, NamedTuple

from hub.database import NO_CATEGORY, Kind, Kinds, ReceiptRow, kind
from hub.log.derive.corrections import derive_state
from hub.log.derive.rollup import Rollup
from hub.log.derive.state import MessageState, PartState
from hub.log.hashing import Hashing, fingerprint, stored_fingerprint
from hub.log.write.arrival import Arrival, Outcome, Unreadable
from hub.log.write.working import Working
from hub.receipt import ErrorCategory, Micros, Receipt, Status

_FINGERPRINT = list(ReceiptRow.model_fields).index("fingerprint")


class Head(NamedTuple):
    """The log's row as the holder of its lock reads it."""

    position: int
    recorded_at: Micros
    callbacks: int
    kinds: int
    quarantine_bytes: int
    oldest: int
    oldest_callback: int
    emptied: int
    swept: int


class Item(NamedTuple):
    """A receipt of the batch and what it is found by."""

    receipt: Receipt
    key: bytes
    mark: bytes


class Batch:
    """The rows of one transaction."""

    def __init__(self, arrivals: list[Arrival], hashing: Hashing, kinds: Kinds) -> None:
        self.arrivals = arrivals
        self.hashing = hashing
        self.kinds = kinds
        """All kinds, the batch's own new ones included."""
        self.items = [[self._item(a.provider_id, r) for r in a.receipts] for a in arrivals]
        self.messages: dict[bytes, Working] = {}
        self.receipt_rows: list[tuple[Any, ...]] = []
        self.callback_rows: list[tuple[Any, ...]] = []
        self.callback_sums: dict[int, tuple[int, ...]] = {}
        self.new_kinds: list[Kind] = []
        self.rollup = Rollup()
        self.unreadable: list[tuple[Arrival, Unreadable, int | None]] = []
        self.outcomes: list[Outcome] = []
        self.counts: Counter[tuple[str, Status]] = Counter()

    @property
    def keys(self) -> list[bytes]:
        """Keys of the messages that the batch speaks of."""
        return list({item.key for items in self.items for item in items})

    @property
    def corrected(self) -> list[bytes]:
        """Keys of the messages of which a receipt is corrected."""
        found = {i.key for items in self.items for i in items if i.receipt.corrects is not None}
        return list(found)

    def place(self, head: Head, recorded_at: Micros) -> Head:
        """Give positions to what is new, fold it in, and return the head after it."""
        self._position, self._recorded_at = head.position, recorded_at
        callbacks = head.callbacks
        for arrival, items in zip(self.arrivals, self.items, strict=True):
            unread = not arrival.receipts and all(u.whole for u in arrival.unreadable)
            if arrival.callback is None and not unread:
                callbacks += 1
                self._arrive(arrival, items, callbacks)
                self._callback_row(arrival, callbacks)
            else:
                self._arrive(arrival, items, arrival.callback)
                self._add_to_callback(arrival.callback)
        self._count_messages()
        return head._replace(
            position=self._position,
            recorded_at=recorded_at if self._position > head.position else head.recorded_at,
            callbacks=callbacks,
            kinds=head.kinds + len(self.new_kinds),
        )

    def _item(self, provider: int, receipt: Receipt) -> Item:
        key = self.hashing.key(provider, receipt.message_id, receipt.recipient)
        return Item(receipt, key, fingerprint(receipt))

    def _arrive(self, arrival: Arrival, items: list[Item], callback: int | None) -> None:
        before = self._position
        for item in items:
            self._take(arrival, item, callback)
        self.unreadable += [(arrival, unreadable, callback) for unreadable in arrival.unreadable]
        stored = self._position - before
        outcome = Outcome(stored, len(items) - stored, len(arrival.unreadable), callback)
        self.outcomes.append(outcome)

    def _take(self, arrival: Arrival, item: Item, callback: int | None) -> None:
        message = self.messages.get(item.key)
        if message is None:
            message = self._new_message(arrival, item)
        elif message.knows(item.mark):
            return
        self._position += 1
        message.remember(item.mark)
        message.changed = True
        receipt = item.receipt
        applied = self._fold(message, receipt, arrival.received_at)
        kind = self._kind(arrival, receipt.status, receipt.error_category, applied=applied)
        self.rollup.receipt(self._recorded_at, kind, receipt.segments)
        self.counts[arrival.provider, receipt.status] += 1
        self.receipt_rows.append(self._receipt_row(message, arrival, item, callback, kind))

    def _new_message(self, arrival: Arrival, item: Item) -> Working:
        message = self.messages[item.key] = Working(
            id=self._position + 1,
            key=item.key,
            provider=arrival.provider_id,
            message_id=item.receipt.message_id,
            recipient=item.receipt.recipient,
            first_received_at=arrival.received_at,
            first_recorded_at=self._recorded_at,
            state=MessageState(PartState()),
        )
        return message

    def _fold(self, message: Working, receipt: Receipt, received_at: Micros) -> bool:
        if message.history is None:
            return message.state.fold(receipt, received_at, self._recorded_at)
        before = message.state.status
        message.history.append(
            (self._position, receipt.corrects, receipt, received_at, self._recorded_at)
        )
        message.state = derive_state(message.history, message.left)
        return message.state.status is not before

    def _kind(
        self, arrival: Arrival, status: Status, category: ErrorCategory | None, *, applied: bool
    ) -> int:
        key = (arrival.provider_id, status, category or NO_CATEGORY, applied)
        known = self.kinds.id_of(key)
        if known is None:
            known = self.kinds.next_id()
            new = kind(known, arrival.provider, key)
            self.new_kinds.append(new)
            self.kinds = self.kinds.plus([new])
        return known

    def _receipt_row(
        self, message: Working, arrival: Arrival, item: Item, callback: int | None, kind: int
    ) -> tuple[Any, ...]:
        receipt, hashing = item.receipt, self.hashing
        row = (
            self._position,
            kind,
            message.id,
            callback,
            stored_fingerprint(item.mark),
            hashing.recipient(receipt.recipient),
            hashing.reference(receipt.client_reference),
            arrival.received_at,
            self._recorded_at,
            receipt.occurred_at,
            receipt.provider_status,
            receipt.error_code or None,
            receipt.error_permanent,
            receipt.delivery_evidence,
            receipt.segments,
            receipt.part,
            receipt.part_count,
            receipt.network or None,
            receipt.price or None,
            receipt.currency or None,
            receipt.client_reference or None,
            message.state.status,
            receipt.corrects,
        )
        mixed = hashing.mixed(row, self.kinds.by_id[kind].key)
        return (*row[:_FINGERPRINT], mixed, *row[_FINGERPRINT + 1 :])

    def _callback_row(self, arrival: Arrival, callback: int) -> None:
        which = (callback, arrival.provider_id, arrival.received_at)
        what = (arrival.body, json.dumps(arrival.headers))
        counts = self.outcomes[-1].counts
        hashing = self.hashing
        digest = hashing.body(arrival.body, arrival.headers) + hashing.callback(*which, *counts)
        self.callback_rows.append((*which, *what, *counts, digest))

    def _add_to_callback(self, callback: int | None) -> None:
        """What is new of a callback that is stored already."""
        if callback is not None:
            before = self.callback_sums.get(callback, (0, 0, 0))
            self.callback_sums[callback] = tuple(map(add, before, self.outcomes[-1].counts))

    def _count_messages(self) -> None:
        names = {arrival.provider_id: arrival for arrival in self.arrivals}
        self._message_kinds: dict[bytes, int] = {}
        for message in self._changed():
            whole = message.state.whole
            arrival = names[message.provider]
            number = self._kind(arrival, message.state.status, whole.error_category, applied=True)
            self._message_kinds[message.key] = number
            self._count_message(message, number)

    def _count_message(self, message: Working, kind: int) -> None:
        now = (kind, message.state.latency)
        if message.stored != now:
            if message.stored is not None:
                self.rollup.message(message.first_recorded_at, *message.stored, -1)
            self.rollup.message(message.first_recorded_at, *now, 1)

    def _changed(self) -> Iterable[Working]:
        return (message for message in self.messages.values() if message.changed)

    def new_message_rows(self) -> list[tuple[Any, ...]]:
        """Rows to insert, in the order of `MessageRow`."""
        kinds = self._message_kinds
        return [m.new_row(kinds[m.key]) for m in self._changed() if m.stored is None]

    def changed_message_values(self) -> list[dict[str, Any]]:
        """What is new of messages that stood in the log; the id as `row`."""
        kinds = self._message_kinds
        return [m.changes(kinds[m.key]) for m in self._changed() if m.stored is not None]

    def unsure(self) -> dict[tuple[int, int], tuple[Working, bytes]]:
        """Messages and fingerprints that may be known beyond the messages' rows, as stored."""
        return {
            (message.id, stored_fingerprint(item.mark)): (message, item.mark)
            for items in self.items
            for item in items
            if (message := self.messages.get(item.key)) and message.crowded
        }

    def fingerprint_rows(self) -> list[tuple[int, int]]:
        """Rows to insert, in the order of `Fingerprint`."""
        return [(m.id, stored_fingerprint(mark)) for m in self._changed() for mark in m.more]
