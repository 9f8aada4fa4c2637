"""ListReceipts, GetMessage, BatchGetMessages and GetLog, over real sockets."""

import grpc
import pytest

from hub.access import Scope
from hub.receipt import Status
from hub.settings import Settings
from hub.v1 import receipts_pb2 as pb
from tests.calling import Caller, refused, run
from tests.making import receipt

READ_ALL = (Scope.RECEIPTS_READ, Scope.RECIPIENTS_READ)


async def listed(caller: Caller, **fields: object) -> list[int]:
    """The positions of all pages."""
    found, token = [], ""
    while True:
        page = await caller.page(page_token=token, **fields)
        found += [r.position for r in page.receipts]
        token = page.next_page_token
        if not token:
            return found


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_pages_in_both_orders_hold_every_receipt_once(
    any_settings: Settings, size: int
) -> None:
    async with run(any_settings) as hub, hub.caller() as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(6)))
        down = await listed(caller, page_size=size)
        up = await listed(caller, page_size=size, order=pb.ORDER_OLDEST_FIRST)
        assert down == [6, 5, 4, 3, 2, 1]
        assert up == [1, 2, 3, 4, 5, 6]


async def test_a_page_has_a_hundred_receipts_by_default_and_a_thousand_at_most(
    settings: Settings,
) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        assert await listed(caller) == []
        await hub.post(*(receipt(f"m{number}") for number in range(1100)))
        assert len((await caller.page()).receipts) == 100
        assert len((await caller.page(page_size=2000)).receipts) == 1000


