"""A load generator that costs little: ready-made HTTP/1.1 requests over kept connections."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from benchmarks.row import percentile


@dataclass(slots=True)
class Result:
    """What a run saw."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0
    """Answers other than 200."""

    @property
    def per_second(self) -> float:
        """Answers 200 per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which *share* of the answers came."""
        return percentile(self.latencies, share)


def render(url: str, body: bytes, headers: str = "Content-Type: application/json\r\n") -> bytes:
    """A POST of *body* as it goes over the wire."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{headers}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def run(url: str, requests: Iterator[bytes], connections: int, seconds: float) -> Result:
    """Keep *connections* busy with *requests* for *seconds*; each waits for its answer."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    result = Result()
    started = time.perf_counter()
    opened = [
        (await loop.create_connection(
            lambda: _Connection(requests, result, started + seconds),
            parts.hostname or "", parts.port or 80,
        ))[1]
        for _ in range(connections)
    ]  # fmt: skip
    await asyncio.gather(*(connection.done for connection in opened))
    result.seconds = time.perf_counter() - started
    return result


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], result: Result, until: float) -> None:
        self._requests = requests
        self._result = result
        self._until = until
        self._received = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < _content_length(head):
            return
        if head.startswith(b"HTTP/1.1 200"):
            self._result.latencies.append(time.perf_counter() - self._sent)
        else:
            self._result.refused += 1
        self._received = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.done.done():
            return
        self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        request = next(self._requests, None)
        self._sent = time.perf_counter()
        if request is None or self._sent >= self._until:
            self.done.set_result(None)
            self._transport.close()
            return
        self._transport.write(request)


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.index(b"content-length:") + 15
    end = lowered.find(b"\r", start)
    return int(lowered[start : end if end > 0 else None])
