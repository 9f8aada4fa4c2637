"""What a caller types as a recipient is in no error and in no line of the log, however written."""

import io
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from hub.access import Scope
from hub.graphql.wording import worded
from hub.settings import Settings
from hub.telemetry import configure_logging
from hub.v1 import receipts_pb2 as pb
from tests.asking import asking
from tests.calling import refused, run

ODD = (
    "tel:13875319021",
    "138.7531.9021",
    "138 7531\u00a09021",
    "+86 (138) 7531-9021",
    "１３８７５３１９０２１",
    "a13875319021z",
    "1387531x9021",
    "138|7531|9021",
    "\x00138-7531-9021",
    "13875319021" * 60,
)
DIGITS = re.compile(r"7531|9021|７５３１|９０２１")
NUMBER = re.compile(r"7531\D{0,8}9021|７５３１")

IN_VARIABLES = (
    'query($v: String!) { message(provider: "p1", messageId: "m1", recipient: $v) { status } }',
    "query($v: String!) { receipts(filter: {recipients: [$v]}) { head } }",
    "query($v: String!) { messages(filter: {recipients: [$v]}) { head } }",
    "query($v: Int!) { receipts(first: $v) { head } }",
    "query($v: Status!) { receipts(filter: {statuses: [$v]}) { head } }",
    "query($v: Bound!) { receipts(recordedAfter: $v) { head } }",
    "query($v: ID!) { node(id: $v) { id } }",
    "query($v: String!) { message(messageKey: $v) { status } }",
    "query($v: Cursor!) { receipts(after: $v) { head } }",
    "query($v: ReceiptFilter!) { receipts(filter: $v) { head } }",
    "query($v: Bound!) { deliveryStats(since: $v, until: $v, bucket: DAY) { receipts } }",
)
IN_TEXT = (
    "{ message(recipient: VALUE) { status } }",
    "{ receipts(filter: {recipients: VALUE}) { head } }",
    "{ receipts(filter: {recipients: [VALUE, 1]}) { head } }",
    "{ receipts(filter: {statuses: [VALUE]}) { head } }",
    "{ receipts(first: VALUE) { head } }",
    "{ receipts(after: VALUE) { head } }",
    "{ receipts(recordedAfter: VALUE) { head } }",
    "{ node(id: VALUE) { id } }",
    "{ nothing(recipient: VALUE) { status } }",
    "{ VALUE }",
    "query VALUE { viewer { name } }",
    "{ receipts(recipient13875319021: 1) { head } }",
    "{ viewer { tel13875319021 } }",
)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """All that is logged, at the lowest level."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    configure_logging("debug", "json", stream)
    try:
        yield stream
    finally:
        root.handlers[:], root.level = handlers, level
        structlog.reset_defaults()


async def test_no_answer_of_graphql_holds_what_was_typed(
    settings: Settings, lines: io.StringIO
) -> None:
    async with asking(settings) as hub:
        for value in ODD:
            for text in IN_VARIABLES:
                answer = (await hub.send(text, v=value)).text
                assert not DIGITS.search(answer), (text, answer)
            for text in IN_TEXT:
                literal = '"' + value.replace("\x00", "\\u0000") + '"'
                for shown in (literal, value):
                    answer = (await hub.send(text.replace("VALUE", shown))).text
                    assert not DIGITS.search(answer), (text, answer)
    assert not [line for line in lines.getvalue().splitlines() if NUMBER.search(line)]


def shapes(value: str) -> list[Any]:
    """What else a variable may hold where one text is wanted, or a filter."""
    inner: list[Any] = [value, [value], [[value]], {value: value}, [{"a": value}]]
    fields = ("recipients", "statuses", "appliedOnly", "nothing")
    return [*inner, *({field: each} for field in fields for each in inner)]


@pytest.mark.parametrize("value", ODD[:4])
async def test_no_variable_of_any_shape_comes_back(settings: Settings, value: str) -> None:
    async with asking(settings) as hub:
        for shape in shapes(value):
            for kind, argument in (
                ("ReceiptFilter", "$v"),
                ("[String!]", "{recipients: $v}"),
                ("[Status!]", "{statuses: $v}"),
            ):
                text = f"query($v: {kind}) {{ receipts(filter: {argument}) {{ head }} }}"
                assert not DIGITS.search((await hub.send(text, v=shape)).text), (text, shape)


async def test_no_live_operation_brings_back_what_was_typed(
    settings: Settings, lines: io.StringIO
) -> None:
    text = "subscription($v: ReceiptFilter) { receipts(filter: $v) { cursor } }"
    async with asking(settings) as hub, hub.socket() as socket:
        for value in ODD:
            for shape in ({value: 1}, {"recipients": [[value]]}, {"recipients": [value * 60]}):
                await socket.subscribe(text, v=shape)
                assert not DIGITS.search(repr(await socket.receive())), shape
                async with hub.events(text, v=shape) as events:
                    assert not DIGITS.search(repr(await anext(events))), shape
            async with hub.socket() as other:
                await other.send({"type": value})
                assert not DIGITS.search(repr(await other.reason()))
    assert not [line for line in lines.getvalue().splitlines() if NUMBER.search(line)]


def test_a_sentence_that_is_not_known_to_hold_no_value_is_not_told() -> None:
    for value in ODD:
        for message in (f"A new rule forbids {value}", f"A new rule forbids '{value}'.", value):
            assert not DIGITS.search(worded(message))


@pytest.mark.parametrize(
    "message",
    [
        "Cannot query field 'recipent' on type 'Query'. Did you mean 'receipts'?",
        "Variable '$v' of type '[Int!]' used in position expecting type '[Status!]'.",
        "Syntax Error: Expected '}', found <EOF>.",
        "Variable '$v' has invalid value at [12]: Cursor takes a string that the hub gave out",
    ],
)
def test_what_holds_no_value_is_told_as_it_is(message: str) -> None:
    assert worded(message) == message


async def test_no_answer_of_grpc_holds_what_was_typed(
    settings: Settings, lines: io.StringIO
) -> None:
    async with run(settings) as hub, hub.caller(*Scope) as caller:
        for value in ODD:
            for request in (
                pb.GetMessageRequest(provider="p1", message_id="m1", recipient=value * 60),
                pb.GetMessageRequest(message_key=value),
                pb.GetMessageRequest(message_key=value, recipient=value),
            ):
                refusal = await refused(caller.stub.GetMessage(request, metadata=caller.auth))
                assert not DIGITS.search(repr(refusal)), refusal
            for listing in (
                pb.ListReceiptsRequest(filter={"recipients": [value * 60]}),
                pb.ListReceiptsRequest(filter={"recipients": [value] * 101}),
                pb.ListReceiptsRequest(page_token=value),
            ):
                refusal = await refused(caller.stub.ListReceipts(listing, metadata=caller.auth))
                assert not DIGITS.search(repr(refusal)), refusal
            stream = caller.stub.StreamReceipts(
                pb.StreamReceiptsRequest(after=value), metadata=caller.auth
            )
            assert not DIGITS.search(repr(await refused(stream)))
    assert not [line for line in lines.getvalue().splitlines() if NUMBER.search(line)]
