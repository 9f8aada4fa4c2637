"""Readers that open a stream, take its beginning, and then take nothing more."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import grpc

from hub.v1 import receipts_pb2 as pb
from tests.calling import Caller

_SMALL_WINDOW = (
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 65_536),
    ("grpc.use_local_subchannel_pool", 1),
)
SUBSCRIPTION = (
    "subscription ($a: Cursor) { receipts(after: $a) {"
    " cursor receipts { position messageKey messageId errorCode recordedAt } } }"
)


@asynccontextmanager
async def grpc_reader(address: str, token: str, cursor: str) -> AsyncIterator[Any]:
    """A call of StreamReceipts whose first frame was read."""
    async with grpc.aio.insecure_channel(address, options=_SMALL_WINDOW) as channel:
        start: dict[str, Any] = {"after": cursor} if cursor else {"start_at": pb.START_AT_EARLIEST}
        call = Caller(channel, token).stream(**start)
        await call.read()
        yield call


class Plain:
    """A connection with hardly any buffer, from which nothing is read unasked."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    async def read(self) -> bytes:
        """Something of what came; empty at the end."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(30):
            return await loop.sock_recv(self._connection, 65_536)

    async def read_until(self, word: bytes) -> bytes:
        """Read until *word* came, or to the end of the connection; the end of what came."""
        last = b""
        with contextlib.suppress(ConnectionError):
            while word not in last and (piece := await self.read()):
                last = (last + piece)[-65_536:]
        return last


@asynccontextmanager
async def socket_reader(http_url: str, token: str, cursor: str) -> AsyncIterator[Plain]:
    """A WebSocket with a subscription, of which the handshake alone was read."""
    async with _connected(http_url) as (connection, send):
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        await send(
            f"GET /graphql HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )
        reader = Plain(connection)
        await reader.read()
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
        await send(_frame(json.dumps(init).encode()))
        subscribe = {"type": "subscribe", "id": "1", "payload": _operation(cursor)}
        await send(_frame(json.dumps(subscribe).encode()))
        yield reader


@asynccontextmanager
async def event_reader(http_url: str, token: str, cursor: str) -> AsyncIterator[Plain]:
    """An event stream, of which the head alone was read."""
    async with _connected(http_url) as (connection, send):
        body = json.dumps(_operation(cursor)).encode()
        await send(
            "POST /graphql HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        reader = Plain(connection)
        await reader.read()
        yield reader


@asynccontextmanager
async def _connected(http_url: str) -> AsyncIterator[tuple[socket.socket, Any]]:
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", urlsplit(http_url).port))
        yield connection, lambda data: loop.sock_sendall(connection, data)


def _operation(cursor: str) -> dict[str, Any]:
    return {"query": SUBSCRIPTION, "variables": {"a": cursor or None}}


def _frame(text: bytes) -> bytes:
    """*text* as a client's WebSocket frame."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(text))
    return b"\x81\xfe" + len(text).to_bytes(2) + mask + masked
