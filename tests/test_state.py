"""The status machine of the contract, one sentence a rule."""

import itertools
import json
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.log.derive.corrections import derive_state
from hub.log.derive.latency import bucket
from hub.log.derive.state import MessageState, PartState
from hub.receipt import ErrorCategory, Receipt, Status
from tests.making import receipt

FAILURES = [Status.EXPIRED, Status.REJECTED, Status.UNDELIVERED, Status.CANCELLED]


def fold(*receipts: Receipt) -> tuple[MessageState, list[bool]]:
    state = MessageState(PartState())
    applied = [state.fold(one, 1000, 2000) for one in receipts]
    return state, applied


def failure(
    code: str = "", status: Status = Status.UNDELIVERED, part: int | None = None
) -> Receipt:
    category = ErrorCategory.ABSENT if code else ErrorCategory.UNKNOWN
    return receipt(status=status, error_code=code, error_category=category, part=part)


def part(number: int, status: Status, of: int | None = None, segments: int = 1) -> Receipt:
    return receipt(status=status, part=number, part_count=of, segments=segments)


@pytest.mark.parametrize(("lower", "higher"), list(itertools.combinations(Status, 2)))
def test_only_a_higher_rank_applies(lower: Status, higher: Status) -> None:
    for first, second in ((lower, higher), (higher, lower)):
        state, applied = fold(receipt(status=first), receipt(status=second))

        assert applied == [True, second.rank > first.rank]
        assert state.status is (second if second.rank > first.rank else first)


@pytest.mark.parametrize("failed", FAILURES)
def test_a_delivery_after_a_failure_applies_clears_the_reason_and_marks_a_conflict(
    failed: Status,
) -> None:
    state, applied = fold(failure("MK:0024", failed), receipt(status=Status.DELIVERED))

    assert applied == [True, True]
    assert state.status is Status.DELIVERED
    assert (state.whole.error_code, state.whole.error_category) == (None, None)
    assert state.whole.conflict


@pytest.mark.parametrize("failed", FAILURES)
def test_a_failure_after_a_delivery_never_applies_and_marks_a_conflict(failed: Status) -> None:
    state, applied = fold(receipt(status=Status.DELIVERED), failure("MK:0024", failed))

    assert applied == [True, False]
    assert state.status is Status.DELIVERED
    assert state.whole.error_code is None
    assert state.whole.conflict


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_delivered_message_has_no_reason_whatever_the_order(order: tuple[int, ...]) -> None:
    coded = receipt(status=Status.DELIVERED, error_code="000", error_category=ErrorCategory.UNKNOWN)
    said = [receipt(status=Status.DELIVERED), coded, failure("MK:0024")]

    state, _ = fold(*(said[number] for number in order))

    assert state.status is Status.DELIVERED
    assert (state.whole.error_code, state.whole.error_category) == (None, None)


def test_an_equal_rank_fills_a_missing_reason_and_changes_nothing_else() -> None:
    state, applied = fold(failure(), failure("MK:0024", Status.EXPIRED))

    assert applied == [True, False]
    assert state.status is Status.UNDELIVERED
    assert (state.whole.error_code, state.whole.error_category) == (
        "MK:0024",
        ErrorCategory.ABSENT,
    )


def test_a_known_reason_is_not_replaced_by_another_or_by_none() -> None:
    state, _ = fold(failure("MK:0024"), failure("MK:0001"), failure())

    assert state.whole.error_code == "MK:0024"


def test_a_known_reason_survives_a_higher_status_without_one() -> None:
    unknown = receipt(status=Status.UNKNOWN, error_code="12", error_category=ErrorCategory.UNKNOWN)

    state, _ = fold(unknown, failure())

    assert (state.status, state.whole.error_code) == (Status.UNDELIVERED, "12")


def test_a_failed_part_fails_the_message() -> None:
    state, applied = fold(part(1, Status.DELIVERED, of=2), failure("MK:0001", part=2))

    assert applied == [True, True]
    assert (state.status, state.whole.error_code) == (Status.UNDELIVERED, "MK:0001")
    assert not state.whole.conflict


def test_a_delivered_part_does_not_hide_another_failed_one() -> None:
    state, applied = fold(failure("MK:0001", part=1), part(2, Status.DELIVERED, of=2))

    assert applied == [True, False]
    assert state.status is Status.UNDELIVERED


