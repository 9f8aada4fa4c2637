"""Messages of very many receipts: an answer holds some, tells of more, and leads on."""

from itertools import pairwise
from typing import Any

import pytest

from hub.log.read import message_receipts
from hub.log.read.message_receipts import MOST_OF_MESSAGE, ReceiptsOf
from hub.receipt import Receipt, Status
from hub.settings import Settings
from hub.v1 import receipts_pb2 as pb
from tests.asking import Asking, asking
from tests.calling import Caller, run
from tests.making import open_log, receipt

DEFAULT_LIMIT = 4 * 1024 * 1024
"""Largest answer that gRPC clients take by default, in bytes."""
TEXT = """query($id: String!, $after: BigInt) { message(provider: "p1", messageId: $id) {
  receiptCount receipts(afterPosition: $after) { position }
  receiptsTruncated(afterPosition: $after) } }"""


def many(message_id: str, count: int, **fields: Any) -> list[Receipt]:
    return [receipt(message_id, Status.SENT, raw_time=str(n), **fields) for n in range(count)]


def fat(message_id: str, count: int) -> list[Receipt]:
    """Receipts of about two kilobytes each."""
    return many(message_id, count, client_reference="…" * 512, error_code="…" * 150)


async def test_an_answer_over_grpc_is_small_enough_for_any_client_and_leads_to_the_rest(
    any_settings: Settings,
) -> None:
    async with run(any_settings) as hub, hub.caller() as caller:
        await hub.post(*fat("m", 2200))
        pages = await pages_of(caller)

    positions = [[each.position for each in page.receipts] for page in pages]
    assert [page.receipts_truncated for page in pages] == [True] * (len(pages) - 1) + [False]
    assert max(map(len, positions)) == MOST_OF_MESSAGE
    assert [n for page in positions for n in page] == list(range(1, 2201))


async def pages_of(caller: Caller) -> list[pb.Message]:
    """All answers that make up the message m."""
    pages: list[pb.Message] = []
    after = 0
    while not pages or pages[-1].receipts_truncated:
        asked = pb.GetMessageRequest(provider="p1", message_id="m", receipts_after=after)
        answer = await caller.stub.GetMessage(asked, metadata=caller.auth)
        assert answer.ByteSize() < DEFAULT_LIMIT
        pages.append(answer.message)
        after = answer.message.receipts[-1].position
    return pages


async def test_a_batch_of_messages_shares_one_answers_space(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        for n in range(40):
            await hub.post(*fat(f"m{n}", MOST_OF_MESSAGE))
        named = [pb.GetMessageRequest(provider="p1", message_id=f"m{n}") for n in range(40)]
        batch = pb.BatchGetMessagesRequest(requests=named)
        answer = await caller.stub.BatchGetMessages(batch, metadata=caller.auth)

    assert answer.ByteSize() < DEFAULT_LIMIT
    assert [message.message_id for message in answer.messages] == [f"m{n}" for n in range(40)]
    assert [message.receipts_truncated for message in answer.messages] == sorted(
        len(message.receipts) < MOST_OF_MESSAGE for message in answer.messages
    )
    assert not answer.messages[0].receipts_truncated
    assert answer.messages[-1].receipts_truncated


async def test_a_position_beyond_every_log_leaves_no_receipts(any_settings: Settings) -> None:
    async with run(any_settings) as hub, hub.caller() as caller:
        await hub.post(*many("m", MOST_OF_MESSAGE + 1))
        last = pb.GetMessageRequest(provider="p1", message_id="m", receipts_after=2**64 - 1)
        answer = await caller.stub.GetMessage(last, metadata=caller.auth)

    assert (len(answer.message.receipts), answer.message.receipts_truncated) == (0, False)


async def test_a_message_over_graphql_shows_its_first_receipts_and_leads_to_the_rest(
    any_settings: Settings,
) -> None:
    count = 2 * MOST_OF_MESSAGE + 1
    async with asking(any_settings, many("m", count)) as hub:
        seen: list[int] = []
        pages = [await shown(hub, None)]
        while pages[-1]["receiptsTruncated"]:
            seen += positions_of(pages[-1])
            pages.append(await shown(hub, seen[-1]))

    assert [len(page["receipts"]) for page in pages] == [MOST_OF_MESSAGE, MOST_OF_MESSAGE, 1]
    assert seen + positions_of(pages[-1]) == list(range(1, count + 1))


async def shown(hub: Asking, after: int | None) -> Any:
    return (await hub.ask(TEXT, id="m", after=after))["message"]


def positions_of(page: Any) -> list[int]:
    return [int(each["position"]) for each in page["receipts"]]


async def test_a_page_of_messages_has_a_bounded_number_of_receipts_in_all(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_receipts, "MOST_TOGETHER", 40)
    text = "{ messages { nodes { messageId receipts { position } receiptsTruncated } } }"
    async with asking(settings) as hub:
        for n in range(10):
            await hub.post(*many(f"m{n}", n + 1))
        nodes = (await hub.ask(text))["messages"]["nodes"]

    assert [len(node["receipts"]) for node in nodes] == [4] * 7 + [3, 2, 1]
    assert [node["receiptsTruncated"] for node in nodes] == [True] * 6 + [False] * 4


async def test_what_is_behind_a_position_comes_in_order_and_says_whether_there_is_more(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as log:
        await log.post(*many("m", 500))
        [entry, *_] = await log.entries()
        found = (await log.log.messages_by_key([entry.key], None))[entry.key]
        for after in (0, 50, 399, 400, 500):
            [page] = await log.log.receipts_of([ReceiptsOf(found, after)])
            rest = min(MOST_OF_MESSAGE, 500 - after)
            assert len(page.entries) == rest
            assert page.more == (after + rest < 500)
            assert all(one.position < other.position for one, other in pairwise(page.entries))
