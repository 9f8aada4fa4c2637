"""What a gRPC caller gets who asks for something odd."""

import logging
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from hub.access import Scope
from hub.accounts.administration import Administration
from hub.grpc import consuming
from hub.receipt import Status
from hub.settings import Settings
from hub.subscriptions import administration
from hub.subscriptions.state import states
from hub.v1 import receipts_pb2 as pb
from tests.calling import Caller, read, read_receipts, refused, run
from tests.making import receipt

SERVICE = "/hub.v1.ReceiptService/"
ALL = (Scope.RECEIPTS_READ, Scope.RECIPIENTS_READ, Scope.SUBSCRIPTIONS_WRITE)
DELIVERED = pb.ReceiptFilter(statuses=[pb.STATUS_DELIVERED], applied_only=True)
BAD_UTF8 = b"\x0a\x02\xff\xfe"
TRUNCATED = b"\x0a\x7f"


async def opened(caller: Caller, **fields: Any) -> Any:
    """A stream of Consume on the subscription `billing`."""
    call = caller.stub.Consume(metadata=caller.auth)
    opening = pb.Open(subscription="billing", start_at=pb.START_AT_EARLIEST, **fields)
    await call.write(pb.ConsumeRequest(open=opening))
    return call


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged that should worry an operator."""
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]


async def test_a_subscription_opened_without_a_filter_keeps_the_one_it_was_created_with(
    any_settings: Settings,
) -> None:
    async with run(any_settings) as hub, hub.caller(*ALL) as caller:
        first = await opened(caller, filter=DELIVERED)
        await read(first)
        first.cancel()
        await hub.post(receipt("m1", Status.SENT), receipt("m2"), receipt("m3", Status.SENT))
        again = await opened(caller)
        assert [found.position for found in await read_receipts(again, 1)] == [2]
        again.cancel()
        [listed] = await states(hub.hub.store)
        assert listed.filter == {"statuses": ["STATUS_DELIVERED"], "applied_only": True}


async def test_a_filter_that_is_present_and_empty_is_no_condition(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(*ALL) as caller:
        for filters in ({}, {"filter": pb.ReceiptFilter()}, {}):
            call = await opened(caller, **filters)
            await read(call)
            call.cancel()
        told = await refused(await opened(caller, filter=DELIVERED))
        assert told.reason == "SUBSCRIPTION_MISMATCH"


async def test_a_stored_filter_by_recipient_still_needs_its_scope(settings: Settings) -> None:
    by_number = pb.ReceiptFilter(recipients=["13800138000"])
    async with run(settings) as hub, hub.caller(*ALL) as caller:
        call = await opened(caller, filter=by_number)
        await read(call)
        call.cancel()
        register = Administration(hub.hub.store)
        await register.revoke_consumer("service")
        async with hub.caller(Scope.RECEIPTS_READ) as less:
            told = await refused(await opened(less))
            assert (told.code, told.reason) == (grpc.StatusCode.PERMISSION_DENIED, "FORBIDDEN")


@pytest.mark.parametrize("unreadable", [BAD_UTF8, TRUNCATED])
async def test_bytes_that_are_no_request_are_refused_and_leave_no_traceback(
    settings: Settings, caplog: pytest.LogCaptureFixture, unreadable: bytes
) -> None:
    async with run(settings) as hub, hub.caller(*ALL) as caller:
        async with grpc.aio.insecure_channel(hub.hub.grpc_address) as channel:
            stream: Any = channel.stream_stream(f"{SERVICE}Consume")(metadata=caller.auth)
            await stream.write(unreadable)
            follow: Any = channel.unary_stream(f"{SERVICE}StreamReceipts")
            calls = [stream, follow(unreadable, metadata=caller.auth)]
            for method in ("GetMessage", "BatchGetMessages", "ListReceipts"):
                ask: Any = channel.unary_unary(f"{SERVICE}{method}")
                calls.append(ask(unreadable, metadata=caller.auth))
            for call in calls:
                told = await refused(call)
                assert told.code is grpc.StatusCode.INVALID_ARGUMENT
                assert told.reason == "BAD_USER_INPUT"
                assert "Error" not in told.message
        assert errors(caplog) == []


async def test_bytes_that_are_no_acknowledgement_end_the_subscription(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with run(settings) as hub, hub.caller(*ALL) as caller:
        async with grpc.aio.insecure_channel(hub.hub.grpc_address) as channel:
            call: Any = channel.stream_stream(f"{SERVICE}Consume")(metadata=caller.auth)
            opening = pb.ConsumeRequest(open=pb.Open(subscription="billing"))
            await call.write(opening.SerializeToString())
            await read(call)
            await call.write(TRUNCATED)
            told = await refused(call)
        assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BAD_USER_INPUT")
        assert errors(caplog) == []


@pytest.mark.parametrize("text", ["x" * 513, "a\x00b"])
async def test_text_that_nothing_stored_can_equal_is_refused_in_every_filter(
    settings: Settings, text: str
) -> None:
    async with run(settings) as hub, hub.caller(*ALL) as caller:
        for name in ("providers", "message_ids", "recipients", "client_references"):
            wanted = pb.ReceiptFilter(**{name: ["fits", text]})  # type: ignore[arg-type]
            for call in (caller.page(filter=wanted), caller.stream(filter=wanted)):
                told = await refused(call)
                assert (told.code, told.reason) == (
                    grpc.StatusCode.INVALID_ARGUMENT,
                    "BAD_USER_INPUT",
                )
                assert told.fields == [f"filter.{name}[1]"]
            told = await refused(await opened(caller, filter=wanted))
            assert told.fields == [f"open.filter.{name}[1]"]


@pytest.mark.parametrize("text", ["x" * 513, "a\x00b"])
async def test_text_that_nothing_stored_can_equal_is_refused_in_look_ups(
    settings: Settings, text: str
) -> None:
    named = {"provider": "p1", "message_id": "m1", "recipient": "+8613800138000"}
    async with run(settings) as hub, hub.caller(*ALL) as caller:
        for name in named:
            asked = pb.GetMessageRequest(**(named | {name: text}))  # type: ignore[arg-type]
            told = await refused(caller.stub.GetMessage(asked, metadata=caller.auth))
            assert (told.code, told.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [name])
            batch = pb.BatchGetMessagesRequest(requests=[asked])
            told = await refused(caller.stub.BatchGetMessages(batch, metadata=caller.auth))
            assert told.fields == [f"requests[0].{name}"]


async def test_a_reason_for_parking_that_no_database_takes_is_refused(
    any_settings: Settings,
) -> None:
    async with run(any_settings) as hub, hub.caller(*ALL) as caller:
        await hub.post(receipt("m1"))
        call = await opened(caller)
        await read_receipts(call, 1)
        await call.write(pb.ConsumeRequest(park=pb.Park(position=1, reason="a\x00b")))
        told = await refused(call)
        assert (told.code, told.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["park.reason"])


async def test_a_batch_names_the_request_that_lacks_a_recipient(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(*ALL) as caller:
        await hub.post(receipt("m1"), receipt("m2"), receipt("m2", recipient="+8613900139000"))
        asked = [pb.GetMessageRequest(provider="p1", message_id=name) for name in ("m1", "m2")]
        batch = pb.BatchGetMessagesRequest(requests=asked)
        told = await refused(caller.stub.BatchGetMessages(batch, metadata=caller.auth))
        assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "RECIPIENT_REQUIRED")
        assert told.fields == ["requests[1].recipient"]
        told = await refused(caller.stub.GetMessage(asked[1], metadata=caller.auth))
        assert told.fields == ["recipient"]


@pytest.mark.parametrize("change", ["reset", "delete"])
async def test_whoever_loses_a_subscription_to_no_other_reader_is_told_what_is_true(
    settings: Settings, change: str
) -> None:
    async with run(settings) as hub, hub.caller(*ALL) as caller:
        call = await opened(caller)
        await read(call)
        if change == "reset":
            await administration.reset(hub.hub.store, "service", "billing", 0)
        else:
            await administration.remove(hub.hub.store, "service", "billing")
        told = await refused(call)
        assert (told.code, told.reason) == (grpc.StatusCode.ABORTED, "FENCED")
        assert "reset" in told.message
        assert "deleted" in told.message
        assert "another" not in told.message.lower()


async def test_a_stream_that_never_says_what_it_opens_is_ended(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "OPENING_SECONDS", 0.5)
    async with run(settings) as hub, hub.caller(*ALL) as caller:
        speaking = await opened(caller)
        await read(speaking)
        told = await refused(caller.stub.Consume(metadata=caller.auth))
        assert (told.code, told.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["open"])
        await read(speaking)
        speaking.cancel()


async def test_a_stream_since_an_instant_to_come_leaves_out_what_was_recorded_before(
    settings: Settings,
) -> None:
    later = Timestamp(seconds=4_000_000_000)
    async with run(settings) as hub, hub.caller(*ALL) as caller:
        call = caller.stream(since=later)
        await read(call)
        await hub.post(receipt("m1"))
        frame = await read(call)
        while frame.cursor != f"{hub.hub.feed.epoch}:1":
            assert not frame.receipts
            frame = await read(call)
        assert not frame.receipts
        call.cancel()
