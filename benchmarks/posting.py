"""Posts one after the other at a fixed pace, and remembers when each was sent."""

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks import receipts


@dataclass(slots=True)
class Pace:
    """*batch* receipts in each post, *posts* a second, over one connection."""

    url: str
    batch: int
    posts: float
    sent: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    """Seconds from sending to the answer."""

    async def run(self, seconds: float) -> None:
        """Post for *seconds*."""
        parts = urlsplit(self.url)
        count = round(seconds * self.posts)
        requests = list(itertools.islice(receipts.requests(self.url, self.batch), count))
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        started = time.perf_counter()
        for number, request in enumerate(requests):
            await asyncio.sleep(max(0.0, started + number / self.posts - time.perf_counter()))
            self.sent.append(time.perf_counter())
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            await reader.readexactly(20)  # {"respCode":"00000"}
            self.answered.append(time.perf_counter() - self.sent[-1])
        writer.close()

    def sent_at(self, position: int) -> float:
        """When the receipt at *position* was sent, in a log that was empty before."""
        return self.sent[(position - 1) // self.batch]