def test_a_message_is_delivered_once_all_counted_parts_are() -> None:
    state, applied = fold(part(1, Status.DELIVERED, of=2), part(2, Status.DELIVERED, of=2))

    assert applied == [True, True]
    assert state.status is Status.DELIVERED
    assert state.whole.segments == 2


def test_a_message_without_a_count_is_delivered_once_all_known_parts_are() -> None:
    state, _ = fold(part(1, Status.SENT), part(2, Status.DELIVERED))
    assert state.status is Status.SENT

    state, _ = fold(part(1, Status.SENT), part(2, Status.DELIVERED), part(1, Status.DELIVERED))
    assert state.status is Status.DELIVERED


def test_what_is_sent_as_a_whole_is_delivered_once_its_parts_are() -> None:
    whole = receipt(status=Status.SENT, segments=2)
    said = (whole, part(1, Status.DELIVERED, of=2), part(2, Status.DELIVERED, of=2))
    for order in itertools.permutations(said):
        state, _ = fold(*order)
        assert (state.status, state.whole.segments) == (Status.DELIVERED, 2)


def test_what_is_delivered_as_a_whole_stays_so_whatever_its_parts_say() -> None:
    whole = receipt(status=Status.DELIVERED)
    for order in itertools.permutations((whole, part(1, Status.SENT, of=2))):
        state, _ = fold(*order)
        assert (state.status, state.whole.conflict) == (Status.DELIVERED, False)
    for order in itertools.permutations((whole, failure("MK:0001", part=2))):
        state, _ = fold(*order)
        assert (state.status, state.whole.conflict) == (Status.DELIVERED, True)
        assert state.whole.error_code is None


def test_a_failure_of_the_whole_gives_way_to_the_delivery_of_every_part() -> None:
    said = (failure("MK:0001"), part(1, Status.DELIVERED, of=2), part(2, Status.DELIVERED, of=2))
    for order in itertools.permutations(said):
        state, _ = fold(*order)
        assert (state.status, state.whole.conflict) == (Status.DELIVERED, True)
    for order in itertools.permutations(said[:2]):
        state, _ = fold(*order)
        assert (state.status, state.whole.conflict) == (Status.UNDELIVERED, False)
        assert state.whole.error_code == "MK:0001"


def test_a_count_that_a_receipt_of_the_whole_gives_counts() -> None:
    whole = receipt(status=Status.SENT, part_count=2)
    for order in itertools.permutations((whole, part(1, Status.DELIVERED))):
        assert fold(*order)[0].status is Status.SENT


REPORTS = st.builds(
    receipt,
    status=st.sampled_from(list(Status)),
    part=st.sampled_from([None, 1, 2, 3]),
    part_count=st.sampled_from([None, None, 1, 2, 3]),
    error_code=st.sampled_from(["", "X"]),
    segments=st.sampled_from([None, 1]),
)


@settings(max_examples=1000)
@given(st.lists(REPORTS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_no_order_of_receipts_of_parts_and_of_the_whole_changes_what_is_right(
    said: list[Receipt], random: Random
) -> None:
    random.shuffle(said)
    state, _ = fold(*said)

    rank, conflict = summed_up(said)
    assert (state.status.rank, state.whole.conflict) == (rank, conflict)
    if state.status is Status.DELIVERED:
        assert state.whole.error_code is None
    elif state.status.failed:
        delivered = {one.part for one in said if one.status is Status.DELIVERED}
        failed = [one for one in said if one.status.failed and one.part not in delivered]
        assert state.whole.error_code == "X" or not any(one.error_code for one in failed)


@settings(max_examples=300)
@given(st.lists(REPORTS, min_size=2, max_size=8), st.data())
def test_a_state_goes_on_from_where_it_was_stored(said: list[Receipt], data: st.DataObject) -> None:
    stop = data.draw(st.integers(1, len(said) - 1))
    state, _ = fold(*said[:stop])
    stored = replace(state, whole=replace(state.whole, turn=0), parts=None, part_count=None)
    stored.load_parts(json.loads(json.dumps(state.dump_parts())))
    for one in said[stop:]:
        stored.fold(one, 1000, 2000)

    through, _ = fold(*said)
    assert stored.dump_parts() == through.dump_parts()
    assert replace(stored.whole, turn=0) == replace(through.whole, turn=0)


def summed_up(said: list[Receipt]) -> tuple[int, bool]:
    """Rank and conflict of a message, from its receipts without their order."""
    ranks: dict[int | None, set[int]] = {}
    for one in said:
        ranks.setdefault(one.part, set()).add(one.status.rank)
    conflict = any({80, 90} <= each for each in ranks.values())
    whole = max(ranks.pop(None, {0}))
    highest = [max(each) for each in ranks.values()]
    if 80 in highest:
        parts = 80
    elif set(highest) == {90} and len(highest) >= max(one.part_count or 1 for one in said):
        parts = 90
    else:
        parts = max((20 if each == 90 else each for each in highest), default=0)
    return max(whole, parts), conflict or {whole, parts} == {80, 90}


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(FAILURES, 2)))
def test_of_two_failed_parts_the_first_one_counts(first: Status, second: Status) -> None:
    state, _ = fold(failure("MK:1", first, part=2), failure("MK:2", second, part=1))

    assert state.status is first
    assert (state.whole.error_code, state.whole.error_category) == ("MK:1", ErrorCategory.ABSENT)


