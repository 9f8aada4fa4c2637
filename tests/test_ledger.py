"""What a reader was sent, and what of it is done."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import AckAhead, BadInput
from hub.subscriptions.ledger import Ledger


def test_an_acknowledgement_is_cumulative() -> None:
    ledger = Ledger(10)
    ledger.send([11, 12, 15], 16)
    ledger.ack(12)
    assert (ledger.acked, ledger.unacked) == (12, 1)
    ledger.ack(11)
    assert (ledger.acked, ledger.unacked) == (12, 1)
    ledger.ack(15)
    assert (ledger.acked, ledger.unacked) == (16, 0)


def test_an_acknowledgement_ahead_of_what_was_sent_is_refused() -> None:
    ledger = Ledger(10)
    ledger.send([11], 11)
    with pytest.raises(AckAhead):
        ledger.ack(12)


def test_while_nothing_is_open_bookmarks_are_acknowledged_by_themselves() -> None:
    ledger = Ledger(10)
    ledger.send([], 20)
    assert ledger.acked == 20
    ledger.send([25], 30)
    assert ledger.acked == 20


def test_a_parked_receipt_does_not_hold_the_others_up() -> None:
    ledger = Ledger(0)
    ledger.send([1, 2, 3], 3)
    ledger.park(1)
    assert (ledger.acked, ledger.unacked) == (1, 2)
    ledger.park(3)
    assert (ledger.acked, ledger.unacked) == (1, 1)
    ledger.ack(2)
    assert (ledger.acked, ledger.unacked) == (3, 0)
    with pytest.raises(BadInput):
        ledger.park(2)


def test_a_replay_is_done_with_an_acknowledgement_that_comes_after_it() -> None:
    ledger = Ledger(9)
    ledger.send([], 9, [4])
    assert (ledger.acked, ledger.unacked) == (9, 1)
    assert ledger.ack(8) == []
    assert ledger.ack(9) == [4]
    assert ledger.unacked == 0


class Counted(int):
    """A position that counts how often positions are compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return int(self) == other

    def __hash__(self) -> int:
        return hash(int(self))


def test_to_park_one_receipt_is_no_more_work_with_many_beside_it() -> None:
    ledger, positions = Ledger(0), [Counted(position) for position in range(1, 1001)]
    ledger.send(positions, 1000)
    for position in reversed(positions):
        ledger.park(Counted(position))
    assert ledger.unacked == 0
    assert Counted.compared < 20 * len(positions)


def test_open_receipts_take_eight_bytes_each() -> None:
    positions = range(10**9, 10**9 + 10_000)
    tracemalloc.start()
    try:
        ledger = Ledger(0)
        ledger.send(positions, positions[-1])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ledger.unacked == 10_000
    assert held < 100_000


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["send", "ack", "park"]), st.integers(0, 4), st.integers(0, 12)),
        max_size=40,
    )
)
def test_whatever_happens_no_open_receipt_is_passed(steps: list[tuple[str, int, int]]) -> None:
    ledger, still_open = Ledger(0), set[int]()
    for what, gap, number in steps:
        before = ledger.acked
        if what == "send":
            sent = [ledger.sent + gap + 1 + i for i in range(number % 4)]
            still_open.update(sent)
            ledger.send(sent, (sent or [ledger.sent])[-1] + gap)
        elif what == "ack" and number <= ledger.sent:
            ledger.ack(number)
            still_open = {position for position in still_open if position > number}
        elif what == "park" and number in still_open:
            ledger.park(number)
            still_open.discard(number)
        assert before <= ledger.acked <= ledger.sent
        assert ledger.unacked == len(still_open)
        assert all(position > ledger.acked for position in still_open)
