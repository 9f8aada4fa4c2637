"""The main job, end to end, over real sockets: post, store, ask, follow on both APIs."""

import asyncio
import time
from contextlib import aclosing
from typing import Any

import grpc
import httpx

from hub.accounts.administration import Administration, NewConsumer, NewProvider
from hub.filter import Filter
from hub.settings import Settings
from tests.asking import Asking, asking
from tests.calling import Caller, read, read_receipts
from tests.making import receipt

SAMPLE = {
    "smsResult": [
        {
            "smsId": "624e76e6486648cd8be0dee3b5ccyyyy",
            "phone": phone,
            "status": "0",
            "respMessage": "",
            "receiveTime": "2015-06-29 19:23:26",
            "chargingNum": "2",
        }
        for phone in ("138xxxxxxxx", "139xxxxxxxx")
    ]
}
LATEST = """
{ receipts(order: OLDEST_FIRST) {
    head
    edges { cursor node { position messageId recipient status occurredAt segments } }
} }
"""
LIVE = """
subscription ($after: Cursor) {
    receipts(after: $after) { receipts { position messageId } cursor lag caughtUp }
}
"""


async def callback_url(there: Asking) -> str:
    secret = await Administration(there.hub.store).add_provider(
        NewProvider(name="lushang", adapter="lushang")
    )
    return f"{there.hub.http_url}/callbacks/lushang/{secret}"


def caller(there: Asking, channel: grpc.aio.Channel) -> Caller:
    return Caller(channel, there.token)


def item(number: int) -> dict[str, Any]:
    return {
        "smsId": f"{number:032x}",
        "phone": f"138{number:08d}",
        "status": str(number % 2),
        "respMessage": "MK:0001" if number % 2 else "",
        "receiveTime": "2026-03-01 08:00:00",
        "chargingNum": "1",
    }


async def test_the_documented_sample_is_stored_once_and_told_on_both_apis(
    any_settings: Settings,
) -> None:
    async with asking(any_settings) as there:
        url = await callback_url(there)
        for _ in range(2):
            answer = await there.client.post(url, json=SAMPLE)

            assert (answer.status_code, answer.content) == (200, b'{"respCode":"00000"}')

        found = (await there.ask(LATEST))["receipts"]["edges"]
        async with grpc.aio.insecure_channel(there.hub.grpc_address) as channel:
            [frame] = await caller(there, channel).stored()

    nodes = [edge["node"] for edge in found]
    assert [node["recipient"] for node in nodes] == ["138xxxxxxxx", "139xxxxxxxx"]
    assert {node["messageId"] for node in nodes} == {"624e76e6486648cd8be0dee3b5ccyyyy"}
    assert {node["occurredAt"] for node in nodes} == {"2015-06-29T11:23:26.000000Z"}
    assert [node["segments"] for node in nodes] == [2, 2]
    assert [node["status"] for node in nodes] == ["DELIVERED", "DELIVERED"]
    assert [receipt.position for receipt in frame.receipts] == [1, 2]
    assert {r.occurred_at.ToJsonString() for r in frame.receipts} == {"2015-06-29T11:23:26Z"}


async def test_each_api_resumes_from_a_cursor_of_the_other(any_settings: Settings) -> None:
    async with asking(any_settings) as there:
        url = await callback_url(there)
        await there.client.post(url, json={"smsResult": [item(n) for n in range(1, 11)]})
        edges = (await there.ask(LATEST))["receipts"]["edges"]
        async with (
            grpc.aio.insecure_channel(there.hub.grpc_address) as channel,
            there.socket() as socket,
        ):
            frames = await caller(there, channel).stored(max_batch_size=4)
            stream = caller(there, channel).stream(after=edges[3]["cursor"])
            await socket.subscribe(LIVE, after=frames[0].cursor)

            by_grpc = [receipt.position for receipt in await read_receipts(stream, 6)]
            by_graphql = await socket.positions(6)
            await there.client.post(url, json={"smsResult": [item(n) for n in (11, 12)]})
            by_grpc += [receipt.position for receipt in await read_receipts(stream, 2)]
            by_graphql += await socket.positions(2)

    assert by_grpc == list(range(5, 13))
    assert by_graphql == list(range(5, 13))


