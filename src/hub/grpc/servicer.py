"""The service's calls: read the request, ask the feed or the log, write the answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from hub.access import Access, Scope
from hub.accounts.directory import Accounts
from hub.errors import BadInput, NotFound, RecipientRequired, Unauthenticated
from hub.feed.follower import Feed
from hub.filter import Filter
from hub.grpc import consuming, messages, paging, requests
from hub.grpc.encoding import MAX_FRAME_BYTES, Encoder
from hub.grpc.errors import Context
from hub.log.read.log import ReceiptLog
from hub.log.read.message_receipts import ReceiptsOf
from hub.log.read.messages import MessageLookup
from hub.receipt import Message, Order
from hub.subscriptions.leases import Key
from hub.subscriptions.readers import Readers
from hub.v1 import receipts_pb2 as pb
from hub.v1 import receipts_pb2_grpc

MAX_LOOKUPS = 100


class Receipts(receipts_pb2_grpc.ReceiptServiceServicer):
    """`hub.v1.ReceiptService`."""

    def __init__(
        self,
        log: ReceiptLog,
        feed: Feed,
        accounts: Accounts,
        subscriptions: Readers,
        encoder: Encoder,
    ) -> None:
        self._log = log
        self._feed = feed
        self._accounts = accounts
        self._subscriptions = subscriptions
        self._encoder = encoder
        self._listening: set[asyncio.Task[None]] = set()

    async def StreamReceipts(
        self, request: pb.StreamReceiptsRequest, context: Context
    ) -> AsyncIterator[bytes]:
        """The log from a start on, as frames."""
        access = await authenticated(context, self._accounts)
        wanted = access.limit(requests.receipt_filter(request.filter, self._accounts.regions()))
        shard = requests.shard(request)
        start = requests.start(request)
        position = await self._feed.start(**start)
        async with self._feed.stream(access, "grpc"):
            following = self._feed.follow(
                access,
                wanted,
                position,
                batch_size=requests.size(request.max_batch_size),
                stop_at_head=request.stop_at_head,
                shard=shard,
                since=start["since"],
            )
            async with aclosing(following) as frames:
                async for frame in frames:
                    for piece in self._encoder.frames(frame, unmasked=access.unmasked):
                        yield piece

    async def Consume(
        self, said: AsyncIterator[pb.ConsumeRequest], context: Context
    ) -> AsyncIterator[bytes]:
        """A durable subscription, read and acknowledged."""
        access = await authenticated(context, self._accounts)
        async with self._feed.stream(access, "grpc"), self._listener(said) as listener:
            asked = await listener.opened()
            key, wanted = await self._declared(access, asked)
            lease = self._subscriptions.lease(key)
            reading = self._subscriptions.read(access, lease, consuming.options(asked, wanted))
            listener.obey(lease)
            async with aclosing(reading) as deliveries:
                async for delivery in deliveries:
                    for piece in self._encoder.deliveries(delivery, unmasked=access.unmasked):
                        yield piece

    async def ListReceipts(self, request: pb.ListReceiptsRequest, context: Context) -> bytes:
        """One page."""
        access = await authenticated(context, self._accounts)
        order = requests.order(request)
        start = paging.position(request, self._feed.epoch)
        page = await self._log.page(
            access.limit(requests.receipt_filter(request.filter, self._accounts.regions())),
            order=order,
            limit=requests.size(request.page_size),
            after=start if order is Order.OLDEST_FIRST else None,
            before=start if order is Order.NEWEST_FIRST else None,
            recorded_after=requests.recorded_after(request),
            recorded_before=requests.recorded_before(request),
        )
        bounds = page.bounds
        if order is Order.OLDEST_FIRST and start is not None and start < bounds.oldest - 1:
            raise paging.stale()
        fitting, data = self._encoder.fitting(bounds.epoch, page.entries, unmasked=access.unmasked)
        whole = fitting == len(page.entries)
        resume = page.resume if whole else page.entries[fitting - 1].position
        token = paging.token(request, bounds.epoch, resume) if page.more or not whole else ""
        rest = pb.ListReceiptsResponse(next_page_token=token, head=bounds.head_cursor)
        return data + rest.SerializeToString()

    async def GetMessage(
        self, request: pb.GetMessageRequest, context: Context
    ) -> pb.GetMessageResponse:
        """One message."""
        access = await authenticated(context, self._accounts)
        found = await self._messages(access, [request], prefixes=[""])
        if found[0] is None:
            raise NotFound
        [sent] = await self._with_receipts(access, [(found[0], request)])
        return pb.GetMessageResponse(message=sent)

    async def BatchGetMessages(
        self, request: pb.BatchGetMessagesRequest, context: Context
    ) -> pb.BatchGetMessagesResponse:
        """Several messages."""
        access = await authenticated(context, self._accounts)
        asked = list(request.requests)
        if len(asked) > MAX_LOOKUPS:
            message = f"at most {MAX_LOOKUPS} messages at once, and {len(asked)} are named"
            raise BadInput(message, field="requests")
        prefixes = [f"requests[{index}]." for index in range(len(asked))]
        pairs = list(zip(asked, await self._messages(access, asked, prefixes), strict=True))
        return pb.BatchGetMessagesResponse(
            messages=await self._with_receipts(
                access, [(known, one) for one, known in pairs if known]
            ),
            not_found=[one for one, known in pairs if known is None],
        )

    async def GetLog(self, _request: pb.GetLogRequest, context: Context) -> pb.GetLogResponse:
        """Where the log begins and ends."""
        await authenticated(context, self._accounts)
        bounds = await self._log.bounds()
        return pb.GetLogResponse(
            epoch=bounds.epoch, oldest=bounds.oldest_cursor, head=bounds.head_cursor
        )

    async def silence(self, seconds: float) -> None:
        """Wait until nothing is read from streams any more, at most for *seconds*."""
        if self._listening:
            await asyncio.wait(self._listening, timeout=seconds)

    @asynccontextmanager
    async def _listener(
        self, said: AsyncIterator[pb.ConsumeRequest]
    ) -> AsyncIterator[consuming.Listener]:
        listener = consuming.Listener(said, self._feed.epoch)
        self._listening.add(listener.task)
        listener.task.add_done_callback(self._listening.discard)
        try:
            yield listener
        finally:
            listener.obey(None)

    async def _declared(self, access: Access, asked: pb.Open) -> tuple[Key, Filter]:
        regions = self._accounts.regions()
        wanted = access.limit(requests.receipt_filter(asked.filter, regions, "open.filter"))
        key = await self._subscriptions.declare(
            access, consuming.declaration(asked, access), requests.start(asked, "open.")
        )
        if not asked.HasField("filter"):
            stored = requests.stored_filter(await self._subscriptions.conditions(key))
            wanted = access.limit(requests.receipt_filter(stored, regions, "open.filter"))
        return key, wanted

    async def _messages(
        self, access: Access, asked: list[pb.GetMessageRequest], prefixes: list[str]
    ) -> list[Message | None]:
        access.require(Scope.RECEIPTS_READ)
        regions = self._accounts.regions()
        lookups = [
            requests.lookup(one, regions, prefix)
            for one, prefix in zip(asked, prefixes, strict=True)
        ]
        if any(lookup.recipients for lookup in lookups):
            access.require(Scope.RECIPIENTS_READ)
        keys = [lookup.key for lookup in lookups if lookup.key]
        by_key = await self._log.messages_by_key(keys, access.providers) if keys else {}
        return [
            by_key.get(lookup.key) if lookup.key else await self._message(access, lookup, prefix)
            for lookup, prefix in zip(lookups, prefixes, strict=True)
        ]

    async def _message(self, access: Access, lookup: MessageLookup, prefix: str) -> Message | None:
        try:
            return await self._log.message(lookup, access.providers)
        except RecipientRequired as error:
            raise RecipientRequired(str(error), field=f"{prefix}recipient") from None

    async def _with_receipts(
        self, access: Access, found: list[tuple[Message, pb.GetMessageRequest]]
    ) -> list[pb.Message]:
        unmasked = access.unmasked
        sent = [messages.message(known, unmasked=unmasked) for known, _ in found]
        asked = [ReceiptsOf(known, requests.receipts_after(one)) for known, one in found]
        space = MAX_FRAME_BYTES - sum(one.ByteSize() for one in sent)
        for one, receipts in zip(sent, await self._log.receipts_of(asked), strict=True):
            space = messages.add_receipts(one, receipts, space, unmasked=unmasked)
        return sent


async def authenticated(context: Context, accounts: Accounts) -> Access:
    """What the token in the metadata of *context* allows."""
    token = None
    for name, value in context.invocation_metadata() or ():
        if name == "authorization" and isinstance(value, str):
            scheme, _, token = value.partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthenticated
    return await accounts.access(token.strip() if token else None)