async def test_the_head_of_a_page_continues_as_a_stream(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        await hub.post(receipt("m1"), receipt("m2"))
        page = await caller.page()
        await hub.post(receipt("m3"))
        frames = await caller.stored(after=page.head)
        assert [r.position for frame in frames for r in frame.receipts] == [3]


async def test_instants_exclude_themselves(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        for number in range(3):
            await hub.post(receipt(f"m{number}"))
        times = [r.recorded_at for r in reversed((await caller.page()).receipts)]
        assert await listed(caller, recorded_after=times[1]) == [3]
        assert await listed(caller, recorded_before=times[1]) == [1]
        assert await listed(caller, recorded_after=times[0], recorded_before=times[2]) == [2]


async def test_a_filter_narrows_pages(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        await hub.post(receipt("m1"), receipt("m2", Status.REJECTED), receipt("m3"))
        wanted = pb.ReceiptFilter(statuses=[pb.STATUS_DELIVERED])
        assert await listed(caller, page_size=1, filter=wanted) == [3, 1]


async def test_a_page_token_belongs_to_its_listing(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        await hub.post(receipt("m1"), receipt("m2"))
        token = (await caller.page(page_size=1)).next_page_token
        for fields in (
            {"page_token": token, "order": pb.ORDER_OLDEST_FIRST},
            {"page_token": token, "filter": pb.ReceiptFilter(applied_only=True)},
            {"page_token": token[:-2]},
            {"page_token": "something else"},
            {"page_token": "é"},
        ):
            told = await refused(caller.page(**fields))
            assert told.code is grpc.StatusCode.INVALID_ARGUMENT
            assert told.fields == ["page_token"]


async def test_a_message_is_found_by_its_key_and_by_its_id(any_settings: Settings) -> None:
    async with run(any_settings) as hub, hub.caller(*READ_ALL) as caller:
        await hub.post(receipt("m1", Status.SENT), receipt("m2"))
        await hub.post(receipt("m1", Status.DELIVERED))
        key = (await caller.page(order=pb.ORDER_OLDEST_FIRST)).receipts[0].message_key
        lookups = [
            pb.GetMessageRequest(message_key=key),
            pb.GetMessageRequest(provider="p1", message_id="m1"),
            pb.GetMessageRequest(provider="p1", message_id="m1", recipient="138 0013 8000"),
        ]
        for lookup in lookups:
            answer = await caller.stub.GetMessage(lookup, metadata=caller.auth)
            message = answer.message
            assert message.message_key == key
            assert message.status == pb.STATUS_DELIVERED
            assert [r.position for r in message.receipts] == [1, 3]
            assert message.receipt_count == 2
            assert message.recipient == "+8613800138000"
        batch = await caller.stub.BatchGetMessages(
            pb.BatchGetMessagesRequest(
                requests=[
                    pb.GetMessageRequest(provider="p1", message_id="m2"),
                    pb.GetMessageRequest(provider="p1", message_id="nobody"),
                    pb.GetMessageRequest(message_key=key),
                ]
            ),
            metadata=caller.auth,
        )
        assert [message.message_id for message in batch.messages] == ["m2", "m1"]
        assert [missing.message_id for missing in batch.not_found] == ["nobody"]


async def test_an_id_with_two_recipients_needs_one_named(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(*READ_ALL) as caller:
        await hub.post(receipt("m1"), receipt("m1", recipient="+8613900139000"))
        lookup = pb.GetMessageRequest(provider="p1", message_id="m1")
        told = await refused(caller.stub.GetMessage(lookup, metadata=caller.auth))
        assert told.code is grpc.StatusCode.INVALID_ARGUMENT
        assert told.reason == "RECIPIENT_REQUIRED"
        lookup.recipient = "13900139000"
        answer = await caller.stub.GetMessage(lookup, metadata=caller.auth)
        assert answer.message.recipient == "+8613900139000"


async def test_a_recipient_cannot_be_guessed_without_its_scope(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        await hub.post(receipt("m1"))
        lookup = pb.GetMessageRequest(provider="p1", message_id="m1", recipient="13800138000")
        told = await refused(caller.stub.GetMessage(lookup, metadata=caller.auth))
        assert told.code is grpc.StatusCode.PERMISSION_DENIED
        lookup.recipient = ""
        answer = await caller.stub.GetMessage(lookup, metadata=caller.auth)
        assert answer.message.recipient == "+86138****8000"
        assert answer.message.receipts[0].recipient == "+86138****8000"


async def test_another_provider_s_message_does_not_exist(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(providers=("p2",)) as caller:
        await hub.post(receipt("m1"))
        [entry] = await hub.hub.log.read(0, 1)
        for lookup in (
            pb.GetMessageRequest(message_key=f"m_{entry.key.hex()}"),
            pb.GetMessageRequest(provider="p1", message_id="m1"),
            pb.GetMessageRequest(provider="nobody", message_id="m1"),
        ):
            told = await refused(caller.stub.GetMessage(lookup, metadata=caller.auth))
            assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


@pytest.mark.parametrize(
    ("lookup", "field"),
    [
        pytest.param(pb.GetMessageRequest(), "provider", id="nothing"),
        pytest.param(pb.GetMessageRequest(provider="p1"), "message_id", id="no id"),
        pytest.param(pb.GetMessageRequest(message_key="m_1"), "message_key", id="no key"),
        pytest.param(
            pb.GetMessageRequest(message_key="m_" + "0" * 32, provider="p1"),
            "message_key",
            id="both",
        ),
    ],
)
async def test_a_look_up_that_cannot_be_read_is_refused(
    settings: Settings, lookup: pb.GetMessageRequest, field: str
) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        told = await refused(caller.stub.GetMessage(lookup, metadata=caller.auth))
        assert (told.code, told.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
        batch = pb.BatchGetMessagesRequest(requests=[lookup])
        told = await refused(caller.stub.BatchGetMessages(batch, metadata=caller.auth))
        assert told.fields == [f"requests[0].{field}"]


async def test_a_batch_of_look_ups_is_bounded(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        lookup = pb.GetMessageRequest(provider="p1", message_id="m1")
        many = pb.BatchGetMessagesRequest(requests=[lookup] * 101)
        told = await refused(caller.stub.BatchGetMessages(many, metadata=caller.auth))
        assert (told.code, told.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["requests"])


async def test_the_log_tells_where_it_begins_and_ends(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        await hub.post(receipt("m1"), receipt("m2"))
        log = await caller.stub.GetLog(pb.GetLogRequest(), metadata=caller.auth)
        epoch = hub.hub.feed.epoch
        assert (log.epoch, log.oldest, log.head) == (epoch, f"{epoch}:0", f"{epoch}:2")


async def test_a_token_without_the_scope_reads_nothing(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(Scope.OPERATIONS_READ) as caller:
        lookup = pb.GetMessageRequest(provider="p1", message_id="m1")
        for call in (
            caller.page(),
            caller.stream(),
            caller.stub.GetMessage(lookup, metadata=caller.auth),
        ):
            told = await refused(call)
            assert (told.code, told.reason) == (grpc.StatusCode.PERMISSION_DENIED, "FORBIDDEN")
