"""How a hub stops: readers with a last frame, posts with their answer, and all of it in time."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hub.service import running
from hub.settings import Settings
from tests.calling import Caller
from tests.chaos import stalled
from tests.chaos.process import Process, process
from tests.chaos.siege import Secrets, accounts, examined
from tests.chaos.streams import end_of_call, end_of_socket, open_calls, open_sockets
from tests.conftest import quick_settings
from tests.providing import NOT_NOW, STORED, answer, batch
from tests.waiting import until

CALLS, SOCKETS = 200, 100
WAIT = 20.0

_DRAINING = (grpc.StatusCode.UNAVAILABLE, "DRAINING")


@asynccontextmanager
async def serving(
    tmp_path: Path, **changes: object
) -> AsyncIterator[tuple[Process, Secrets, httpx.AsyncClient]]:
    """A hub's process that is ready, with five receipts in its log."""
    quiet = {"heartbeat_seconds": 60, "drain_seconds": WAIT}
    settings = quick_settings(tmp_path, **(quiet | changes))
    secrets = await accounts(settings)
    async with process(settings, tmp_path) as hub, httpx.AsyncClient(timeout=WAIT) as client:
        hub.start()
        await hub.ready()
        assert answer(await client.post(hub.url + secrets.callback, content=batch(0, 5))) == STORED
        yield hub, secrets, client
    _, problems = await examined(settings)
    assert problems == []


async def test_a_hub_that_is_told_to_stop_ends_everything_as_it_should(tmp_path: Path) -> None:
    async with serving(tmp_path) as (hub, secrets, _), AsyncExitStack() as open_things:
        calls = await open_calls(hub, secrets, CALLS, open_things)
        sockets = await open_sockets(hub, secrets, SOCKETS, open_things)
        post = await open_things.enter_async_context(_half_a_post(hub, secrets))
        assert hub.child
        hub.child.send_signal(signal.SIGTERM)

        ends = await asyncio.gather(*map(end_of_call, calls), *map(end_of_socket, sockets))
        assert [end.reason for end in ends[:CALLS]] == [_DRAINING] * CALLS
        assert [end.reason for end in ends[CALLS:]] == [1012] * SOCKETS
        for end in ends:
            assert end.frames
            assert {(c.partition(":")[2], *p) for c, p in end.frames} == {("5",)}
        assert await post.rest() == STORED
        async with asyncio.timeout(WAIT):
            assert await hub.ended() == 0


async def test_while_streams_end_the_hub_says_that_it_is_leaving_and_takes_nothing(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as (hub, secrets, client):
        for start in range(0, 6_000, 2_000):
            response = await client.post(
                hub.url + secrets.callback, content=batch(1000 + start, 2_000)
            )
            assert answer(response) == STORED
        async with (
            stalled.grpc_reader(hub.grpc_address, secrets.token, "") as call,
            grpc.aio.insecure_channel(hub.grpc_address) as channel,
        ):
            await _stuck(hub, client)
            assert hub.child
            hub.child.send_signal(signal.SIGTERM)
            await _not_ready(hub, client)
            assert (await client.get(f"{hub.url}/readyz")).json()["reason"] == "draining"
            assert await _health(channel) == "NOT_SERVING"
            refused = await client.post(hub.url + secrets.callback, content=batch(1, 1))
            assert answer(refused) == NOT_NOW
            refused_call = Caller(channel, secrets.token).stream()
            assert (await end_of_call(refused_call)).reason == _DRAINING
            call.cancel()
            async with asyncio.timeout(WAIT):
                assert await hub.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_twice_it_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    async with (
        serving(tmp_path, drain_seconds=600) as (hub, secrets, _),
        _half_a_post(hub, secrets),
    ):
        assert hub.child
        hub.child.send_signal(signal.SIGTERM)
        await _leaving(hub)
        assert await hub.stop(number) == 128 + number


async def test_what_does_not_end_in_time_is_cut_off(tmp_path: Path) -> None:
    async with serving(tmp_path, drain_seconds=1, body_seconds=600) as (hub, secrets, _):
        async with _half_a_post(hub, secrets):
            assert await hub.stop() == 0
        assert "cut off" in hub.lines or "graceful shutdown exceeded" in hub.lines


async def test_a_loop_that_dies_takes_the_hub_down(settings: Settings) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError):
        async with running(settings) as hub:
            hub.feed.tail._advance = broken  # type: ignore[method-assign]
            await asyncio.sleep(WAIT)


async def _health(channel: grpc.aio.Channel) -> str:
    answered = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answered.status)


async def _not_ready(hub: Process, client: httpx.AsyncClient) -> None:
    async def refused() -> bool:
        return (await client.get(f"{hub.url}/readyz")).status_code == 503

    await until(refused)


async def _stuck(hub: Process, client: httpx.AsyncClient) -> None:
    """Return once no more frames go out."""
    last = ""

    async def no_more() -> bool:
        nonlocal last
        await asyncio.sleep(0.3)
        before, last = last, (await client.get(f"{hub.url}/metrics")).text
        return _frames(before) == _frames(last)

    await until(no_more)


def _frames(metrics: str) -> list[str]:
    return [line for line in metrics.splitlines() if line.startswith("hub_frames_total")]


async def _leaving(hub: Process) -> None:
    """Return once the signal was heard."""
    await until(lambda: "draining" in hub.lines)


@dataclass(frozen=True, slots=True)
class HalfAPost:
    """A callback whose body is under way."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    missing: bytes

    async def rest(self) -> tuple[int, str]:
        """Send what is missing; the answer."""
        self.writer.write(self.missing)
        async with asyncio.timeout(WAIT):
            status = int((await self.reader.readline()).split()[1])
            body = await self.reader.readuntil(b"}")
        return status, json.loads(body[body.index(b"{") :])["respCode"]


@asynccontextmanager
async def _half_a_post(hub: Process, secrets: Secrets) -> AsyncIterator[HalfAPost]:
    body = batch(1000, 10)
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(hub.url).port)
    head = f"POST {secrets.callback} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body[:100])
    await writer.drain()
    async with httpx.AsyncClient() as client:  # what came before it has been read as well
        await client.get(f"{hub.url}/healthz")
    try:
        yield HalfAPost(reader, writer, body[100:])
    finally:
        writer.close()
