"""What readers cost a hub in memory: those that come and go, and those that stall."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import psutil

from hub.settings import Settings
from hub.v1 import receipts_pb2 as pb
from tests.calling import Caller
from tests.chaos import stalled
from tests.chaos.process import Process, process
from tests.chaos.siege import Secrets, accounts, examined
from tests.providing import STORED, answer, batch
from tests.waiting import until

MIB = 1_048_576
AT_ONCE = 20
PER_POST = 500


@dataclass(frozen=True, slots=True)
class Weighed:
    """Resident memory of a hub's process, in MiB."""

    before: float
    after: float

    @property
    def grown(self) -> float:
        """By how much."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Watched:
    """A hub's process with an account and a consumer."""

    hub: Process
    secrets: Secrets
    client: httpx.AsyncClient

    def weigh(self) -> float:
        """Its resident memory now, in MiB."""
        assert self.hub.child is not None
        return float(psutil.Process(self.hub.child.pid).memory_info().rss) / MIB

    async def figure(self, name: str) -> float:
        """The sum of the metric *name*."""
        text = (await self.client.get(f"{self.hub.url}/metrics")).text
        lines = [line for line in text.splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    async def fill(self, receipts: int) -> None:
        """Post *receipts* more."""
        known = int(await self.figure("hub_head_position"))
        for start in range(known, known + receipts, PER_POST):
            body = batch(start, min(PER_POST, known + receipts - start))
            response = await self.client.post(self.hub.url + self.secrets.callback, content=body)
            assert answer(response) == STORED


@asynccontextmanager
async def watched(settings: Settings, folder: Path, callback: str = "") -> AsyncIterator[Watched]:
    """A hub's process, ready; with new accounts unless there is one with the path *callback*."""
    secrets = Secrets(callback, "") if callback else await accounts(settings)
    async with process(settings, folder) as hub, httpx.AsyncClient(timeout=60) as client:
        hub.start()
        await hub.ready()
        yield Watched(hub, secrets, client)
    _, problems = await examined(settings)
    assert problems == []


async def come_and_go(there: Watched, streams: int, warm_up: int) -> Weighed:
    """Open and cancel *warm_up* streams of each kind, then *streams* in all; weigh around those."""
    await there.fill(1000)
    await _come_and_go(there, warm_up * 3)
    before = there.weigh()
    await _come_and_go(there, streams)
    return Weighed(before, there.weigh())


async def _come_and_go(there: Watched, streams: int) -> None:
    slots = asyncio.Semaphore(AT_ONCE)
    async with grpc.aio.insecure_channel(there.hub.grpc_address) as channel:

        async def visit(number: int) -> None:
            async with slots:
                await _visit(there, channel, number)

        await asyncio.gather(*(visit(number) for number in range(streams)))

    async def nobody() -> bool:
        return not await there.figure("hub_followers")

    await until(nobody)
    gc.collect()


async def _visit(there: Watched, channel: grpc.aio.Channel, number: int) -> None:
    """Open a stream, read something, and leave without a word."""
    url, token = there.hub.url, there.secrets.token
    if number % 3 == 0:
        call = Caller(channel, token).stream(start_at=pb.START_AT_EARLIEST)
        await call.read()
        call.cancel()
        return
    reader = stalled.socket_reader if number % 3 == 1 else stalled.event_reader
    async with reader(url, token, "") as opened:
        await opened.read()


async def stall(there: Watched, readers: int, receipts: int) -> Weighed:
    """Let *receipts* pass by *readers* that have stalled, a third of each kind; weigh around."""
    await there.fill(1000)
    url, address, token = there.hub.url, there.hub.grpc_address, there.secrets.token
    async with AsyncExitStack() as open_things:
        for number in range(readers):
            match number % 3:
                case 0:
                    reader = stalled.grpc_reader(address, token, "")
                case 1:
                    reader = stalled.socket_reader(url, token, "")
                case _:
                    reader = stalled.event_reader(url, token, "")
            await open_things.enter_async_context(reader)

        async def all_open() -> bool:
            return await there.figure("hub_followers") == readers

        await until(all_open)
        before = there.weigh()
        await there.fill(receipts)
        return Weighed(before, there.weigh())
