"""Frames as bytes: encoded once, and never another log's."""

import time
from typing import Any

import pytest

from hub.feed.frame import Frame
from hub.grpc import encoding
from hub.grpc.encoding import _OVERHEAD, REMEMBERED_BYTES, Encoder, _Newest
from hub.receipt import DeliveryEvidence, Entry, Status
from hub.subscriptions.reader import Delivery
from hub.v1 import receipts_pb2 as pb


def entry(position: int, **fields: Any) -> Entry:
    given = Entry(
        position=position, key=bytes(16), message=1, provider="p1", message_id=f"m{position}",
        recipient="+8613800138000", status=Status.DELIVERED, provider_status="0",
        error_code=None, error_category=None, error_permanent=None,
        delivery_evidence=DeliveryEvidence.UNSPECIFIED, occurred_at=None,
        received_at=1, recorded_at=2, segments=None, part=None, part_count=None,
        network=None, price=None, currency=None, client_reference=None,
        applied=True, message_status=Status.DELIVERED, corrects=None,
    )  # fmt: skip
    return given._replace(**fields)


def sent(
    encoder: Encoder, frame: Frame, *, unmasked: bool = True
) -> list[pb.StreamReceiptsResponse]:
    return [
        pb.StreamReceiptsResponse.FromString(data)
        for data in encoder.frames(frame, unmasked=unmasked)
    ]


def ids(encoder: Encoder, frame: Frame) -> list[str]:
    return [receipt.message_id for each in sent(encoder, frame) for receipt in each.receipts]


def test_a_mask_is_never_taken_for_another() -> None:
    encoder, frame = Encoder(), Frame([entry(1)], 1, 1, "e")
    for unmasked in (False, True, False):
        [response] = sent(encoder, frame, unmasked=unmasked)
        number = response.receipts[0].recipient
        assert number == ("+8613800138000" if unmasked else "+86138****8000")


def test_two_filters_of_the_same_span_stay_apart() -> None:
    encoder = Encoder()
    assert ids(encoder, Frame([entry(1), entry(3)], 3, 3, "e")) == ["m1", "m3"]
    assert ids(encoder, Frame([entry(1), entry(2), entry(3)], 3, 3, "e")) == ["m1", "m2", "m3"]
    assert ids(encoder, Frame([entry(1), entry(2)], 3, 3, "e")) == ["m1", "m2"]


def test_a_frame_with_a_replay_is_never_taken_for_a_slice_of_the_log() -> None:
    encoder = Encoder()
    replay = [entry(1), entry(5), entry(3)]  # as many as from 1 to 3, and others
    assert ids(encoder, Frame(replay, 3, 5, "e")) == ["m1", "m5", "m3"]
    assert ids(encoder, Frame([entry(1), entry(2), entry(3)], 3, 5, "e")) == ["m1", "m2", "m3"]
    assert ids(encoder, Frame(replay, 3, 5, "e")) == ["m1", "m5", "m3"]


def test_another_log_has_other_receipts_at_the_same_positions() -> None:
    encoder = Encoder()
    assert ids(encoder, Frame([entry(1)], 1, 1, "e")) == ["m1"]
    assert ids(encoder, Frame([entry(1, message_id="other")], 1, 1, "f")) == ["other"]


def test_what_is_remembered_is_bounded() -> None:
    encoder = Encoder(remembered_bytes=4000)
    for position in range(1, 100):
        assert ids(encoder, Frame([entry(position)], position, 100, "e")) == [f"m{position}"]
    assert len(encoder._entries._values) < 15
    assert len(encoder._slices._values) < 15


def test_a_frame_that_is_too_large_comes_in_pieces_with_cursors_of_their_own() -> None:
    entries = [entry(n, client_reference="x" * 500_000) for n in range(1, 11)]
    responses = sent(Encoder(), Frame(entries, 12, 20, "e"))
    assert len(responses) > 1
    assert [r.position for each in responses for r in each.receipts] == list(range(1, 11))
    assert all(each.cursor == f"e:{each.receipts[-1].position}" for each in responses[:-1])
    assert responses[-1].cursor == "e:12"
    assert [each.lag for each in responses][-1] == 8


def delivery(frame: Frame, *, standby: bool = False) -> Delivery:
    return Delivery(frame, acked=3, standby=standby)


