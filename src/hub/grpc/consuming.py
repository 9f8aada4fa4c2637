"""The requests of a stream that reads a durable subscription."""

import asyncio
from collections.abc import AsyncIterator

from hub.access import Access
from hub.errors import BadInput
from hub.filter import Filter
from hub.grpc import requests
from hub.receipt import Cursor
from hub.subscriptions import Declaration, Lease, ReadOptions
from hub.v1 import receipts_pb2 as pb

OPENING_SECONDS = 10.0
"""How long a stream may send nothing before its first request."""


class Listener:
    """
    Receives the requests of one stream, in a task of its own.  The task is never cancelled, since
    grpc does not bear that a read is left while it is under way; it ends with the call.
    """

    def __init__(self, sent: AsyncIterator[pb.ConsumeRequest], epoch: str) -> None:
        loop = asyncio.get_running_loop()
        self._sent, self._epoch = sent, epoch
        self._opened: asyncio.Future[pb.Open] = loop.create_future()
        self._leased: asyncio.Future[Lease | None] = loop.create_future()
        self.task = asyncio.create_task(self._listen())

    async def opened(self) -> pb.Open:
        """The first request, which says what to open.  Raises `BadInput` if none comes."""
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                return await self._opened
        except TimeoutError:
            message = f"a stream starts with open, within {OPENING_SECONDS:g} seconds"
            raise BadInput(message, field="open") from None

    def pass_to(self, lease: Lease | None) -> None:
        """Pass further requests to *lease*; to none, once the reader has gone."""
        if not self._leased.done():
            self._leased.set_result(lease)

    async def _listen(self) -> None:
        try:
            opening = await _first(self._sent)
        except Exception as error:  # noqa: BLE001  # whoever waits for it raises it
            if not self._opened.done():
                self._opened.set_exception(error)
            return
        if not self._opened.done():
            self._opened.set_result(opening)
        lease = await self._leased
        if lease is not None:
            await _pass(self._sent, lease, self._epoch)


def declaration(opening: pb.Open, access: Access) -> Declaration:
    """The subscription in *opening*."""
    return Declaration(
        access.consumer,
        requests.subscription(opening),
        requests.conditions(opening.filter) if opening.HasField("filter") else None,
        requests.shard(opening, "open."),
    )


def options(opening: pb.Open, wanted: Filter) -> ReadOptions:
    """How *opening* is to be read, once it is narrowed to *wanted*."""
    return ReadOptions(
        wanted=wanted,
        shard=requests.shard(opening, "open."),
        batch_size=requests.size(opening.max_batch_size),
        max_unacked=requests.max_unacked(opening.max_unacked),
        on_expired=requests.on_expired(opening, "open."),
    )


async def _first(sent: AsyncIterator[pb.ConsumeRequest]) -> pb.Open:
    async for request in sent:
        if request.WhichOneof("request") == "open":
            return request.open
        break
    message = "a stream starts with open"
    raise BadInput(message, field="open")


async def _pass(sent: AsyncIterator[pb.ConsumeRequest], lease: Lease, epoch: str) -> None:
    try:
        async for request in sent:
            _apply(request, lease, epoch)
        lease.finish()
    except Exception as error:  # noqa: BLE001  # the reader raises it
        lease.fail(error)


def _apply(request: pb.ConsumeRequest, lease: Lease, epoch: str) -> None:
    match request.WhichOneof("request"):
        case "ack":
            lease.ack(_position(request.ack.cursor, epoch))
        case "park":
            lease.park(request.park.position, requests.reason(request.park))
        case "open":
            message = "open comes once, and first"
            raise BadInput(message, field="open")
        case _:
            message = "a request is one of open, ack and park"
            raise BadInput(message, field="request")


def _position(text: str, epoch: str) -> int:
    return Cursor.parse(text, epoch, field="ack.cursor").position
