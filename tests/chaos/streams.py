"""Many open streams, and how each of them ends."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from hub.v1 import receipts_pb2 as pb
from tests.calling import Caller, refusal
from tests.chaos.process import Process
from tests.chaos.siege import Secrets

CHANNELS = 10
WAIT = 20.0

_SUBSCRIPTION = "subscription ($a: Cursor) { receipts(after: $a) { cursor receipts { position } } }"


@dataclass(frozen=True, slots=True)
class End:
    """How a stream ended: what came after the signal, and the reason."""

    frames: list[tuple[str, list[int]]]
    reason: Any


async def open_calls(
    hub: Process, secrets: Secrets, count: int, open_things: AsyncExitStack
) -> list[Any]:
    """Streams over several channels, each of which has had its first frame."""
    callers = []
    for _ in range(CHANNELS):
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.aio.insecure_channel(hub.grpc_address, options=options)
        callers.append(Caller(await open_things.enter_async_context(channel), secrets.token))
    calls = [
        callers[number % CHANNELS].stream(start_at=pb.START_AT_EARLIEST) for number in range(count)
    ]
    for frame in await asyncio.gather(*(call.read() for call in calls)):
        assert [receipt.position for receipt in frame.receipts] == [1, 2, 3, 4, 5]
    return calls


async def open_sockets(
    hub: Process, secrets: Secrets, count: int, open_things: AsyncExitStack
) -> list[ClientConnection]:
    """Sockets with a subscription that has had its first result."""
    sockets = []
    for _ in range(count):
        socket = await open_things.enter_async_context(
            websockets.connect(
                hub.url.replace("http", "ws", 1) + "/graphql",
                subprotocols=[Subprotocol("graphql-transport-ws")],
                compression=None,
            )
        )
        payload: dict[str, Any] = {"authorization": f"Bearer {secrets.token}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        payload = {"query": _SUBSCRIPTION}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        assert json.loads(await socket.recv())["type"] == "next"
        sockets.append(socket)
    return sockets


async def end_of_call(call: Any) -> End:
    """Read *call* to its end."""
    frames = []
    try:
        async with asyncio.timeout(WAIT):
            while (frame := await call.read()) is not grpc.aio.EOF:
                frames.append((frame.cursor, [r.position for r in frame.receipts]))
    except grpc.RpcError as error:
        refused = refusal(error)
        return End(frames, (refused.code, refused.reason))
    return End(frames, None)


async def end_of_socket(socket: ClientConnection) -> End:
    """Read *socket* to its end."""
    frames = []
    try:
        async with asyncio.timeout(WAIT):
            while True:
                message = json.loads(await socket.recv())
                if message["type"] == "next":
                    result = message["payload"]["data"]["receipts"]
                    positions = [int(receipt["position"]) for receipt in result["receipts"]]
                    frames.append((result["cursor"], positions))
    except websockets.ConnectionClosed as closed:
        return End(frames, closed.rcvd.code if closed.rcvd else None)
