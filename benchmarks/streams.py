"""How receipts leave over gRPC: to many live readers, and to one that reads everything."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from benchmarks import cores, ingest, servers
from benchmarks.posting import Pace
from benchmarks.row import Row, percentile
from hub.v1 import receipts_pb2 as v1

READERS = 200
BATCH, POSTS = 100, 20
CATCH_UP_SECONDS = 20
METHOD = "/hub.v1.ReceiptService/StreamReceipts"
OPTIONS = (("grpc.max_receive_message_length", 1 << 26),)


@dataclass(slots=True)
class Reader:
    """What one stream saw."""

    receipts: int = 0
    latencies: list[float] = field(default_factory=list)
    """Seconds from a post to its last receipt's arrival."""


def many_readers(folder: Path, seconds: float) -> list[Row]:
    """Two hundred live readers of all receipts."""
    with servers.hub(folder) as hub:
        pace = Pace(hub.callback_url, BATCH, POSTS)
        busy = cores.Busy(hub.process)
        readers = asyncio.run(_read_live(hub, pace, seconds, READERS))
        used = busy.cores()
    expected = len(pace.sent) * BATCH
    complete = sum(reader.receipts == expected for reader in readers)
    latencies = [latency for reader in readers for latency in reader.latencies]
    return [
        Row(
            what=f"{READERS} gRPC readers of {BATCH * POSTS:,} receipts/s, POST to reader;"
            " beside the cores that the hub used",
            hub=f"{complete} of {READERS} complete",
            beside=f"{used:.2f} cores",
            p50=percentile(latencies, 0.50),
            p99=percentile(latencies, 0.99),
        )
    ]


def latency(folder: Path, seconds: float) -> list[Row]:
    """From a post to its answer, and to a reader."""
    with servers.hub(folder) as hub:
        pace = Pace(hub.callback_url, batch=1, posts=200)
        [reader] = asyncio.run(_read_live(hub, pace, seconds, 1))
    to_reader = percentile(reader.latencies, 0.50)
    return [
        Row(
            what="ms from a POST of one receipt to a gRPC reader, 200 a second;"
            " beside those to its answer",
            hub=f"{to_reader:.2f} ms",
            beside=f"{percentile(pace.answered, 0.50):.2f} ms",
            p50=to_reader,
            p99=percentile(reader.latencies, 0.99),
        )
    ]


def full_read(folder: Path, seconds: float) -> list[Row]:
    """One reader of the whole log, a thousand receipts per frame."""
    with servers.hub(folder) as hub:
        ingest.take(hub.callback_url, ingest.BATCH, ingest.BATCH_CONNECTIONS, seconds)
        count, took = asyncio.run(_read_all(hub))
    return [
        Row(what=f"receipts a second, one gRPC reader of {count:,}", hub=f"{count / took:,.0f}/s")
    ]


async def _read_live(
    hub: servers.Hub, pace: Pace, seconds: float, count: int
) -> list[Reader]:  # fmt: skip
    readers = [Reader() for _ in range(count)]
    async with grpc.aio.insecure_channel(hub.grpc_address, options=OPTIONS) as channel:
        opened = asyncio.Semaphore(0)
        tasks = [
            asyncio.create_task(_follow(channel, hub.token, reader, pace, opened))
            for reader in readers
        ]
        for _ in readers:
            await opened.acquire()
        await pace.run(seconds)
        expected = len(pace.sent) * pace.batch
        for _ in range(CATCH_UP_SECONDS * 20):
            if all(reader.receipts >= expected for reader in readers):
                break
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return readers


async def _follow(
    channel: grpc.aio.Channel, token: str, reader: Reader, pace: Pace, opened: asyncio.Semaphore
) -> None:
    first = True
    async for frame in _call(channel, token, v1.StreamReceiptsRequest(max_batch_size=1000)):
        if first:
            opened.release()
            first = False
        seen = v1.StreamReceiptsResponse.FromString(frame)
        if seen.receipts:
            reader.receipts += len(seen.receipts)
            sent = pace.sent_at(seen.receipts[-1].position)
            reader.latencies.append(time.perf_counter() - sent)


async def _read_all(hub: servers.Hub) -> tuple[int, float]:
    request = v1.StreamReceiptsRequest(
        start_at=v1.START_AT_EARLIEST, max_batch_size=1000, stop_at_head=True
    )
    async with grpc.aio.insecure_channel(hub.grpc_address, options=OPTIONS) as channel:
        started = time.perf_counter()
        frames = [frame async for frame in _call(channel, hub.token, request)]
        took = time.perf_counter() - started
    count = sum(len(v1.StreamReceiptsResponse.FromString(frame).receipts) for frame in frames)
    return count, took


def _call(channel: grpc.aio.Channel, token: str, request: v1.StreamReceiptsRequest) -> Any:
    """The frames as bytes: decoding them is the reader's business, not the hub's."""
    stream = channel.unary_stream(
        METHOD,
        request_serializer=v1.StreamReceiptsRequest.SerializeToString,
        response_deserializer=None,
    )
    return stream(request, metadata=(("authorization", f"Bearer {token}"),))
