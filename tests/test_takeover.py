"""One dies and another goes on: instances of a service, and replicas of the hub."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from hub.access import Scope
from hub.accounts.administration import Administration, NewConsumer
from hub.settings import Settings
from hub.subscriptions import leases
from hub.subscriptions.leases import Key
from hub.v1 import receipts_pb2 as pb
from tests.calling import Caller, Running, read, read_receipts, refused, run
from tests.conftest import quick_settings
from tests.making import open_log, receipt

TAKE_OVER_SECONDS = 15.0
COUNT = 300

# Writes "seen N" before it acknowledges a receipt, and "acked N" for what the hub has confirmed.
_SERVICE = """
import asyncio, sys
from hub.client import Client
address, token, path = sys.argv[1:]
async def main():
    with open(path, "a", buffering=1) as said:
        async with Client(address, token) as client:
            receipts = client.subscription("work", start_at="earliest", max_unacked=20)
            async for receipt in receipts:
                said.write(f"seen {receipt.position}\\n")
                await asyncio.sleep(0.002)
                await receipts.ack()
                said.write(f"acked {receipts.acked.rpartition(':')[2]}\\n")
asyncio.run(main())
"""


class Service:
    """A process that works on the subscription."""

    def __init__(self, process: asyncio.subprocess.Process, path: Path) -> None:
        self.process, self._path = process, path

    def said(self, word: str) -> list[int]:
        """The numbers that it wrote after *word*."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        return [int(n) for what, _, n in (line.partition(" ") for line in lines) if what == word]


