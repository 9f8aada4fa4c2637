"""Instants at the ends of the calendar, as they are asked for and as an old row may hold them."""

from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from hub.receipt import EARLIEST, LATEST, Receipt
from hub.settings import Settings
from hub.v1 import receipts_pb2 as pb
from tests.asking import asking
from tests.calling import positions, refused, run
from tests.making import receipt

FIRST_SECOND, LAST_SECOND = EARLIEST // 1_000_000, LATEST // 1_000_000
FIRST, LAST = "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"

RECEIPTS = """
  query($after: DateTime, $before: DateTime) {
    receipts(recordedAfter: $after, recordedBefore: $before) { nodes { messageId occurredAt } }
    messages(firstRecordedAfter: $after, firstRecordedBefore: $before) {
      nodes { messageId statusAt deliveredAt }
    }
  }"""


def beyond_and_within() -> list[Receipt]:
    instants = {"before": EARLIEST - 1, "first": EARLIEST, "last": LATEST, "after": LATEST + 1}
    return [receipt(name, occurred_at=instant) for name, instant in instants.items()]


async def test_graphql_leaves_out_what_is_beyond_the_calendar(any_settings: Settings) -> None:
    async with asking(any_settings, beyond_and_within()) as hub:
        answer = await hub.ask(RECEIPTS)
        occurred = {node["messageId"]: node["occurredAt"] for node in answer["receipts"]["nodes"]}
        assert occurred == {"before": None, "first": FIRST, "last": LAST, "after": None}
        nodes = {node.pop("messageId"): node for node in answer["messages"]["nodes"]}
        assert nodes["before"] == {"statusAt": FIRST, "deliveredAt": None}
        assert nodes["last"] == {"statusAt": LAST, "deliveredAt": LAST}
        assert nodes["after"] == {"statusAt": LAST, "deliveredAt": None}


async def test_grpc_leaves_out_what_is_beyond_the_calendar(any_settings: Settings) -> None:
    async with run(any_settings) as hub, hub.caller() as caller:
        await hub.post(*beyond_and_within())
        page = await caller.page()
        streamed = [receipt for frame in await caller.stored() for receipt in frame.receipts]
        for receipts in (page.receipts, streamed):
            shown = {r.message_id for r in receipts if r.HasField("occurred_at")}
            assert len(receipts) == 4
            assert shown == {"first", "last"}
            assert all(r.recorded_at.ToMicroseconds() > 0 for r in receipts)
        request = pb.GetMessageRequest(provider="p1", message_id="after")
        message = (await caller.stub.GetMessage(request, metadata=caller.auth)).message
        assert not message.HasField("status_at")
        assert not message.HasField("delivered_at")
        assert message.HasField("first_received_at")


async def test_graphql_takes_instants_from_end_to_end(any_settings: Settings) -> None:
    async with asking(any_settings, [receipt()]) as hub:
        answer = await hub.ask(RECEIPTS, after=FIRST, before=LAST)
        assert len(answer["receipts"]["nodes"]) == len(answer["messages"]["nodes"]) == 1
        answer = await hub.ask(RECEIPTS, after=LAST, before=FIRST)
        assert answer["receipts"]["nodes"] == answer["messages"]["nodes"] == []


@pytest.mark.parametrize(
    "instant",
    [
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-10:00",
        "10000-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T08:00:00",
        "",
        "\0",
        10**30,
        -1,
        True,
        ["2026-03-01T08:00:00Z"],
    ],
    ids=repr,
)
async def test_graphql_refuses_what_is_no_instant(settings: Settings, instant: Any) -> None:
    async with asking(settings, [receipt()]) as hub:
        refusal = await hub.error(RECEIPTS, after=instant)
        assert refusal["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("since", "until"),
    [(FIRST, "0001-01-02T00:00:00Z"), ("9999-12-30T00:00:00Z", LAST), (FIRST, LAST)],
)
@pytest.mark.parametrize("bucket", ["MINUTE", "HOUR", "DAY"])
async def test_statistics_at_the_ends_of_the_calendar_are_no_fault(
    settings: Settings, since: str, until: str, bucket: str
) -> None:
    query = f"""query($zone: String!) {{
      deliveryStats(since: "{since}", until: "{until}", bucket: {bucket}, timeZone: $zone) {{
        bucketStart
      }}
    }}"""
    async with asking(settings) as hub:
        for zone in ("UTC", "Asia/Shanghai", "America/New_York"):
            answer = (await hub.send(query, zone=zone)).json()
            codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
            assert codes <= {"BAD_USER_INPUT", "TOO_COMPLEX"}


async def test_grpc_takes_instants_from_end_to_end(any_settings: Settings) -> None:
    first, last = Timestamp(seconds=FIRST_SECOND), Timestamp(seconds=LAST_SECOND, nanos=999_999_999)
    async with run(any_settings) as hub, hub.caller() as caller:
        await hub.post(receipt())
        assert positions(await caller.stored(since=first)) == [1]
        assert positions(await caller.stored(since=last)) == []
        assert positions([await caller.page(recorded_after=first, recorded_before=last)]) == [1]
        assert positions([await caller.page(recorded_after=last, recorded_before=first)]) == []


@pytest.mark.parametrize(
    "instant",
    [
        Timestamp(seconds=FIRST_SECOND - 1),
        Timestamp(seconds=LAST_SECOND + 1),
        Timestamp(seconds=-(2**63)),
        Timestamp(seconds=2**63 - 1),
        Timestamp(nanos=-1),
        Timestamp(nanos=1_000_000_000),
    ],
    ids=lambda instant: f"{instant.seconds}:{instant.nanos}",
)
async def test_grpc_refuses_what_is_no_instant(settings: Settings, instant: Timestamp) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        calls = {
            "since": caller.stream(since=instant),
            "recorded_after": caller.page(recorded_after=instant),
            "recorded_before": caller.page(recorded_before=instant),
        }
        for field, call in calls.items():
            told = await refused(call)
            assert (told.code, told.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
