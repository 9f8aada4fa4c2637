"""A running hub with receipts in it, and GraphQL clients of several kinds."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from hub.access import Scope
from hub.accounts.administration import Administration, NewConsumer, NewProvider
from hub.log.write.arrival import Arrival, Unreadable
from hub.receipt import Entry, Receipt
from hub.service import Hub, running
from hub.settings import Settings
from tests.making import arrival

EVERYTHING = tuple(Scope)
WAIT = 20.0
"""Seconds that a test waits for what must come."""


@dataclass
class Asking:
    """A hub with the accounts p1 and p2, and a token for all of it."""

    hub: Hub
    client: httpx.AsyncClient
    token: str
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def url(self) -> str:
        return f"{self.hub.http_url}/graphql"

    async def consumer(self, **fields: Any) -> str:
        """The token of a new consumer; *fields* are those of `NewConsumer`."""
        given = {"name": f"c{next(self._numbers)}"} | fields
        return await Administration(self.hub.store).add_consumer(NewConsumer(**given))

    async def post(self, *receipts: Receipt, provider: int = 1) -> None:
        """Commit one callback."""
        await self.hub.writer.write(arrival(*receipts, provider=provider, name=f"p{provider}"))

    async def spoil(self, body: bytes = b'{"phone": "+8613800138000"}') -> None:
        """Put an item that cannot be read into p1's quarantine."""
        now = time.time_ns() // 1000
        bad = Unreadable("BAD_TIME", body)
        await self.hub.writer.write(Arrival(1, "p1", "test/1", now, body, unreadable=[bad]))

    async def entries(self) -> list[Entry]:
        return await self.hub.log.read(0, 100_000)

    async def cursor(self, position: int) -> str:
        return (await self.hub.log.bounds()).cursor(position)

    async def send(self, query: str, token: str | None = "", **variables: Any) -> httpx.Response:
        """The response to a query; without *token* it carries the one for all."""
        token = self.token if token == "" else token
        headers = {"authorization": f"Bearer {token}"} if token else {}
        body = {"query": query, "variables": variables}
        return await self.client.post(self.url, json=body, headers=headers)

    async def ask(self, query: str, token: str | None = "", **variables: Any) -> Any:
        """The data of a query that has no errors."""
        answer = (await self.send(query, token, **variables)).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def error(self, query: str, token: str | None = "", **variables: Any) -> Any:
        """The extensions of the one error of a query."""
        answer = (await self.send(query, token, **variables)).json()
        [error] = answer["errors"]
        assert error["message"]
        return error["extensions"]

    @asynccontextmanager
    async def socket(self, token: str | None = "", **options: Any) -> AsyncIterator["Socket"]:
        """A socket, its handshake done."""
        async with self.connected(**options) as socket:
            token = self.token if token == "" else token
            await socket.init({"authorization": f"Bearer {token}"} if token else None)
            yield socket

    @asynccontextmanager
    async def connected(self, **options: Any) -> AsyncIterator["Socket"]:
        """A socket before `connection_init`."""
        given = {"subprotocols": [Subprotocol("graphql-transport-ws")], "compression": None}
        url = self.url.replace("http", "ws", 1)
        async with websockets.connect(url, **(given | options)) as connection:
            yield Socket(connection)

    @asynccontextmanager
    async def events(
        self, query: str, token: str | None = "", **variables: Any
    ) -> AsyncIterator[AsyncIterator[Any]]:
        """The `next` payloads of an event stream; ends with "complete" where that came."""
        token = self.token if token == "" else token
        headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
        body = {"query": query, "variables": variables}
        async with self.client.stream("POST", self.url, json=body, headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            yield _payloads(response)


@dataclass
class Socket:
    """A client of graphql-transport-ws that hides nothing."""

    connection: ClientConnection

    async def init(self, payload: dict[str, Any] | None) -> None:
        message: dict[str, Any] = {"type": "connection_init"}
        await self.send(message if payload is None else message | {"payload": payload})
        assert await self.receive() == {"type": "connection_ack"}

    async def send(self, message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def subscribe(self, query: str, number: str = "1", **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.send({"type": "subscribe", "id": number, "payload": payload})

    async def receive(self) -> Any:
        """The next message that is no ping."""
        while True:
            async with asyncio.timeout(WAIT):
                message = json.loads(await self.connection.recv())
            if message["type"] != "ping":
                return message
            await self.send({"type": "pong"})

    async def next(self, field_name: str = "receipts") -> Any:
        """What the next result has in its root field."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message["payload"]["errors"]
        return message["payload"]["data"][field_name]

    async def error(self) -> Any:
        """The extensions of the error that ends an operation, after any results."""
        while (message := await self.receive())["type"] == "next":
            pass
        assert message["type"] == "error", message
        return message["payload"][0]["extensions"]

    async def positions(self, count: int) -> list[int]:
        """The positions of the next *count* receipts."""
        found: list[int] = []
        while len(found) < count:
            found += [int(receipt["position"]) for receipt in (await self.next())["receipts"]]
        return found

    async def closing(self) -> int | None:
        """The code that the socket is closed with, after whatever comes before."""
        return (await self._closed())[0]

    async def reason(self) -> str:
        """The reason that the socket is closed with, after whatever comes before."""
        return (await self._closed())[1]

    async def _closed(self) -> tuple[int | None, str]:
        try:
            while True:
                await self.receive()
        except websockets.ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")


@asynccontextmanager
async def asking(settings: Settings, receipts: Sequence[Receipt] = ()) -> AsyncIterator[Asking]:
    """Run a hub with *receipts* of p1 in it."""
    async with running(settings) as hub, httpx.AsyncClient(timeout=WAIT) as client:
        register = Administration(hub.store)
        for name in ("p1", "p2"):
            await register.add_provider(NewProvider(name=name, adapter="lushang"))
        token = await register.add_consumer(NewConsumer(name="all", scopes=EVERYTHING))
        there = Asking(hub, client, token)
        if receipts:
            await there.post(*receipts)
        yield there


async def _payloads(response: httpx.Response) -> AsyncIterator[Any]:
    event = ""
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            event = value
        elif name == "data" and event == "next":
            yield json.loads(value)
        elif name.startswith("data") and event == "complete":
            yield "complete"
