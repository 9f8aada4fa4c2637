"""Promises 5 and 6 at the wire: every call has the mask of its caller, and encodes for all once."""

from collections import Counter
from typing import Any

import pytest

from hub.access import Scope
from hub.grpc import messages
from hub.settings import Settings
from hub.v1 import receipts_pb2 as pb
from tests.asking import asking
from tests.calling import Caller, read, read_receipts, run
from tests.making import receipt

NUMBER, MASKED = b"+8613800138000", b"+86138****8000"
READ = (Scope.RECEIPTS_READ, Scope.SUBSCRIPTIONS_WRITE)


async def answers(caller: Caller) -> dict[str, Any]:
    """What each call that shows receipts answers to *caller*."""
    stub, auth = caller.stub, caller.auth
    named = pb.GetMessageRequest(provider="p1", message_id="m1")
    opening = pb.Open(subscription="billing", start_at=pb.START_AT_EARLIEST)
    consuming = stub.Consume(metadata=auth)
    await consuming.write(pb.ConsumeRequest(open=opening))
    found = {
        "StreamReceipts": await read(caller.stream(start_at=pb.START_AT_EARLIEST)),
        "Consume": await read(consuming),
        "ListReceipts": await caller.page(),
        "GetMessage": await stub.GetMessage(named, metadata=auth),
        "BatchGetMessages": await stub.BatchGetMessages(
            pb.BatchGetMessagesRequest(requests=[named]), metadata=auth
        ),
    }
    consuming.cancel()
    return found


async def test_no_call_of_grpc_shows_a_number_without_its_scope(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(*READ) as masked:
        everything = (*READ, Scope.RECIPIENTS_READ)
        async with hub.caller(*everything, name="trusted") as trusted:
            await hub.post(receipt("m1"))
            shown = await answers(trusted)  # first, so that its bytes are there to be taken
            hidden = await answers(masked)
    assert shown.keys() | {"GetLog"} == {
        method.name for method in pb.DESCRIPTOR.services_by_name["ReceiptService"].methods
    }
    for name, answer in shown.items():
        assert NUMBER in answer.SerializeToString(), name
        data = hidden[name].SerializeToString()
        assert NUMBER not in data, name
        assert MASKED in data, name


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param(
            "subscription($after: Cursor) { receipts(after: $after)"
            " { receipts { recipient message { recipient } } } }",
            2,
            id="receipts",
        ),
        pytest.param(
            'subscription { message(provider: "p1", messageId: "m1")'
            " { recipient receipts { recipient } } }",
            2,
            id="message",
        ),
    ],
)
async def test_no_live_operation_shows_a_number_without_its_scope(
    settings: Settings, text: str, count: int
) -> None:
    async with asking(settings, [receipt("m1")]) as hub:
        variables = {"after": await hub.cursor(0)} if "$after" in text else {}
        for token, number in ((hub.token, NUMBER), (await hub.consumer(), MASKED)):
            async with hub.socket(token) as socket:
                await socket.subscribe(text, **variables)
                told = str(await socket.receive())
            assert told.count(number.decode()) == count
            assert (NUMBER.decode() in told) is (number is NUMBER)


async def test_a_receipt_is_encoded_once_for_each_mask_however_many_read_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    encodings: Counter[tuple[int, bool]] = Counter()
    encoded = messages.receipt

    def noted(entry: Any, *, unmasked: bool) -> pb.Receipt:
        encodings[entry.position, unmasked] += 1
        return encoded(entry, unmasked=unmasked)

    monkeypatch.setattr(messages, "receipt", noted)
    full = (Scope.RECEIPTS_READ, Scope.RECIPIENTS_READ)
    async with run(settings) as hub, hub.caller() as masked, hub.caller(*full, name="f") as whole:
        callers = [masked, whole] * 8
        await hub.post(*(receipt(f"past{number}") for number in range(20)))
        calls = [
            each.stream(start_at=pb.START_AT_EARLIEST, max_batch_size=1 + at)
            for at, each in enumerate(callers)
        ]
        for call in calls:
            await read_receipts(call, 20)
        for number in range(20):
            await hub.post(receipt(f"live{number}"))
            for call in calls:
                await read_receipts(call, 1)
    assert encodings == {(n, mask): 1 for n in range(1, 41) for mask in (False, True)}