async def test_readers_of_both_apis_see_every_position_once_while_many_post(
    any_settings: Settings,
) -> None:
    async with asking(any_settings) as there, asyncio.TaskGroup() as group:
        url = await callback_url(there)
        numbers = iter(range(1, 501))

        async def post(client: httpx.AsyncClient) -> None:
            for number in numbers:
                answer = await client.post(url, json={"smsResult": [item(number)]})
                assert answer.status_code == 200

        async def by_grpc(ready: asyncio.Event) -> list[int]:
            async with grpc.aio.insecure_channel(there.hub.grpc_address) as channel:
                stream = caller(there, channel).stream()
                await read(stream)
                ready.set()
                return [receipt.position for receipt in await read_receipts(stream, 500)]

        async def by_graphql(ready: asyncio.Event) -> list[int]:
            async with there.socket() as socket:
                await socket.subscribe(LIVE)
                await socket.next()
                ready.set()
                return await socket.positions(500)

        all_ready = [asyncio.Event() for _ in range(10)]
        readers = [group.create_task(by_grpc(ready)) for ready in all_ready[:5]]
        readers += [group.create_task(by_graphql(ready)) for ready in all_ready[5:]]
        for ready in all_ready:
            await ready.wait()
        limits = httpx.Limits(max_connections=32)
        async with (
            httpx.AsyncClient(limits=limits, timeout=30) as client,
            asyncio.TaskGroup() as posts,
        ):
            for _ in range(32):
                posts.create_task(post(client))
        seen = [await reader for reader in readers]

    assert seen == [list(range(1, 501))] * 10


async def test_a_provider_that_a_consumer_may_not_see_does_not_exist_for_it(
    any_settings: Settings,
) -> None:
    async with asking(any_settings) as there:
        url = await callback_url(there)
        await there.client.post(url, json=SAMPLE)
        register = Administration(there.hub.store)
        blind = await register.add_consumer(NewConsumer(name="blind", providers=("p1",)))

        found = await there.ask(LATEST, token=blind)
        masked = await register.add_consumer(NewConsumer(name="masked"))
        seen = await there.ask(LATEST, token=masked)

    assert found["receipts"]["edges"] == []
    assert found["receipts"]["head"].endswith(":2")
    recipients = [edge["node"]["recipient"] for edge in seen["receipts"]["edges"]]
    assert recipients == ["138****xxxx", "139****xxxx"]


async def test_a_revoked_token_ends_streams_that_are_open_on_both_apis(
    settings: Settings,
) -> None:
    async with asking(settings) as there:
        register = Administration(there.hub.store)
        token = await register.add_consumer(NewConsumer(name="leaver"))
        async with (
            grpc.aio.insecure_channel(there.hub.grpc_address) as channel,
            there.socket(token=token) as socket,
        ):
            stream = Caller(channel, token).stream()
            await read(stream)
            await socket.subscribe(LIVE)
            await socket.next()
            await register.revoke_consumer("leaver")

            code = await socket.closing()
            async with asyncio.timeout(20):
                ended = await stream.code()

    assert code == 4403
    assert ended is grpc.StatusCode.UNAUTHENTICATED


async def test_a_stream_since_a_later_instant_leaves_out_what_comes_before(
    settings: Settings,
) -> None:
    async with asking(settings) as there:
        later = time.time_ns() // 1000 + 700_000
        access = await there.hub.accounts.access(there.token)
        position = await there.hub.feed.start(since=later)
        frames = there.hub.feed.follow(access, Filter(), position, since=later)
        await anext(frames)
        await there.post(receipt("before"))
        while time.time_ns() // 1000 < later:  # the clock itself is what is waited for
            await asyncio.sleep(0.01)
        await there.post(receipt("after"))

        found: list[str] = []
        async with aclosing(frames):
            async for frame in frames:
                found += [entry.message_id for entry in frame.entries]
                if found:
                    break

    assert found == ["after"]


async def test_a_callback_with_a_slash_at_its_end_is_the_same_callback(
    settings: Settings,
) -> None:
    async with asking(settings) as there:
        url = await callback_url(there)

        taken = await there.client.post(f"{url}/", json=SAMPLE)
        unknown = await there.client.post(f"{there.hub.http_url}/callbacks/no/no/", json=SAMPLE)

    assert (taken.status_code, unknown.status_code) == (200, 404)
