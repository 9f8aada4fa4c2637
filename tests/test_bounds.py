"""Promise 6, and bodies that nobody should send: nothing of it costs more than it may."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import psutil
import pytest

from hub.graphql.transport import events, sockets
from hub.http import connection, server
from hub.receipt import Status
from hub.service import Hub
from hub.settings import Settings
from tests.asking import asking
from tests.calling import Caller, Refusal, refusal, refused
from tests.chaos import hostile, stalled
from tests.conftest import quick_settings
from tests.engines import held
from tests.making import arrival, receipt
from tests.providing import OVERLOADED, STORED, batch, body, providing
from tests.waiting import until

WAIT = 20.0


@pytest.mark.timeout(120)
async def test_hostile_bodies_are_stored_kept_or_refused_and_never_a_fault(
    any_settings: Settings,
) -> None:
    async with providing(any_settings) as at:
        odd = {
            (body[:100], got)
            for body in hostile.bodies(seed=1, count=60)
            if (got := await at.post(body)) not in hostile.ANSWERS
        }
        assert odd == set()
        assert await at.post(batch(10_000, 1)) == STORED


async def test_a_text_of_ten_megabytes_is_stored_or_kept_where_the_limit_allows_it(
    tmp_path: Path, database_url: str
) -> None:
    settings = quick_settings(tmp_path, database_url=database_url, max_body_bytes=12_000_000)
    async with providing(settings) as at:
        text = "x" * 10_000_000
        assert await at.post(body({"smsId": "1", "respMessage": text})) == STORED
        assert await at.post(body({"smsId": "2", "phone": text})) == STORED
        assert await at.post(body({"smsId": "3", "more": text})) == STORED
        assert await at.post(text.encode()) == (400, "00016")
        kept = (await at.hub.log.quarantine(visible=None, limit=10)).items
        assert len(kept) == 3
        assert [entry.message_id for entry in await at.entries()] == ["3"]


async def test_a_body_that_trickles_in_is_read_until_its_time_is_over(tmp_path: Path) -> None:
    async with providing(quick_settings(tmp_path, body_seconds=1)) as at:
        body = batch(0, 1)
        pieces = [b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:])]
        chunked = b"Transfer-Encoding: chunked"
        assert await at.raw(chunked, *pieces, b"0\r\n\r\n", pause=0.01) == STORED
        slow = asyncio.gather(
            *(at.raw(chunked, *[b"1\r\n \r\n"] * 200, pause=0.05) for _ in range(50)),
            return_exceptions=True,
        )
        assert await at.post(batch(1, 1)) == STORED  # they are in nobody's way
        assert {end if isinstance(end, tuple) else "cut" for end in await slow} <= {
            (408, "00110"),
            "cut",
        }


@pytest.fixture(params=[{}, {"callback_port": 0}], ids=["one listener", "callbacks apart"])
def listeners(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return quick_settings(tmp_path, **request.param)


async def test_a_head_without_end_is_cut_off(listeners: Settings) -> None:
    async with providing(listeners) as at:
        one_long = [b"X: " + b"a" * 1_000_000]
        many = [b"X-%d: a\r\n" % n for n in range(100_000)]
        for pieces in (one_long, many):
            reader, writer = await _opened(at.hub)
            writer.write(b"GET /healthz HTTP/1.1\r\n" + b"".join(pieces))
            assert (await reader.readline()).split()[1] == b"431"
            writer.close()
        assert await at.post(batch(0, 1)) == STORED


async def test_a_connection_that_asks_for_nothing_is_closed(
    listeners: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    async with providing(listeners) as at:
        for beginning in (b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nX: y\r\n"):
            reader, writer = await _opened(at.hub)
            writer.write(beginning)
            async with asyncio.timeout(WAIT):
                assert await reader.read() == b""
            writer.close()
        reader, writer = await _opened(at.hub)
        for _ in range(3):  # one that goes on asking is kept
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            assert b"alive" in await reader.readuntil(b"}")
            await asyncio.sleep(0.25)
        writer.close()


async def _opened(hub: Hub) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", urlsplit(hub.callbacks_url).port)


async def test_a_full_queue_refuses_at_once_and_holds_no_more_than_it_may(tmp_path: Path) -> None:
    settings = quick_settings(tmp_path, commit_queue=1000, lock_seconds=5)
    async with providing(settings) as at:
        async with held(at.hub.store):
            posts = [asyncio.create_task(at.post(batch(100 * n, 100))) for n in range(40)]
            done, waiting = await asyncio.wait(posts, timeout=WAIT, return_when="FIRST_COMPLETED")
            while len(waiting) > 12:
                done, waiting = await asyncio.wait(
                    posts, timeout=0.1, return_when=asyncio.ALL_COMPLETED
                )
            assert {task.result() for task in done} == {OVERLOADED}
            large = await asyncio.gather(*(at.post(b"x" * 900_000) for _ in range(3)))
            assert set(large) == {OVERLOADED}
        assert {await task for task in waiting} == {STORED}
        assert len(await at.entries()) == 100 * len(waiting)


async def fill(hub: Hub, receipts: int) -> None:
    """Commit *receipts* of four kilobytes each."""
    for start in range(0, receipts, 100):
        await hub.writer.write(
            arrival(
                *(
                    receipt(f"{start + n:032x}", Status.UNDELIVERED, error_code="x" * 4000)
                    for n in range(100)
                )
            )
        )


async def ended(hub: Hub, surface: str) -> None:
    """Return once a stream of *surface* was ended as a slow reader's."""
    counter = hub.metrics.streams_ended.labels(surface, "SLOW_READER")
    await until(lambda: counter._value.get() > 0)


