"""Live operations under load: shared, joined and resumed without gap or repeat."""

import asyncio
import json
import random
import socket as sockets
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.frames import Close

from hub.accounts.administration import Administration
from hub.graphql.operations import live
from hub.graphql.operations.cohort import Event
from hub.graphql.operations.live import Live
from hub.settings import Settings
from tests.asking import WAIT, Asking, Socket, asking
from tests.conftest import quick_settings
from tests.making import receipt
from tests.waiting import until

LIVE = """subscription Live($after: Cursor, $filter: ReceiptFilter) {
  receipts(after: $after, filter: $filter) { cursor receipts { position messageId recipient } }
}"""
HEAVY = """subscription Heavy($after: Cursor) {
  receipts(after: $after, batchSize: 500) { cursor receipts { position clientReference } }
}"""


async def post_many(hub: Asking, name: str, count: int, pause: float = 0.0) -> None:
    for number in range(count):
        await hub.post(receipt(f"{name}{number}"))
        if pause:
            await asyncio.sleep(pause)


async def read_to(socket: Socket, last: int) -> list[int]:
    found: list[int] = []
    while not found or found[-1] < last:
        found += [int(shown["position"]) for shown in (await socket.next())["receipts"]]
    return found


async def test_a_querys_head_hands_over_to_a_subscription_under_load(
    any_settings: Settings,
) -> None:
    async with asking(any_settings) as hub:
        posting = asyncio.create_task(post_many(hub, "m", 300))
        for _ in range(5):
            page = await hub.ask("{ receipts(first: 500) { head nodes { position } } }")
            seen = [int(node["position"]) for node in page["receipts"]["nodes"]][::-1]
            async with hub.socket() as socket:
                await socket.subscribe(LIVE, after=page["receipts"]["head"])
                if not posting.done() and (len(seen) < 290):
                    seen += await read_to(socket, len(seen) + 5)
            assert seen == list(range(1, len(seen) + 1))
        await posting


async def test_readers_who_join_under_load_miss_and_repeat_nothing(
    any_settings: Settings, chance: random.Random
) -> None:
    async with asking(any_settings) as hub:
        posting = asyncio.gather(*(post_many(hub, f"{n}-", 60, 0.002) for n in range(5)))
        readers = [
            asyncio.create_task(_join(hub, chance.random() * 0.6, number)) for number in range(30)
        ]
        await posting
        for seen, start in await asyncio.gather(*readers):
            assert seen == list(range(start + 1, 301))


async def _join(hub: Asking, delay: float, number: int) -> tuple[list[int], int]:
    """All that a reader sees who joins after *delay*, some from the start, some from now."""
    await asyncio.sleep(delay)
    async with hub.socket() as socket:
        after = await hub.cursor(0) if number % 3 == 0 else None
        await socket.subscribe(LIVE, after=after)
        first = await socket.next()
        seen = [int(shown["position"]) for shown in first["receipts"]]
        start = int(first["cursor"].split(":")[1]) - len(seen)
        if start + len(seen) < 300:
            seen += await read_to(socket, 300)
        return seen, start


