"""Frames as bytes: encoded once, and never another log's."""

from typing import Any

from hub.feed.frame import Frame
from hub.grpc.encoding import Encoder
from hub.receipt import DeliveryEvidence, Entry, Status
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