@asynccontextmanager
async def service(address: str, token: str, path: Path) -> AsyncIterator[Service]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVICE, address, token, str(path)
    )
    try:
        yield Service(process, path)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(happened: Callable[[], bool], seconds: float = TAKE_OVER_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not happened():
            await asyncio.sleep(0.02)


async def consumer(hub: Running) -> str:
    scopes = (Scope.RECEIPTS_READ, Scope.SUBSCRIPTIONS_WRITE)
    return await Administration(hub.hub.store).add_consumer(
        NewConsumer(name="workers", scopes=scopes)
    )


async def post(hub: Running, start: int, count: int) -> None:
    await hub.post(*(receipt(f"m{number}") for number in range(start, start + count)))


async def test_a_killed_service_is_replaced_and_nothing_acknowledged_comes_again(
    any_settings: Settings, tmp_path: Path
) -> None:
    async with run(any_settings) as hub:
        token, address = await consumer(hub), hub.hub.grpc_address
        await post(hub, 0, COUNT)
        async with (
            service(address, token, tmp_path / "one") as one,
            service(address, token, tmp_path / "two") as two,
        ):
            await until(lambda: max(len(one.said("seen")), len(two.said("seen"))) > COUNT // 4)
            active, standby = (one, two) if one.said("seen") else (two, one)
            assert not standby.said("seen")
            active.process.kill()
            await until(lambda: bool(standby.said("seen")))
            await post(hub, COUNT, 10)
            everything = set(range(1, COUNT + 11))
            await until(lambda: set(active.said("seen")) | set(standby.said("seen")) == everything)
        assert min(standby.said("seen")) > max(active.said("acked"))


async def test_a_service_that_stands_still_is_replaced_and_waits_when_it_wakes(
    settings: Settings, tmp_path: Path
) -> None:
    async with run(settings) as hub:
        token, address = await consumer(hub), hub.hub.grpc_address
        await post(hub, 0, COUNT)
        async with (
            service(address, token, tmp_path / "one") as one,
            service(address, token, tmp_path / "two") as two,
        ):
            await until(lambda: max(len(one.said("seen")), len(two.said("seen"))) > COUNT // 4)
            active, standby = (one, two) if one.said("seen") else (two, one)
            active.process.send_signal(signal.SIGSTOP)
            await until(lambda: COUNT in standby.said("seen"), TAKE_OVER_SECONDS + 5)
            said = len(active.said("seen"))
            active.process.send_signal(signal.SIGCONT)
            await post(hub, COUNT, 5)
            await until(lambda: COUNT + 5 in standby.said("seen"))
            # What it had in its hands when it was stopped it still writes down, and no more.
            assert len(active.said("seen")) <= said + 20
            assert active.process.returncode is None


_REPLICA = """
import asyncio, sys
from hub.service import running
from hub.settings import Settings
async def main():
    settings = Settings(_env_file=None, http_port=0, grpc_port=0, heartbeat_seconds=1,
                        poll_seconds=0.1, database_url=sys.argv[1], data_dir=sys.argv[2])
    async with running(settings) as hub:
        print(hub.grpc_address, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@asynccontextmanager
async def replica(url: str, folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _REPLICA, url, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        async with asyncio.timeout(30):
            address = ""
            while not address.startswith("127."):
                address = (await process.stdout.readline()).decode().strip()
        yield process, address
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.timeout(90)
async def test_a_killed_hub_is_replaced_by_another_replica(
    postgres_url: str, tmp_path: Path
) -> None:
    settings = quick_settings(tmp_path, database_url=postgres_url)
    async with run(settings) as hub, replica(postgres_url, tmp_path / "other") as other:
        process, address = other
        token = await consumer(hub)
        await post(hub, 0, COUNT)
        async with service(address, token, tmp_path / "there") as there:
            await until(lambda: len(there.said("seen")) > COUNT // 4)
            async with service(hub.hub.grpc_address, token, tmp_path / "here") as here:
                process.kill()
                await until(lambda: bool(here.said("seen")))
                everything = set(range(1, COUNT + 1))
                await until(lambda: set(there.said("seen")) | set(here.said("seen")) == everything)
            assert min(here.said("seen")) > max(there.said("acked"))


async def opened(address: str, token: str) -> Any:
    """A stream of Consume to the hub at *address*, which reads the subscription `work`."""
    caller = Caller(grpc.aio.insecure_channel(address), token)
    call = caller.stub.Consume(metadata=caller.auth)
    opening = pb.Open(subscription="work", start_at=pb.START_AT_EARLIEST)
    await call.write(pb.ConsumeRequest(open=opening))
    return call


@pytest.mark.timeout(90)
async def test_a_holder_whose_hub_stood_still_too_long_is_fenced(
    postgres_url: str, tmp_path: Path
) -> None:
    settings = quick_settings(tmp_path, database_url=postgres_url)
    async with run(settings) as hub, replica(postgres_url, tmp_path / "other") as other:
        process, address = other
        token = await consumer(hub)
        await post(hub, 0, 4)
        former = await opened(address, token)
        await read_receipts(former, 4)
        process.send_signal(signal.SIGSTOP)
        active = await opened(hub.hub.grpc_address, token)
        await read_receipts(active, 4)
        process.send_signal(signal.SIGCONT)
        await former.write(pb.ConsumeRequest(ack=pb.Ack(cursor=f"{hub.hub.feed.epoch}:4")))
        told = await refused(former)
        assert (told.code, told.reason) == (grpc.StatusCode.ABORTED, "FENCED")
        active.cancel()


async def test_who_held_in_a_killed_hub_on_sqlite_holds_nothing_in_the_next(
    settings: Settings,
) -> None:
    async with run(settings) as hub:
        token = await consumer(hub)
        await post(hub, 0, 4)
        call = await opened(hub.hub.grpc_address, token)
        await read_receipts(call, 4)
        call.cancel()
    # As it is after a kill: the lease was not given back, and by the clock it has just begun.
    async with open_log(settings) as log:
        key = Key(1, "work", 0)
        free, _ = await leases.look(log.store, key)
        assert await leases.take(log.store, key, free, "0" * 16) is not None
    async with run(settings) as hub:
        call = await opened(hub.hub.grpc_address, token)
        first = await read(call)
        assert not first.standby
        call.cancel()
