"""What a hub costs before anything happens."""

import asyncio
from pathlib import Path

import grpc

from benchmarks import cores, servers
from benchmarks.row import Row
from hub.v1 import receipts_pb2 as v1
from hub.v1.receipts_pb2_grpc import ReceiptServiceStub

STREAMS = 1000
SETTLE_SECONDS = 3


def standing(folder: Path, seconds: float) -> list[Row]:
    """Time to ready, memory when idle, and what an idle stream adds."""
    with servers.hub(folder, HUB_HEARTBEAT_SECONDS="15") as hub:
        idle = hub.process.memory_info().rss
        full, used = asyncio.run(_with_streams(hub, seconds))
    return [
        Row(what="seconds from start to ready, and resident memory then",
            hub=f"{hub.ready_seconds:.2f} s", beside=f"{idle / 2**20:.0f} MB"),
        Row(what=f"memory of each of {STREAMS} idle gRPC streams, and cores that all of them use",
            hub=f"{(full - idle) / STREAMS / 1024:.0f} KB", beside=f"{used:.2f} cores"),
    ]  # fmt: skip


async def _with_streams(hub: servers.Hub, seconds: float) -> tuple[int, float]:
    metadata = (("authorization", f"Bearer {hub.token}"),)
    async with grpc.aio.insecure_channel(hub.grpc_address) as channel:
        stub = ReceiptServiceStub(channel)
        calls = [
            stub.StreamReceipts(v1.StreamReceiptsRequest(), metadata=metadata)
            for _ in range(STREAMS)
        ]
        for call in calls:
            await call.read()
        await asyncio.sleep(SETTLE_SECONDS)
        busy = cores.Busy(hub.process)
        await asyncio.sleep(seconds)
        used, full = busy.cores(), hub.process.memory_info().rss
        for call in calls:
            call.cancel()
    return full, used