def test_a_failure_has_its_category_with_its_code_or_without_one() -> None:
    for one in (failure("MK:1"), failure()):
        state, _ = fold(receipt(status=Status.SENT), one)
        assert state.whole.error_category is one.error_category
        assert state.whole.error_code == (one.error_code or None)


def test_a_failure_without_a_code_keeps_the_one_that_is_known() -> None:
    unsure = failure("MK:1", Status.UNKNOWN)
    state, _ = fold(unsure, failure())

    assert state.status is Status.UNDELIVERED
    assert (state.whole.error_code, state.whole.error_category) == ("MK:1", ErrorCategory.ABSENT)


@pytest.mark.parametrize(
    ("whole", "parts", "sum_of_both"), [(3, 1, 3), (None, 1, 2), (None, None, None), (5, None, 5)]
)
def test_segments_are_those_of_the_whole_or_the_sum_of_its_parts(
    whole: int | None, parts: int | None, sum_of_both: int | None
) -> None:
    said = [receipt(status=Status.SENT, segments=whole)]
    said += [receipt(status=Status.SENT, part=number, segments=parts) for number in (1, 2)]

    assert fold(*said)[0].whole.segments == sum_of_both


def test_only_what_may_be_a_part_is_folded_as_one() -> None:
    for count, in_parts in ((None, False), (1, False), (2, True)):
        state, _ = fold(receipt(status=Status.SENT, part_count=count))
        assert (state.parts is not None) is in_parts
        assert state.part_count == (count if in_parts else None)


def test_a_status_has_the_latency_of_the_receipt_that_brought_it() -> None:
    state, _ = fold(receipt(occurred_at=500))

    assert state.latency == bucket(500, 2000) is not None
    assert fold(receipt())[0].latency is None


def test_parts_survive_being_stored() -> None:
    first, _ = fold(part(1, Status.DELIVERED, of=2), failure("MK:0001", part=2))
    again = MessageState(PartState())
    again.load_parts(first.dump_parts())

    assert again.parts == first.parts
    assert again.part_count == 2


def test_times_are_the_providers_where_given_and_the_arrivals_otherwise() -> None:
    state, _ = fold(receipt(status=Status.SENT), receipt(status=Status.DELIVERED, occurred_at=77))

    assert (state.status_at, state.delivered_at) == (77, 77)
    assert fold(receipt(status=Status.DELIVERED))[0].delivered_at == 1000


@given(st.lists(st.sampled_from(list(Status)), min_size=1, max_size=8))
def test_the_final_status_does_not_depend_on_what_came_late(statuses: list[Status]) -> None:
    state, _ = fold(*(receipt(status=status) for status in statuses))

    assert state.status.rank == max(status.rank for status in statuses)
    has_both = Status.DELIVERED in statuses and any(status.failed for status in statuses)
    assert state.whole.conflict == has_both


def test_a_correction_takes_the_place_of_the_receipt_that_it_corrects() -> None:
    wrong = failure("12")
    right = receipt(status=Status.DELIVERED, occurred_at=5)
    state = derive_state([(1, None, wrong, 10, 20), (9, 1, right, 10, 90)])

    assert state.status is Status.DELIVERED
    assert not state.whole.conflict
    assert state.receipt_count == 2