def test_a_frame_says_where_it_is_and_when() -> None:
    [response] = sent(Encoder(), Frame([entry(4)], 6, 9, "e"))
    assert (response.cursor, response.lag, response.caught_up) == ("e:6", 3, False)
    assert abs(response.server_time.ToMicroseconds() - time.time_ns() // 1000) < 60_000_000
    [last] = sent(Encoder(), Frame([entry(9)], 9, 9, "e"))
    assert (last.cursor, last.lag, last.caught_up) == ("e:9", 0, True)


def test_a_frame_without_entries_is_one_response() -> None:
    [response] = sent(Encoder(), Frame([], 6, 6, "e"))
    assert (list(response.receipts), response.cursor, response.caught_up) == ([], "e:6", True)


def test_a_delivery_says_what_is_stored_as_acknowledged_and_who_waits() -> None:
    for standby in (False, True):
        frame = Frame([entry(4), entry(5)], 5, 7, "e")
        [data] = Encoder().deliveries(delivery(frame, standby=standby), unmasked=False)
        response = pb.ConsumeResponse.FromString(data)
        assert [receipt.message_id for receipt in response.receipts] == ["m4", "m5"]
        assert response.receipts[0].recipient == "+86138****8000"
        assert (response.cursor, response.lag, response.caught_up) == ("e:5", 2, False)
        assert (response.acked_cursor, response.standby) == ("e:3", standby)
        assert abs(response.server_time.ToMicroseconds() - time.time_ns() // 1000) < 60_000_000
    [data] = Encoder().deliveries(delivery(Frame([], 7, 7, "e")), unmasked=True)
    assert pb.ConsumeResponse.FromString(data).caught_up


def test_a_delivery_that_is_too_large_comes_in_pieces() -> None:
    entries = [entry(n, client_reference="x" * 2_000_000) for n in (1, 2, 3)]
    encoded = Encoder().deliveries(delivery(Frame(entries, 3, 3, "e")), unmasked=True)
    pieces = [pb.ConsumeResponse.FromString(data) for data in encoded]
    assert [piece.cursor for piece in pieces] == ["e:1", "e:2", "e:3"]
    assert [piece.caught_up for piece in pieces] == [False, False, True]
    assert [piece.lag for piece in pieces] == [2, 1, 0]


def test_pieces_of_a_frame_are_caught_up_only_with_the_last() -> None:
    entries = [entry(n, client_reference="x" * 2_000_000) for n in (1, 2)]
    responses = sent(Encoder(), Frame(entries, 2, 2, "e"))
    assert [each.caught_up for each in responses] == [False, True]


def test_a_piece_with_a_replay_moves_no_cursor_beyond_its_frame() -> None:
    entries = [entry(n, client_reference="x" * 2_000_000) for n in (9, 10)]
    assert [each.cursor for each in sent(Encoder(), Frame(entries, 5, 20, "e"))] == ["e:5", "e:5"]


def test_a_response_holds_as_much_as_clients_take_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoder, entries = Encoder(), [entry(n) for n in range(1, 5)]
    size = len(encoder.fitting("e", entries, unmasked=True)[1])
    monkeypatch.setattr(encoding, "MAX_FRAME_BYTES", size)
    assert encoder.fitting("e", entries, unmasked=True)[0] == 4
    monkeypatch.setattr(encoding, "MAX_FRAME_BYTES", size - 1)
    assert encoder.fitting("e", entries, unmasked=True)[0] == 2
    monkeypatch.setattr(encoding, "MAX_FRAME_BYTES", 1)
    count, data = encoder.fitting("e", entries, unmasked=True)
    assert count == 1
    assert data == encoder.fitting("e", entries[:1], unmasked=True)[1]


def test_what_was_encoded_is_taken_again_and_not_made_again() -> None:
    encoder, entries = Encoder(), [entry(1), entry(2)]
    first = encoder.fitting("e", entries, unmasked=True)[1]
    assert encoder.fitting("e", entries, unmasked=True)[1] is first
    alone = encoder.fitting("e", [entry(1, message_id="not looked at")], unmasked=True)[1]
    assert first.startswith(alone)
    masked = encoder.fitting("e", entries, unmasked=False)[1]
    assert masked not in (first, b"")


def test_the_first_that_came_is_forgotten_first_and_its_bytes_are_free_again() -> None:
    newest = _Newest(2 * (_OVERHEAD + 10))
    for number in range(5):
        assert newest.put((number,), bytes(10)) == bytes(10)
    assert [newest.get((number,)) for number in range(5)] == [None] * 3 + [bytes(10)] * 2
    newest.put((5,), bytes(11))
    assert [newest.get((number,)) for number in (3, 4, 5)] == [None, None, bytes(11)]
    newest.put((6,), bytes(9))
    assert [newest.get((number,)) for number in (5, 6)] == [bytes(11), bytes(9)]


def test_what_is_cleared_leaves_room_for_as_much_again() -> None:
    newest = _Newest(_OVERHEAD + 10)
    newest.put((1,), bytes(10))
    newest.clear()
    assert newest.get((1,)) is None
    newest.put((2,), bytes(10))
    assert newest.get((2,)) == bytes(10)


def test_receipts_and_slices_are_remembered_for_themselves() -> None:
    assert (Encoder()._entries._most, Encoder()._slices._most) == (REMEMBERED_BYTES,) * 2
    encoder = Encoder(remembered_bytes=5)
    assert (encoder._entries._most, encoder._slices._most) == (5, 5)


@pytest.mark.parametrize("unmasked", [False, True])
def test_entries_with_gaps_are_masked_like_those_without(unmasked: bool) -> None:  # noqa: FBT001
    encoder, number = Encoder(), "+8613800138000" if unmasked else "+86138****8000"
    for entries in ([entry(1), entry(2)], [entry(1), entry(3)]):
        frame = Frame(entries, 3, 3, "e")
        [response] = sent(encoder, frame, unmasked=unmasked)
        [data] = encoder.deliveries(delivery(frame), unmasked=unmasked)
        both = [*response.receipts, *pb.ConsumeResponse.FromString(data).receipts]
        assert {receipt.recipient for receipt in both} == {number}


def test_a_slice_is_its_receipts_in_a_row_and_nothing_else() -> None:
    encoder, entries = Encoder(), [entry(1), entry(2), entry(4)]
    alone = [encoder.fitting("e", [one], unmasked=True)[1] for one in entries]
    assert encoder.fitting("e", entries, unmasked=True) == (3, b"".join(alone))
    assert encoder.fitting("e", entries[:2], unmasked=True) == (2, b"".join(alone[:2]))
    assert encoder.fitting("e", [], unmasked=True) == (0, b"")
