"""A running hub, called as providers call it: over sockets, well-behaved or not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from hub.accounts.administration import Administration, NewProvider
from hub.receipt import Entry
from hub.service import Hub, running
from hub.settings import Settings
from hub.upkeep.verification import verify
from tests.waiting import until

STORED = (200, "00000")
NOT_NOW = (503, "00017")
OVERLOADED = (503, "00008")


@dataclass(frozen=True, slots=True)
class Providing:
    """A hub with the account p1, and a client at its callback URL."""

    hub: Hub
    url: str
    client: httpx.AsyncClient

    async def post(self, body: bytes, **options: Any) -> tuple[int, str]:
        """Post; HTTP status and respCode, after a look at what all answers have in common."""
        return answer(await self.client.post(self.url, content=body, **options))

    async def ready(self) -> int:
        """The status of `/readyz`."""
        return (await self.client.get(f"{self.hub.http_url}/readyz")).status_code

    async def ready_again(self) -> None:
        """Return once `/readyz` is 200."""

        async def ready() -> bool:
            return await self.ready() == 200

        await until(ready)

    async def entries(self) -> list[Entry]:
        """The whole log."""
        return await self.hub.log.read(0, 100_000)

    async def raw(self, head: bytes, *pieces: bytes, pause: float = 0) -> tuple[int, str]:
        """Post over a plain connection: *head* are the headers, *pieces* go out one by one."""
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"POST %b HTTP/1.1\r\nHost: h\r\n%b\r\n\r\n" % (parts.path.encode(), head))
        try:
            async with asyncio.timeout(20):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(pause)
                status = int((await reader.readline()).split()[1])
                body = await reader.readuntil(b"}")
                return status, json.loads(body[body.index(b"{") :])["respCode"]
        finally:
            writer.close()


@asynccontextmanager
async def providing(settings: Settings) -> AsyncIterator[Providing]:
    """Run a hub; at the end its whole database is verified."""
    async with running(settings) as hub, httpx.AsyncClient(timeout=30) as client:
        secret = await Administration(hub.store).add_provider(
            NewProvider(name="p1", adapter="lushang")
        )
        yield Providing(hub, f"{hub.callbacks_url}/callbacks/p1/{secret}", client)
        report = await verify(hub.store)
        assert report.clean, report.problems


def answer(response: httpx.Response) -> tuple[int, str]:
    """HTTP status and respCode; a 503 names its time to come back."""
    if response.status_code == 503:
        assert int(response.headers["retry-after"]) > 0
    return response.status_code, response.json()["respCode"]


def batch(start: int, count: int, phone: str = "13800138000") -> bytes:
    """A body with *count* receipts, numbered from *start*."""
    return body(*({"smsId": f"{start + n:032x}", "phone": phone} for n in range(count)))


def body(*items: dict[str, Any]) -> bytes:
    """A body with *items*, each filled up to a delivered receipt."""
    given = {
        "phone": "13800138000",
        "status": "0",
        "respMessage": "",
        "receiveTime": "2026-11-20 10:00:00",
        "chargingNum": "1",
    }
    return json.dumps({"smsResult": [given | item for item in items]}).encode()
