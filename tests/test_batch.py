"""Promises 3, 4 and 8, in memory: what one transaction makes of the callbacks in it."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

from hub.database.kinds import Kind, Kinds
from hub.database.tables import Callback, MessageRow, ReceiptRow
from hub.log.derive.rollup import GRAINS, MINUTE
from hub.log.derive.state import MessageState, PartState
from hub.log.hashing import Hashing, fingerprint, stored_fingerprint
from hub.log.write.arrival import Arrival, Outcome, Unreadable
from hub.log.write.batch import Batch, Head
from hub.log.write.working import FINGERPRINTS_KEPT, Working
from hub.receipt import DeliveryEvidence, ErrorCategory, Receipt, Status
from tests.making import receipt

HASHING = Hashing(bytes(32))
NOW = 100 * MINUTE + 7
HEAD = Head(40, NOW - 50, 20, 3, 0, 1, 1, 0, 0)
OTHER = receipt("a", provider_status="another")
ITEM = Unreadable("BAD_TIME", b"{}")
WHOLE = Unreadable("NO_JSON", b"x", whole=True)
FULL = receipt(
    "m1",
    Status.UNDELIVERED,
    provider_status="1",
    error_code="MK:0001",
    error_category=ErrorCategory.INVALID_NUMBER,
    error_permanent=True,
    delivery_evidence=DeliveryEvidence.CARRIER,
    occurred_at=NOW - 2000,
    raw_time="then",
    segments=3,
    raw_segments="3",
    network="460-00",
    price="0.0450",
    currency="CNY",
    client_reference="order 7",
)


def arrival(*receipts: Receipt, **fields: Any) -> Arrival:
    given: dict[str, Any] = {
        "provider_id": 1,
        "provider": "p1",
        "adapter": "a/1",
        "received_at": NOW - 9,
    }
    return Arrival(**given | {"body": b"{}", "receipts": list(receipts)} | fields)


def placed(*arrivals: Arrival, kinds: Kinds | None = None, known: Any = ()) -> tuple[Batch, Head]:
    """A batch of *arrivals* and the head after it; *known* are messages that the log has."""
    batch = Batch(list(arrivals), HASHING, kinds or Kinds())
    batch.messages.update({message.key: message for message in known})
    return batch, batch.place(HEAD, NOW)


def named(table: Any, rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(table.model_fields, row, strict=True)) for row in rows]


def known(first: Receipt, *more: Receipt, stored: tuple[int, int | None] = (1, None)) -> Working:
    """The message of *first* as it stands in the log after it and *more*."""
    state = MessageState(PartState())
    key = HASHING.key(1, first.message_id, first.recipient)
    message = Working(7, key, 1, first.message_id, first.recipient, 11, 5 * MINUTE, state)
    for one in (first, *more):
        state.fold(one, 11, 12)
        message.remember(fingerprint(one))
    message.stored, message.more = stored, []
    return message


def test_new_receipts_get_dense_positions_in_the_order_in_which_they_came() -> None:
    batch, head = placed(
        arrival(receipt("a"), receipt("b")), arrival(receipt("c"), provider_id=2, provider="p2")
    )
    rows = named(ReceiptRow, batch.receipt_rows)
    assert [row["position"] for row in rows] == [41, 42, 43]
    assert [row["message"] for row in rows] == [41, 42, 43]
    assert [row["callback"] for row in rows] == [21, 21, 22]
    assert head == HEAD._replace(position=43, recorded_at=NOW, callbacks=22, kinds=5)
    assert batch.outcomes == [Outcome(2, 0, 0), Outcome(1, 0, 0)]
    assert [outcome.callback for outcome in batch.outcomes] == [21, 22]
    assert batch.counts == Counter({("p1", Status.DELIVERED): 2, ("p2", Status.DELIVERED): 1})


def test_a_receipt_that_comes_again_is_counted_and_not_stored() -> None:
    batch, head = placed(arrival(receipt("a"), receipt("a")), arrival(receipt("a"), OTHER))
    assert batch.outcomes == [Outcome(1, 1, 0), Outcome(1, 1, 0)]
    assert head.position == 42
    assert batch.counts.total() == 2


def test_a_batch_of_nothing_new_leaves_the_head_where_it_is() -> None:
    batch, head = placed(arrival(receipt("a")), known=[known(receipt("a"))])
    assert batch.receipt_rows == []
    assert head == HEAD._replace(callbacks=21)
    assert (batch.new_message_rows(), batch.changed_message_values()) == ([], [])
    assert (batch.rollup.cells(), batch.rollup.latencies()) == ([], [])


def test_a_row_holds_all_of_its_receipt() -> None:
    batch, _ = placed(arrival(FULL))
    [row] = named(ReceiptRow, batch.receipt_rows)
    assert row == {
        "position": 41,
        "kind": 1,
        "message": 41,
        "callback": 21,
        "fingerprint": row["fingerprint"],
        "recipient_hash": HASHING.recipient(FULL.recipient),
        "reference_hash": HASHING.reference("order 7"),
        "received_at": NOW - 9,
        "recorded_at": NOW,
        "occurred_at": NOW - 2000,
        "provider_status": "1",
        "error_code": "MK:0001",
        "error_permanent": True,
        "evidence": DeliveryEvidence.CARRIER,
        "segments": 3,
        "part": None,
        "part_count": None,
        "network": "460-00",
        "price": "0.0450",
        "currency": "CNY",
        "client_reference": "order 7",
        "message_status": Status.UNDELIVERED,
        "corrects": None,
    }
    plain = (*batch.receipt_rows[0][:4], row["fingerprint"], *batch.receipt_rows[0][5:])
    assert HASHING.mixed(plain, batch.kinds.by_id[1].key) == stored_fingerprint(fingerprint(FULL))


def test_what_was_not_given_is_null() -> None:
    batch, _ = placed(arrival(receipt("a", recipient="")))
    [row] = named(ReceiptRow, batch.receipt_rows)
    names = ("recipient_hash", "reference_hash", "error_code", "network", "price", "currency")
    assert {row[name] for name in (*names, "client_reference")} == {None}


def test_a_callback_is_stored_as_it_came_with_what_became_of_it() -> None:
    given = arrival(receipt("a"), receipt("a"), body=b"body", headers={"h": "1"}, unreadable=[ITEM])
    batch, _ = placed(given)
    [row] = named(Callback, batch.callback_rows)
    digest = HASHING.body(b"body", {"h": "1"}) + HASHING.callback(21, 1, NOW - 9, 1, 1, 1)
    assert row == {
        "id": 21,
        "provider": 1,
        "received_at": NOW - 9,
        "body": b"body",
        "headers": json.dumps({"h": "1"}),
        "receipts": 1,
        "duplicates": 1,
        "quarantined": 1,
        "digest": digest,
    }
    assert batch.unreadable == [(given, ITEM, 21)]


def test_a_callback_of_a_whole_unreadable_body_is_in_quarantine_alone() -> None:
    bare = arrival(unreadable=[WHOLE])
    batch, head = placed(bare)
    assert batch.callback_rows == []
    assert head == HEAD
    assert batch.unreadable == [(bare, WHOLE, None)]
    assert batch.outcomes == [Outcome(0, 0, 1)]
    assert batch.outcomes[0].callback is None


def test_unreadable_items_or_a_body_beside_receipts_come_with_a_callback() -> None:
    for each in (arrival(unreadable=[ITEM]), arrival(receipt("a"), unreadable=[WHOLE])):
        batch, head = placed(each)
        assert len(batch.callback_rows) == 1
        assert head.callbacks == 21
        assert batch.unreadable[0][2] == 21


def test_what_several_callbacks_set_aside_is_set_aside_together() -> None:
    given = [arrival(unreadable=[ITEM]), arrival(unreadable=[ITEM, WHOLE])]
    batch, _ = placed(*given)
    assert batch.unreadable == [
        (given[0], ITEM, 21),
        (given[1], ITEM, 22),
        (given[1], WHOLE, 22),
    ]


def test_what_is_read_again_adds_to_its_callback() -> None:
    batch, head = placed(
        arrival(receipt("a"), receipt("a"), callback=5, unreadable=[ITEM]),
        arrival(receipt("b"), callback=5),
        arrival(receipt("c"), callback=6),
    )
    assert batch.callback_rows == []
    assert batch.callback_sums == {5: (2, 1, 1), 6: (1, 0, 0)}
    assert head.callbacks == HEAD.callbacks
    assert [row["callback"] for row in named(ReceiptRow, batch.receipt_rows)] == [5, 5, 6]


def test_a_batch_says_which_messages_it_speaks_of_and_which_it_corrects() -> None:
    batch = Batch([arrival(receipt("a"), receipt("b", corrects=4))], HASHING, Kinds())
    keys = {name: HASHING.key(1, name, "+8613800138000") for name in ("a", "b")}
    assert sorted(batch.keys) == sorted(keys.values())
    assert batch.corrected == [keys["b"]]


def test_a_new_combination_becomes_a_kind_and_a_known_one_is_used() -> None:
    there = Kinds([Kind(3, "p1", Status.DELIVERED, None, True, 1)])
    batch, head = placed(arrival(receipt("a"), FULL, replace(FULL, message_id="b")), kinds=there)
    new = Kind(4, "p1", Status.UNDELIVERED, ErrorCategory.INVALID_NUMBER, True, 1)
    assert batch.new_kinds == [new]
    assert [row["kind"] for row in named(ReceiptRow, batch.receipt_rows)] == [3, 4, 4]
    assert head.kinds == HEAD.kinds + 1
    assert len(there) == 1


def test_a_late_receipt_is_of_another_kind_than_one_that_applied() -> None:
    batch, _ = placed(arrival(receipt("a"), receipt("a", Status.SENT)))
    rows = named(ReceiptRow, batch.receipt_rows)
    applied = [batch.kinds.by_id[row["kind"]].applied for row in rows]
    assert applied == [True, False]
    assert [row["message_status"] for row in rows] == [Status.DELIVERED] * 2


def test_a_new_message_has_a_row_and_is_counted_once() -> None:
    batch, _ = placed(arrival(receipt("m1", Status.SENT, segments=2), FULL))
    [row] = named(MessageRow, batch.new_message_rows())
    kind = batch.kinds.by_id[row["kind"]]
    assert (kind.status, kind.error_category) == (Status.UNDELIVERED, FULL.error_category)
    assert kind.applied
    assert row == row | {
        "id": 41,
        "key": HASHING.key(1, "m1", FULL.recipient),
        "provider": 1,
        "message_id": "m1",
        "recipient": FULL.recipient,
        "error_code": "MK:0001",
        "first_received_at": NOW - 9,
        "first_recorded_at": NOW,
        "receipt_count": 2,
        "conflict": False,
    }
    assert batch.changed_message_values() == []
    counted = {(kind, *rest) for grain, _, kind, *rest in batch.rollup.cells() if grain == 1}
    assert counted == {(1, 1, 2, 0), (2, 1, 3, 1)}


def test_a_message_that_changes_is_counted_out_where_it_was_and_in_where_it_is() -> None:
    kinds = Kinds([Kind(1, "p1", Status.SENT, None, True, 1)])
    message = known(receipt("m1", Status.SENT), stored=(1, 4))
    batch, _ = placed(arrival(receipt("m1")), kinds=kinds, known=[message])
    assert batch.new_message_rows() == []
    [changes] = batch.changed_message_values()
    assert changes["row"] == 7
    assert batch.kinds.by_id[changes["kind"]].status is Status.DELIVERED
    cells = {tuple(cell) for cell in batch.rollup.cells() if cell[0] == 1}
    assert cells == {(1, 5 * MINUTE, 1, 0, 0, -1), (1, 5 * MINUTE, 2, 0, 0, 1),
                     (1, 100 * MINUTE, 2, 1, 0, 0)}  # fmt: skip
    [out, *_] = [one for one in batch.rollup.latencies() if one[0] == 1]
    assert out == (1, 5 * MINUTE, 1, 4, -1)
    assert {grain for grain, *_ in batch.rollup.cells()} == set(GRAINS)


def test_a_message_that_stays_as_it_was_is_not_counted_again() -> None:
    kinds = Kinds([Kind(1, "p1", Status.DELIVERED, None, True, 1)])
    message = known(receipt("m1"))
    message.stored = (1, message.state.latency)
    batch, _ = placed(arrival(receipt("m1", Status.SENT)), kinds=kinds, known=[message])
    assert [changes["receipt_count"] for changes in batch.changed_message_values()] == [2]
    assert all(messages == 0 for *_, messages in batch.rollup.cells())


def test_a_correction_derives_the_state_from_all_receipts() -> None:
    wrong = receipt("m1", Status.UNDELIVERED)
    message = known(wrong, stored=(9, None))
    message.history = [(7, None, wrong, 11, 12)]
    batch, _ = placed(arrival(receipt("m1", corrects=7)), known=[message])
    assert message.history[1:] == [(41, 7, batch.items[0][0].receipt, NOW - 9, NOW)]
    assert message.state.status is Status.DELIVERED
    assert not message.state.whole.conflict
    [row] = named(ReceiptRow, batch.receipt_rows)
    assert batch.kinds.by_id[row["kind"]].applied
    assert (row["corrects"], row["message_status"]) == (7, Status.DELIVERED)


def test_a_correction_of_less_than_the_status_did_not_apply() -> None:
    first = receipt("m1")
    message = known(first, stored=(9, None))
    message.history, message.left = [(7, None, first, 11, 12)], None
    batch, _ = placed(arrival(receipt("m1", corrects=7, segments=2)), known=[message])
    [row] = named(ReceiptRow, batch.receipt_rows)
    assert not batch.kinds.by_id[row["kind"]].applied
    assert message.state.whole.segments == 2


def test_a_correction_goes_on_from_what_purged_receipts_left() -> None:
    gone, wrong = receipt("m1", Status.UNDELIVERED), receipt("m1", Status.SENT)
    message = known(gone, wrong, stored=(9, None))
    message.left = known(gone).state
    message.history = [(8, None, wrong, 11, 12)]
    placed(arrival(receipt("m1", Status.BUFFERED, corrects=8)), known=[message])
    assert message.state.status is Status.UNDELIVERED


def crowded() -> Working:
    return known(*(receipt("m1", raw_time=str(number)) for number in range(FINGERPRINTS_KEPT + 1)))


def test_a_crowded_message_is_asked_for_what_its_row_has_no_room_for() -> None:
    message, new = crowded(), receipt("m1", raw_time="new")
    given = arrival(new, receipt("other"))
    batch = Batch([given], HASHING, Kinds())
    batch.messages = {message.key: message, HASHING.key(1, "other", new.recipient): known(new)}
    mark = fingerprint(new)
    assert batch.unsure() == {(7, stored_fingerprint(mark)): (message, mark)}

    batch.place(HEAD, NOW)
    assert batch.fingerprint_rows() == [(7, stored_fingerprint(mark))]
    assert batch.outcomes == [Outcome(2, 0, 0)]


def test_a_message_with_room_is_not_asked_for() -> None:
    batch, _ = placed(arrival(receipt("m1")), known=[known(receipt("m1"))])
    assert batch.unsure() == {}
    assert batch.fingerprint_rows() == []