async def test_alike_readers_share_one_execution(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    encodings: Counter[str] = Counter()
    encoded = live.encoded

    def noted(result: Any, **options: Any) -> str:
        encodings.update(shown["position"] for shown in result.data["receipts"]["receipts"])
        return encoded(result, **options)

    monkeypatch.setattr(live, "encoded", noted)
    async with asking(settings) as hub:
        async with asyncio.TaskGroup() as group:
            ready = asyncio.Barrier(41)
            readers = [group.create_task(_reader(hub, ready)) for _ in range(40)]
            await ready.wait()
            await until(lambda: hub.hub.feed.tail.readers == 1)  # one follows the log for all
            await post_many(hub, "m", 50, 0.002)
        for reader in readers:
            assert reader.result() == list(range(1, 51))
        assert encodings == {str(number): 1 for number in range(1, 51)}


async def _reader(hub: Asking, ready: asyncio.Barrier) -> list[int]:
    async with hub.socket() as socket:
        await socket.subscribe(LIVE)
        await socket.next()
        await ready.wait()
        return await read_to(socket, 50)


async def test_readers_with_other_rights_or_filters_share_nothing(settings: Settings) -> None:
    async with asking(settings) as hub:
        masked = await hub.consumer()
        limited = await hub.consumer(providers=("p2",))
        async with hub.socket() as full, hub.socket(masked) as less, hub.socket(limited) as other:
            for socket in (full, less, other):
                await socket.subscribe(LIVE)
                await socket.next()
            await full.subscribe(LIVE, "2", filter={"messageIds": ["m2"]})
            await full.next()
            await hub.post(receipt("m1"))
            await hub.post(receipt("m2"), provider=2)
            assert await _shown(less, 2) == [("1", "+86138****8000"), ("2", "+86138****8000")]
            assert await _shown(other, 1) == [("2", "+86138****8000")]
            shown = await _shown(full, 3)
            assert sorted(shown) == [(n, "+8613800138000") for n in ("1", "2", "2")]


async def _shown(socket: Socket, count: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    while len(found) < count:
        batch = await socket.next()
        found += [(shown["position"], shown["recipient"]) for shown in batch["receipts"]]
    return found


NESTED = """subscription Nested {
  receipts { cursor receipts { position message { recipient } } }
}"""
MASKED, FULL = ("receipts:read",), ("receipts:read", "recipients:read")


async def _refreshed(socket: Socket, token: str) -> None:
    """Let *token* take the place of the socket's own."""
    refresh = {"authorization": f"Bearer {token}"}
    await socket.send({"type": "ping", "payload": refresh})
    while (await socket.receive())["type"] != "pong":
        pass


async def _nested(socket: Socket) -> list[str]:
    """The numbers in the messages of the next receipts."""
    while not (shown := (await socket.next())["receipts"]):
        pass
    return [each["message"]["recipient"] for each in shown]


@pytest.mark.parametrize("refreshing", [0, 1], ids=["the first refreshes", "another refreshes"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(MASKED, FULL, id="to a wider token"),
        pytest.param(FULL, MASKED, id="to a narrower token"),
    ],
)
async def test_a_refreshed_token_changes_what_its_own_reader_sees_and_no_other(
    settings: Settings, before: tuple[str, ...], after: tuple[str, ...], refreshing: int
) -> None:
    shown = {MASKED: "+86138****8000", FULL: "+8613800138000"}
    async with asking(settings) as hub:
        first, second = await hub.consumer(scopes=before), await hub.consumer(scopes=before)
        refresh = await hub.consumer(scopes=after)
        async with hub.socket(first) as one, hub.socket(second) as other:
            readers = (one, other)
            for reader in readers:
                await reader.subscribe(NESTED)
                await reader.next()
            await hub.post(receipt("m1"))
            assert [await _nested(reader) for reader in readers] == [[shown[before]]] * 2
            await _refreshed(readers[refreshing], refresh)
            for name in ("m2", "m3"):
                await hub.post(receipt(name))
                assert await _nested(readers[refreshing]) == [shown[after]]
                assert await _nested(readers[1 - refreshing]) == [shown[before]]


async def test_a_reader_goes_on_when_the_token_is_revoked_that_its_cohort_began_with(
    settings: Settings,
) -> None:
    async with asking(settings) as hub:
        first, second = await hub.consumer(name="first"), await hub.consumer()
        async with hub.socket(first) as one, hub.socket(second) as other:
            for reader in (one, other):
                await reader.subscribe(NESTED)
                await reader.next()
            await Administration(hub.hub.store).revoke_consumer("first")
            assert await one.closing() == 4403
            await hub.post(receipt("m1"))
            assert await _nested(other) == ["+86138****8000"]


async def test_variables_that_say_where_to_start_do_not_part_readers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[Any] = []
    together = Live._together

    def noted(self: Live, operation: Any, access: Any, position: int) -> Any:
        joined.append(operation.alike)
        return together(self, operation, access, position)

    monkeypatch.setattr(Live, "_together", noted)
    two = [receipt("m1"), receipt("m2")]
    async with asking(settings, two) as hub, hub.socket() as one, hub.socket() as other:
        await one.subscribe(LIVE, after=await hub.cursor(0))
        await other.subscribe(LIVE, after=await hub.cursor(1))
        await one.positions(2)
        await other.positions(1)
        await hub.post(receipt("m3"))
        assert await one.positions(1) == await other.positions(1) == [3]
    assert len(joined) >= 2
    assert len(set(joined)) == 1


async def test_a_reader_whose_cohort_has_nothing_for_it_goes_on_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def nothing(_self: Live, _operation: Any, _access: Any, position: int) -> Any:
        tried.append(position)
        assert len(tried) < 100
        return none()

    async def none() -> AsyncGenerator[Event, None]:
        for event in list[Event]():
            yield event

    monkeypatch.setattr(Live, "_together", nothing)
    async with asking(settings) as hub, hub.socket() as socket:
        await socket.subscribe(LIVE)
        await socket.next()
        for number in range(1, 4):
            await hub.post(receipt(f"m{number}"))
            assert await socket.positions(1) == [number]
    assert tried == list(range(4))


async def test_a_reader_who_takes_nothing_is_let_go_and_resumes(tmp_path: Path) -> None:
    settings = quick_settings(tmp_path, slow_reader_seconds=0.5)
    async with asking(settings) as hub:
        for part in range(20):
            big = (receipt(f"{part}-{n}", client_reference="x" * 500) for n in range(500))
            await hub.post(*big)
        ended = hub.hub.metrics.streams_ended.labels("graphql", "SLOW_READER")
        async with _stalling(hub) as socket:
            await socket.init({"authorization": f"Bearer {hub.token}"})
            await socket.subscribe(HEAVY, after=await hub.cursor(0))
            async with asyncio.timeout(WAIT):
                while not ended._value.get():
                    await hub.ask("{ __typename }")
            seen, cursor, closed = await _read_to_the_close(socket)
            assert closed.code == 4008
            assert closed.reason.startswith("SLOW_READER")
        assert 0 < len(seen) < 10_000
        async with hub.socket() as again:
            await again.subscribe(HEAVY, after=cursor)
            seen += await read_to(again, 10_000)
        assert seen == list(range(1, 10_001))


async def _read_to_the_close(socket: Socket) -> tuple[list[int], str, Close]:
    """What came until the socket was closed, the last cursor, and why it was."""
    seen: list[int] = []
    cursor = ""
    try:
        while True:
            batch = await socket.next()
            cursor = batch["cursor"]
            seen += [int(shown["position"]) for shown in batch["receipts"]]
    except websockets.ConnectionClosed as closed:
        return seen, cursor, closed.rcvd or Close(1006, "")


def _stalling(hub: Asking) -> Any:
    """A client that reads only when asked."""
    return hub.connected(sock=_small(hub), max_queue=1, ping_interval=None, max_size=None)


def _small(hub: Asking) -> sockets.socket:
    """A connection of which the kernel keeps little."""
    plain = sockets.socket()
    plain.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 8192)
    host, port = hub.hub.http_url.removeprefix("http://").split(":")
    plain.connect((host, int(port)))
    return plain


async def test_a_slow_reader_keeps_nobody_waiting(settings: Settings) -> None:
    async with asking(settings) as hub, _stalling(hub) as slow, hub.socket() as quick:
        await slow.init({"authorization": f"Bearer {hub.token}"})
        for socket in (slow, quick):
            await socket.subscribe(HEAVY)
            await socket.next()
        reading = asyncio.create_task(read_to(quick, 6000))
        for part in range(12):
            big = (receipt(f"{part}-{n}", client_reference="x" * 500) for n in range(500))
            await hub.post(*big)
        async with asyncio.timeout(WAIT):
            assert await reading == list(range(1, 6001))
            assert await read_to(slow, 6000) == list(range(1, 6001))


async def test_an_event_stream_that_nobody_takes_is_let_go_with_a_reason(tmp_path: Path) -> None:
    settings = quick_settings(tmp_path, slow_reader_seconds=0.5)
    async with asking(settings) as hub:
        for part in range(20):
            big = (receipt(f"{part}-{n}", client_reference="x" * 500) for n in range(500))
            await hub.post(*big)
        ended = hub.hub.metrics.streams_ended.labels("graphql", "SLOW_READER")
        body = json.dumps({"query": HEAVY, "variables": {"after": await hub.cursor(0)}})
        reader, writer = await asyncio.open_connection(sock=_small(hub), limit=2**14)
        writer.write(
            f"POST /graphql HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {hub.token}\r\n"
            "Accept: text/event-stream\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )
        async with asyncio.timeout(WAIT):
            while not ended._value.get():
                await hub.ask("{ __typename }")
            answer = await reader.read(-1)
        writer.close()
        assert b"SLOW_READER" in answer
        assert b"event: complete" not in answer
        assert answer.endswith(b"0\r\n\r\n")
