"""Identical live operations over GraphQL: two hundred dashboards beside one."""

import asyncio
import json
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import cores, servers
from benchmarks.posting import Pace
from benchmarks.row import Row

READERS = 200
BATCH, POSTS = 10, 30
SUBSCRIPTION = (
    "subscription { receipts { cursor lag caughtUp receipts { position messageKey provider"
    " messageId recipient status errorCode errorCategory occurredAt recordedAt segments } } }"
)


def many_readers(folder: Path, seconds: float) -> list[Row]:
    """What two hundred identical readers cost, and what one does."""
    alone, _ = _cores(folder / "one", 1, seconds)
    many, complete = _cores(folder / "many", READERS, seconds)
    return [
        Row(
            what=f"cores for {READERS} identical live GraphQL readers (SSE) of {BATCH * POSTS}"
            f" receipts/s, {complete} of them complete; beside one reader",
            hub=f"{many:.2f} cores",
            beside=f"{alone:.2f} cores",
            ratio=many / alone,
        )
    ]


def _cores(folder: Path, readers: int, seconds: float) -> tuple[float, int]:
    with servers.hub(folder) as hub:
        return asyncio.run(_run(hub, readers, seconds))


async def _run(hub: servers.Hub, count: int, seconds: float) -> tuple[float, int]:
    pace = Pace(hub.callback_url, BATCH, POSTS)
    seen = [0] * count
    opened = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(_follow(hub, seen, at, opened)) for at in range(count)]
    for _ in range(count):
        await opened.acquire()
    busy = cores.Busy(hub.process)
    await pace.run(seconds)
    used = busy.cores()
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    expected = len(pace.sent) * BATCH
    return used, sum(positions == expected for positions in seen)


async def _follow(hub: servers.Hub, seen: list[int], at: int, opened: asyncio.Semaphore) -> None:
    """Count the receipts that come; bytes are enough for that."""
    parts = urlsplit(hub.http_url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    body = json.dumps({"query": SUBSCRIPTION}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n"
        f"Content-Type: application/json\r\nAuthorization: Bearer {hub.token}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    first = True
    try:
        while data := await reader.read(1 << 16):
            if first and b"cursor" in data:
                opened.release()
                first = False
            seen[at] += data.count(b'"messageKey"')
    finally:
        writer.close()
