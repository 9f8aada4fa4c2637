"""Readers that hold on to their cursor and come back with it, whatever happens in between."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import grpc
import websockets
from websockets.typing import Subprotocol

from hub.v1 import receipts_pb2 as pb
from hub.v1 import receipts_pb2_grpc
from tests.chaos.load import Mark

Seen = tuple[int, Mark]
"""The position of a receipt and what it is."""

_RETRY_SECONDS = 0.05
_GONE = (grpc.RpcError, websockets.WebSocketException, OSError, EOFError)

_SUBSCRIPTION = """subscription ($after: Cursor) {
  receipts(after: $after, batchSize: 200) {
    cursor receipts { position messageId providerStatus }
  }
}"""


class Reader:
    """One reader; `seen` is everything it was given, in its order."""

    def __init__(self, addresses: list[str], token: str) -> None:
        self.addresses, self.token = addresses, token
        self.cursor = ""
        self.seen: list[Seen] = []
        self.connections = 0

    async def run(self) -> None:
        """Read, and connect again whenever the hub is gone, until cancelled."""
        while True:
            try:
                self.connections += 1
                async with aclosing(self.frames()) as frames:
                    async for cursor, receipts in frames:
                        self.seen += receipts
                        self.cursor = cursor
            except _GONE:
                await asyncio.sleep(_RETRY_SECONDS)

    def frames(self) -> AsyncGenerator[tuple[str, list[Seen]], None]:
        """Cursors and receipts of one connection, from `cursor` on."""
        raise NotImplementedError

    @property
    def address(self) -> str:
        """Where to connect now: each time to the next hub, as behind a load balancer."""
        return self.addresses[self.connections % len(self.addresses)]

    @property
    def position(self) -> int:
        """The last position seen."""
        return self.seen[-1][0] if self.seen else 0


class GrpcReader(Reader):
    """StreamReceipts."""

    async def frames(self) -> AsyncGenerator[tuple[str, list[Seen]], None]:
        async with grpc.aio.insecure_channel(self.address) as channel:
            start: dict[str, Any] = (
                {"after": self.cursor} if self.cursor else {"start_at": pb.START_AT_EARLIEST}
            )
            stub = receipts_pb2_grpc.ReceiptServiceStub(channel)
            request = pb.StreamReceiptsRequest(max_batch_size=200, **start)
            async for frame in stub.StreamReceipts(request, metadata=_metadata(self.token)):
                yield frame.cursor, [_seen(receipt) for receipt in frame.receipts]


class ConsumingReader(Reader):
    """
    Consume: the hub keeps the cursor.  What was not acknowledged is sent again, so what this
    reader has seen already it drops, as the contract tells every consumer to.
    """

    async def frames(self) -> AsyncGenerator[tuple[str, list[Seen]], None]:
        async with grpc.aio.insecure_channel(self.address) as channel:
            call = receipts_pb2_grpc.ReceiptServiceStub(channel).Consume(
                metadata=_metadata(self.token)
            )
            opened = pb.Open(
                subscription="siege", start_at=pb.START_AT_EARLIEST, max_batch_size=200
            )
            await call.write(pb.ConsumeRequest(open=opened))
            while (frame := await call.read()) is not grpc.aio.EOF:
                fresh = [_seen(r) for r in frame.receipts if r.position > self.position]
                yield frame.cursor, fresh
                if frame.receipts:
                    await call.write(pb.ConsumeRequest(ack=pb.Ack(cursor=frame.cursor)))


class GraphqlReader(Reader):
    """The subscription `receipts`, over graphql-transport-ws."""

    async def frames(self) -> AsyncGenerator[tuple[str, list[Seen]], None]:
        url = f"ws://{self.address}/graphql"
        protocol = Subprotocol("graphql-transport-ws")
        async with websockets.connect(url, subprotocols=[protocol], compression=None) as socket:
            payload: dict[str, Any] = {"authorization": f"Bearer {self.token}"}
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            payload = {"query": _SUBSCRIPTION, "variables": {"after": self.cursor}}
            subscribe = {"type": "subscribe", "id": "1", "payload": payload}
            await socket.send(json.dumps(subscribe))
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "ping":
                    await socket.send('{"type":"pong"}')
                elif message["type"] in {"error", "complete"}:
                    raise EOFError(text)
                elif message["type"] == "next":
                    batch = message["payload"]["data"]["receipts"]
                    yield batch["cursor"], [_seen_json(r) for r in batch["receipts"]]


def _seen(receipt: pb.Receipt) -> Seen:
    return receipt.position, (receipt.message_id, receipt.provider_status)


def _seen_json(receipt: dict[str, str]) -> Seen:
    return int(receipt["position"]), (receipt["messageId"], receipt["providerStatus"])


def _metadata(token: str) -> tuple[tuple[str, str]]:
    return (("authorization", f"Bearer {token}"),)
