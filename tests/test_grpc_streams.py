"""StreamReceipts, over real sockets."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from hub.access import Scope
from hub.accounts.administration import Administration
from hub.feed.tail import READ_AT_ONCE
from hub.receipt import ErrorCategory, Status
from hub.settings import Settings
from hub.v1 import receipts_pb2 as pb
from tests.calling import PATIENCE, Running, positions, read, read_receipts, refused, run
from tests.conftest import quick_settings
from tests.engines import reader_of, statements
from tests.making import receipt


async def test_a_stream_from_the_earliest_meets_the_present_without_gap_or_repeat(
    any_settings: Settings,
) -> None:
    async with run(any_settings) as hub, hub.caller() as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(400)))
        with limits_of_reads(hub) as past:
            call = caller.stream(start_at=pb.START_AT_EARLIEST, max_batch_size=333)
            seen = await read_receipts(call, 400)
        with limits_of_reads(hub) as live:
            for number in range(3):
                await hub.post(receipt(f"n{number}"))
                seen += await read_receipts(call, 1)
        assert [r.position for r in seen] == list(range(1, 404))
    assert 333 in past  # by the stream itself
    assert set(live) == {READ_AT_ONCE}  # by the tail, for everyone


@contextmanager
def limits_of_reads(hub: Running) -> Iterator[list[int]]:
    """How many receipts are asked of the log meanwhile, by each read that has a limit."""
    limits: list[int] = []
    with statements(reader_of(hub.hub.store)) as asked:
        yield limits
    for statement, values in asked:
        if "FROM receipt" in statement and "LIMIT" in statement:
            limits += {333, READ_AT_ONCE} & set(values)


async def test_the_first_frame_comes_at_once_and_has_a_cursor_also_when_the_log_is_empty(
    settings: Settings,
) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        frame = await read(caller.stream())
        assert not frame.receipts
        assert frame.cursor == f"{hub.hub.feed.epoch}:0"
        assert frame.caught_up
        assert frame.lag == 0
        assert frame.server_time.seconds > 0


async def test_a_stream_without_a_start_begins_with_what_comes_next(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        await hub.post(receipt("old"))
        call = caller.stream()
        assert not (await read(call)).receipts
        await hub.post(receipt("new"))
        [only] = await read_receipts(call, 1)
        assert only.message_id == "new"


async def test_a_stream_resumes_behind_its_cursor(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(5)))
        first = await read(caller.stream(start_at=pb.START_AT_EARLIEST, max_batch_size=2))
        rest = await caller.stored(after=first.cursor)
        assert positions([first, *rest]) == [1, 2, 3, 4, 5]


async def test_a_stream_starts_with_the_first_receipt_recorded_at_an_instant(
    settings: Settings,
) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        await hub.post(receipt("before"))
        await hub.post(receipt("at"))
        await hub.post(receipt("after"))
        all_of_them = (await caller.stored())[0].receipts
        at = all_of_them[1].recorded_at
        assert positions(await caller.stored(since=at)) == [2, 3]
        a_bit_later = Timestamp(seconds=at.seconds, nanos=at.nanos + 1)
        assert positions(await caller.stored(since=a_bit_later)) == [3]


async def test_a_stream_that_stops_at_the_head_ends_with_ok(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        assert len(await caller.stored()) == 1
        await hub.post(*(receipt(f"m{number}") for number in range(5)))
        await hub.seen(5)
        frames = await caller.stored(max_batch_size=2)
        assert [len(frame.receipts) for frame in frames] == [2, 2, 1]
        assert [frame.lag for frame in frames] == [3, 1, 0]
        assert [frame.caught_up for frame in frames] == [False, False, True]


async def test_batch_sizes_are_clamped(tmp_path: object, settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(1100)))
        assert len((await caller.stored())[0].receipts) == 100
        assert len((await caller.stored(max_batch_size=5000))[0].receipts) == 1000


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(pb.ReceiptFilter(), [1, 2, 3, 4], id="nothing asked"),
        pytest.param(pb.ReceiptFilter(providers=["p2"]), [4], id="provider"),
        pytest.param(pb.ReceiptFilter(statuses=[pb.STATUS_EXPIRED]), [2], id="status"),
        pytest.param(
            pb.ReceiptFilter(error_categories=[pb.ERROR_CATEGORY_ABSENT]), [2], id="category"
        ),
        pytest.param(pb.ReceiptFilter(message_ids=["m1", "m3"]), [1, 3, 4], id="message ids"),
        pytest.param(pb.ReceiptFilter(recipients=["139 0013 9000"]), [3], id="recipient"),
        pytest.param(pb.ReceiptFilter(client_references=["order-7"]), [1], id="reference"),
        pytest.param(pb.ReceiptFilter(applied_only=True), [1, 2, 3, 4], id="applied"),
    ],
)
async def test_a_filter_gives_the_same_live_and_stored(
    settings: Settings, wanted: pb.ReceiptFilter, expected: list[int]
) -> None:
    scopes = (Scope.RECEIPTS_READ, Scope.RECIPIENTS_READ)
    async with run(settings) as hub, hub.caller(*scopes) as caller:
        call = caller.stream(filter=wanted)
        await read(call)
        await hub.post(
            receipt("m1", client_reference="order-7"),
            receipt("m2", Status.EXPIRED, error_code="X", error_category=ErrorCategory.ABSENT),
            receipt("m3", recipient="+8613900139000"),
        )
        await hub.post(receipt("m3"), provider=2)
        live = await read_receipts(call, len(expected))
        assert [r.position for r in live] == expected
        assert positions(await caller.stored(filter=wanted)) == expected


async def test_a_filter_that_matches_nothing_still_moves_the_cursor(settings: Settings) -> None:
    nobody = pb.ReceiptFilter(providers=["nobody"])
    async with run(settings) as hub, hub.caller() as caller:
        await hub.post(receipt("m1"))  # nobody follows, so it is read from the database
        await hub.seen(1)
        call = caller.stream(filter=nobody, start_at=pb.START_AT_EARLIEST)
        await _moved(call, 1)
        await hub.post(receipt("m2"))
        await _moved(call, 2)


async def _moved(call: Any, position: int) -> None:
    """Wait until an empty frame of *call* has the cursor of *position*."""
    async with asyncio.timeout(PATIENCE):
        frame = await read(call)
        while not frame.cursor.endswith(f":{position}"):
            frame = await read(call)
    assert not frame.receipts
    assert frame.lag == 0


async def test_shards_share_the_log_and_keep_a_message_together(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        for status in (Status.SENT, Status.DELIVERED):
            await hub.post(*(receipt(f"m{number}", status) for number in range(50)))
        shares = [
            [r for f in await caller.stored(shard=pb.Shard(index=i, count=3)) for r in f.receipts]
            for i in range(3)
        ]
        assert sorted(r.position for share in shares for r in share) == list(range(1, 101))
        assert all(share for share in shares)
        keys = [{r.message_key for r in share} for share in shares]
        assert not keys[0] & keys[1]
        assert not keys[1] & keys[2]


async def test_recipients_are_masked_without_their_scope(settings: Settings) -> None:
    async with run(settings) as hub:
        await hub.post(receipt("m1", recipient="+8613800138000"), receipt("m2", recipient=""))
        async with hub.caller() as caller:
            masked, absent = (await caller.stored())[0].receipts
            assert masked.recipient == "+86138****8000"
            assert not absent.HasField("recipient")
            numbers = pb.ReceiptFilter(recipients=["13800138000"])
            told = await refused(caller.stream(filter=numbers))
            assert (told.code, told.reason) == (grpc.StatusCode.PERMISSION_DENIED, "FORBIDDEN")
        scopes = (Scope.RECEIPTS_READ, Scope.RECIPIENTS_READ)
        async with hub.caller(*scopes, name="trusted") as caller:
            assert (await caller.stored())[0].receipts[0].recipient == "+8613800138000"


async def test_a_consumer_of_one_provider_sees_no_other(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(providers=("p2",)) as caller:
        await hub.post(receipt("m1"))
        await hub.post(receipt("m2"), provider=2)
        assert positions(await caller.stored()) == [2]
        other = pb.ReceiptFilter(providers=["p1"])
        assert positions(await caller.stored(filter=other)) == []


async def test_a_receipt_carries_all_that_the_provider_gave(settings: Settings) -> None:
    full = receipt(
        "m1",
        Status.UNDELIVERED,
        provider_status="1",
        error_code="MK:0001",
        error_category=ErrorCategory.ABSENT,
        error_permanent=False,
        occurred_at=1_600_000_000_123_456,
        segments=2,
        part=1,
        part_count=3,
        network="460-00",
        price="0.0450",
        currency="CNY",
        client_reference="order-7",
    )
    async with run(settings) as hub, hub.caller() as caller:
        await hub.post(full, receipt("m2"))
        sent, bare = (await caller.stored())[0].receipts
        assert sent.status == pb.STATUS_UNDELIVERED
        assert sent.error_code == "MK:0001"
        assert sent.error_category == pb.ERROR_CATEGORY_ABSENT
        assert sent.HasField("error_permanent")
        assert not sent.error_permanent
        assert sent.occurred_at == Timestamp(seconds=1_600_000_000, nanos=123_456_000)
        assert (sent.segments, sent.part, sent.part_count) == (2, 1, 3)
        assert (sent.network, sent.price, sent.currency) == ("460-00", "0.0450", "CNY")
        assert sent.client_reference == "order-7"
        assert sent.message_status == pb.STATUS_UNDELIVERED
        assert sent.applied
        absent = ("occurred_at", "segments", "part", "part_count", "network", "price", "currency")
        reasons = ("client_reference", "error_code", "error_permanent", "corrects")
        assert not any(bare.HasField(name) for name in absent + reasons)


async def test_cursors_that_do_not_fit_are_refused(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        foreign = await refused(caller.stream(after="another:0"))
        assert foreign.code is grpc.StatusCode.FAILED_PRECONDITION
        assert foreign.reason == "CURSOR_FOREIGN"
        for cursor in ("", "nonsense", f"{hub.hub.feed.epoch}:1", f"{hub.hub.feed.epoch}:-1"):
            invalid = await refused(caller.stream(after=cursor))
            assert invalid.code is grpc.StatusCode.INVALID_ARGUMENT
            assert invalid.reason == "CURSOR_INVALID"
            assert invalid.fields == ["after"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"filter": {"statuses": [0]}}, "filter.statuses[0]", id="zero"),
        pytest.param(
            {"filter": {"error_categories": [1, 99]}},
            "filter.error_categories[1]",
            id="a value that nobody knows",
        ),
        pytest.param(
            {"filter": pb.ReceiptFilter(message_ids=["m"] * 101)},
            "filter.message_ids",
            id="too many values",
        ),
        pytest.param({"shard": pb.Shard(index=2, count=2)}, "shard", id="shard"),
        pytest.param({"since": Timestamp(seconds=-(10**12))}, "since", id="since"),
        pytest.param({"on_expired": 7}, "on_expired", id="on_expired"),
        pytest.param({"start_at": 7}, "start_at", id="start_at"),
    ],
)
async def test_what_cannot_be_read_is_named_by_its_field(
    settings: Settings, fields: dict[str, object], field: str
) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        told = await refused(caller.stream(**fields))
        assert told.code is grpc.StatusCode.INVALID_ARGUMENT
        assert told.fields == [field]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer nonsense", "Basic abc"])
async def test_without_a_valid_token_there_is_nothing(
    settings: Settings, header: str | None
) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        auth = () if header is None else (("authorization", header),)
        for call in (
            caller.stub.GetLog(pb.GetLogRequest(), metadata=auth),
            caller.stub.StreamReceipts(pb.StreamReceiptsRequest(), metadata=auth),
        ):
            told = await refused(call)
            assert told.code is grpc.StatusCode.UNAUTHENTICATED
            assert told.reason == "UNAUTHENTICATED"


async def test_a_revoked_token_ends_open_streams(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        call = caller.stream()
        await read(call)
        await Administration(hub.hub.store).revoke_consumer("service")
        told = await refused(call)
        assert told.code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_consumer_cannot_open_more_streams_than_it_may(tmp_path: object) -> None:
    settings = quick_settings(tmp_path, max_streams_per_consumer=2)  # type: ignore[arg-type]
    async with run(settings) as hub, hub.caller() as caller:
        first, second = caller.stream(), caller.stream()
        await read(first)
        await read(second)
        told = await refused(caller.stream())
        assert told.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert told.reason == "TOO_MANY_STREAMS"
        assert told.retry
        first.cancel()
        async with asyncio.timeout(10):
            while True:
                call = caller.stream()
                try:
                    await read(call)
                    break
                except grpc.RpcError:
                    await asyncio.sleep(0.05)


async def test_draining_ends_streams_with_a_last_frame(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        call = caller.stream()
        assert (await read(call)).cursor.endswith(":0")
        await hub.post(receipt("m1"))
        await hub.seen(1)
        hub.hub.feed.drain()
        frames = []
        with pytest.raises(grpc.RpcError) as caught:
            while True:
                frames.append(await read(call))
        assert frames[-1].cursor.endswith(":1")
        told = await refused(caller.stream())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
        assert told.retry


async def test_readers_side_by_side_each_get_what_their_own_rights_allow(
    any_settings: Settings,
) -> None:
    full = (Scope.RECEIPTS_READ, Scope.RECIPIENTS_READ)
    async with (
        run(any_settings) as hub,
        hub.caller(*full, name="all") as everything,
        hub.caller(*full, name="one", providers=("p2",)) as limited,
        hub.caller(name="masked") as masked,
    ):
        for number in range(10):
            await hub.post(receipt(f"m{number}"), provider=number % 2 + 1)
        owners = [everything, limited, masked, limited, everything]
        calls = [owner.stream(start_at=pb.START_AT_EARLIEST) for owner in owners]
        counts = [5 if owner is limited else 10 for owner in owners]
        past = await asyncio.gather(*map(read_receipts, calls, counts))
        for number in range(10):
            await hub.post(receipt(f"n{number}"), provider=number % 2 + 1)
        live = await asyncio.gather(*map(read_receipts, calls, counts))
    for owner, before, now in zip(owners, past, live, strict=True):
        step = 2 if owner is limited else 1
        assert [r.position for r in before + now] == list(range(step, 21, step))
        numbers = {"+86138****8000" if owner is masked else "+8613800138000"}
        assert {r.recipient for r in before + now} == numbers
