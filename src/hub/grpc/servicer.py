"""The calls of the service: convert, call, convert."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from hub.errors import BadInput, NotFound, Unauthenticated
from hub.filter import Filter
from hub.grpc import consuming, messages, paging, requests
from hub.grpc.encoding import MAX_FRAME_BYTES, Encoder
from hub.grpc.errors import Context
from hub.log import PageQuery, ReceiptsOf
from hub.queries import Core, Queries, access_of
from hub.receipt import Message, Order
from hub.subscriptions import Key, Readers
from hub.v1 import receipts_pb2 as pb
from hub.v1 import receipts_pb2_grpc

MAX_LOOKUPS = 100
_FILTER = "open.filter"


class Receipts(receipts_pb2_grpc.ReceiptServiceServicer):
    """`hub.v1.ReceiptService`."""

    def __init__(self, core: Core, subscriptions: Readers, encoder: Encoder) -> None:
        self._core = core
        self._feed = core.feed
        self._subscriptions = subscriptions
        self._encoder = encoder
        self._listening: set[asyncio.Task[None]] = set()

    async def StreamReceipts(
        self, request: pb.StreamReceiptsRequest, context: Context
    ) -> AsyncIterator[bytes]:
        """The log from a start on, as frames."""
        queries = await self._queries(context)
        wanted = queries.filter(requests.receipt_filter(request.filter))
        shard = requests.shard(request)
        start = requests.start(request)
        position = await queries.start(**start)
        async with self._feed.stream(queries.access, "grpc"):
            following = queries.follow(
                wanted,
                position,
                batch_size=requests.size(request.max_batch_size),
                stop_at_head=request.stop_at_head,
                shard=shard,
                since=start.get("since"),
            )
            async with aclosing(following) as frames:
                async for frame in frames:
                    for piece in self._encoder.frames(frame, unmasked=queries.unmasked):
                        yield piece

    async def Consume(
        self, sent: AsyncIterator[pb.ConsumeRequest], context: Context
    ) -> AsyncIterator[bytes]:
        """A durable subscription, read and acknowledged."""
        queries = await self._queries(context)
        access = queries.access
        async with self._feed.stream(access, "grpc"), self._listener(sent) as listener:
            opening = await listener.opened()
            key, wanted = await self._declared(queries, opening)
            lease = self._subscriptions.lease(key)
            reading = self._subscriptions.read(access, lease, consuming.options(opening, wanted))
            listener.pass_to(lease)
            async with aclosing(reading) as deliveries:
                async for delivery in deliveries:
                    for piece in self._encoder.deliveries(delivery, unmasked=queries.unmasked):
                        yield piece

    async def ListReceipts(self, request: pb.ListReceiptsRequest, context: Context) -> bytes:
        """One page."""
        queries = await self._queries(context)
        order = requests.order(request)
        start = paging.position(request, self._feed.epoch)
        query = PageQuery(
            queries.filter(requests.receipt_filter(request.filter)),
            order,
            requests.size(request.page_size),
            after=start if order is Order.OLDEST_FIRST else None,
            before=start if order is Order.NEWEST_FIRST else None,
            recorded_after=requests.recorded_after(request),
            recorded_before=requests.recorded_before(request),
        )
        page = await queries.receipts(query)
        bounds = page.bounds
        if order is Order.OLDEST_FIRST and start is not None and start < bounds.oldest - 1:
            raise paging.stale()
        unmasked = queries.unmasked
        fitting, data = self._encoder.fitting(bounds.epoch, page.entries, unmasked=unmasked)
        whole = fitting == len(page.entries)
        resume = page.resume if whole else page.entries[fitting - 1].position
        token = paging.token(request, bounds.epoch, resume) if page.more or not whole else ""
        rest = pb.ListReceiptsResponse(next_page_token=token, head=bounds.head_cursor)
        return data + rest.SerializeToString()

    async def GetMessage(
        self, request: pb.GetMessageRequest, context: Context
    ) -> pb.GetMessageResponse:
        """One message."""
        queries = await self._queries(context)
        found = await queries.message(requests.message_name(request))
        if found is None:
            raise NotFound
        [sent] = await _with_receipts(queries, [(found, request)])
        return pb.GetMessageResponse(message=sent)

    async def BatchGetMessages(
        self, request: pb.BatchGetMessagesRequest, context: Context
    ) -> pb.BatchGetMessagesResponse:
        """Several messages."""
        queries = await self._queries(context)
        asked = list(request.requests)
        if len(asked) > MAX_LOOKUPS:
            message = f"at most {MAX_LOOKUPS} messages at once, and {len(asked)} are named"
            raise BadInput(message, field="requests")
        names = [requests.message_name(one, f"requests[{n}].") for n, one in enumerate(asked)]
        pairs = list(zip(asked, await queries.messages_named(names), strict=True))
        found = [(known, one) for one, known in pairs if known]
        return pb.BatchGetMessagesResponse(
            messages=await _with_receipts(queries, found),
            not_found=[one for one, known in pairs if known is None],
        )

    async def GetLog(self, _request: pb.GetLogRequest, context: Context) -> pb.GetLogResponse:
        """Where the log begins and ends."""
        bounds = await (await self._queries(context)).bounds()
        return pb.GetLogResponse(
            epoch=bounds.epoch, oldest=bounds.oldest_cursor, head=bounds.head_cursor
        )

    async def done_listening(self, seconds: float) -> None:
        """Return when no request is read from any stream, or after *seconds*."""
        if self._listening:
            await asyncio.wait(self._listening, timeout=seconds)

    @asynccontextmanager
    async def _listener(
        self, sent: AsyncIterator[pb.ConsumeRequest]
    ) -> AsyncIterator[consuming.Listener]:
        listener = consuming.Listener(sent, self._feed.epoch)
        self._listening.add(listener.task)
        listener.task.add_done_callback(self._listening.discard)
        try:
            yield listener
        finally:
            listener.pass_to(None)

    async def _declared(self, queries: Queries, opening: pb.Open) -> tuple[Key, Filter]:
        access = queries.access
        wanted = queries.filter(requests.receipt_filter(opening.filter, _FILTER), _FILTER)
        key = await self._subscriptions.declare(
            access, consuming.declaration(opening, access), requests.start(opening, "open.")
        )
        if not opening.HasField("filter"):
            stored = requests.stored_filter(await self._subscriptions.conditions(key))
            wanted = queries.filter(requests.receipt_filter(stored, _FILTER), _FILTER)
        return key, wanted

    async def _queries(self, context: Context) -> Queries:
        """What the token in the metadata of *context* may ask.  Raises `Unauthenticated`."""
        sent = dict(context.invocation_metadata() or ())
        authorization = sent.get("authorization", "")
        if isinstance(authorization, bytes):
            raise Unauthenticated
        return Queries(self._core, await access_of(self._core.accounts, authorization))


async def _with_receipts(
    queries: Queries, found: list[tuple[Message, pb.GetMessageRequest]]
) -> list[pb.Message]:
    unmasked = queries.unmasked
    sent = [messages.message(known, unmasked=unmasked) for known, _ in found]
    asked = [ReceiptsOf(known, requests.receipts_after(one)) for known, one in found]
    space = MAX_FRAME_BYTES - sum(one.ByteSize() for one in sent)
    for one, receipts in zip(sent, await queries.receipts_of(asked), strict=True):
        space = messages.add_receipts(one, receipts, space, unmasked=unmasked)
    return sent