async def test_a_grpc_reader_that_stalls_is_told_so_and_resumes_without_loss(
    tmp_path: Path,
) -> None:
    async with asking(quick_settings(tmp_path, slow_reader_seconds=0.6)) as hub:
        async with stalled.grpc_reader(hub.hub.grpc_address, hub.token, "") as call:
            await fill(hub.hub, 2000)
            await ended(hub.hub, "grpc")
            frames, told = await _to_the_end(call)
        assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER")
        async with grpc.aio.insecure_channel(hub.hub.grpc_address) as channel:
            frames += await Caller(channel, hub.token).stored(after=frames[-1].cursor)
        assert [r.position for f in frames for r in f.receipts] == list(range(1, 2001))


async def test_a_socket_that_stalls_is_closed_with_4008(tmp_path: Path) -> None:
    async with asking(quick_settings(tmp_path, slow_reader_seconds=0.6)) as hub:
        await fill(hub.hub, 2000)
        cursor = await hub.cursor(0)
        async with stalled.socket_reader(hub.hub.http_url, hub.token, cursor) as reader:
            await ended(hub.hub, "graphql")
            assert b"\x0f\xa8SLOW_READER" in await reader.read_until(b"SLOW_READER")  # 4008


async def test_an_event_stream_that_stalls_ends_with_an_error(tmp_path: Path) -> None:
    async with asking(quick_settings(tmp_path, slow_reader_seconds=0.6)) as hub:
        await fill(hub.hub, 2000)
        cursor = await hub.cursor(0)
        async with stalled.event_reader(hub.hub.http_url, hub.token, cursor) as reader:
            await ended(hub.hub, "graphql")
            rest = await reader.read_until(b"SLOW_READER")
            assert b'"code":"SLOW_READER"' in rest
            assert b"event: complete" not in rest + await reader.read_until(b"complete")


@pytest.mark.parametrize("reader", [stalled.socket_reader, stalled.event_reader])
async def test_a_reader_that_never_reads_again_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Any
) -> None:
    for module in (server, sockets, events):
        name = "_LAST_WORD_SECONDS" if module is server else "CLOSE_SECONDS"
        monkeypatch.setattr(module, name, 1.0)
    async with asking(quick_settings(tmp_path, slow_reader_seconds=0.6)) as hub:
        await fill(hub.hub, 2000)
        port = urlsplit(hub.hub.http_url).port
        async with reader(hub.hub.http_url, hub.token, await hub.cursor(0)):
            await ended(hub.hub, "graphql")
            await until(lambda: port not in _connected())


async def test_streams_in_all_and_of_one_consumer_are_limited_over_all_surfaces(
    tmp_path: Path,
) -> None:
    settings = quick_settings(tmp_path, max_streams=3, max_streams_per_consumer=2)
    async with asking(settings) as hub, AsyncExitStack() as open_things:
        other = await hub.consumer()
        channel = await open_things.enter_async_context(
            grpc.aio.insecure_channel(hub.hub.grpc_address)
        )
        mine, theirs = Caller(channel, hub.token), Caller(channel, other)
        await mine.stream().read()
        socket = await open_things.enter_async_context(hub.socket())
        await socket.subscribe(stalled.SUBSCRIPTION)
        await socket.next()
        assert (await refused(mine.stream())).reason == "TOO_MANY_STREAMS"
        held = theirs.stream()
        await held.read()
        assert (await refused(theirs.stream())).reason == "TOO_MANY_STREAMS"
        await socket.subscribe(stalled.SUBSCRIPTION, number="2")
        assert (await socket.error())["code"] == "TOO_MANY_STREAMS"
        held.cancel()
        await until(lambda: _opens(theirs.stream()))


def _connected() -> set[int]:
    """Ports that connections of this process come from."""
    connections = psutil.Process().net_connections("tcp")
    return {c.laddr.port for c in connections if c.status == psutil.CONN_ESTABLISHED}


async def _to_the_end(call: Any) -> tuple[list[Any], Refusal]:
    """The frames that come, and why no more do."""
    frames = []
    try:
        while True:
            frames.append(await call.read())
    except grpc.RpcError as error:
        return frames, refusal(error)


async def _opens(call: Any) -> bool:
    try:
        await call.read()
    except grpc.RpcError:
        return False
    call.cancel()
    return True
