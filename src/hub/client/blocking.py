"""
The client for scripts, without `async`.

    from hub.client.blocking import Client

    with Client("localhost:50051", token) as client:
        for batch in client.stream(start_at="earliest", stop_at_head=True):
            for receipt in batch.receipts:
                print(receipt.position, receipt.message_id)

It takes what `hub.client.Client` takes and raises what that raises.  One thread uses it, which
runs no event loop of its own.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Self, TypedDict, TypeVar, Unpack

from hub.client.client import Client as AsyncClient
from hub.client.client import StartAt
from hub.client.connection import OnUnavailable, Tls
from hub.client.stream import Batch
from hub.client.subscription import Subscription as AsyncSubscription
from hub.v1 import receipts_pb2 as pb

_Item = TypeVar("_Item")


class ClientOptions(TypedDict, total=False):
    """See `hub.client.Client`."""

    tls: Tls | None
    silence_seconds: float
    patience_seconds: float | None
    on_unavailable: OnUnavailable | None


class ReadOptions(TypedDict, total=False):
    """See `hub.client.Client.stream` and `subscription`."""

    after: str | None
    since: datetime | None
    start_at: StartAt
    filter: pb.ReceiptFilter | None
    max_batch_size: int
    earliest_if_expired: bool
    shard: pb.Shard | None


class StreamOptions(ReadOptions, total=False):
    """See `hub.client.Client.stream`."""

    stop_at_head: bool


class SubscriptionOptions(ReadOptions, total=False):
    """See `hub.client.Client.subscription`."""

    max_unacked: int


class PageOptions(TypedDict, total=False):
    """See `hub.client.Client.receipts`."""

    filter: pb.ReceiptFilter | None
    oldest_first: bool
    recorded_after: datetime | None
    recorded_before: datetime | None


class MessageName(TypedDict, total=False):
    """See `hub.client.Client.message`."""

    message_key: str
    provider: str
    message_id: str
    recipient: str
    receipts_after: int


class Client:
    """Reads one hub for one consumer.  A context manager."""

    def __init__(self, target: str, token: str, **options: Unpack[ClientOptions]) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncClient(target, token, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the channel and everything open on it."""
        self._run(self._client.close())
        self._runner.close()

    def stream(self, **wanted: Unpack[StreamOptions]) -> Iterator[Batch]:
        """See `hub.client.Client.stream`."""
        return self._items(self._client.stream(**wanted))

    def subscription(self, name: str, **wanted: Unpack[SubscriptionOptions]) -> "Subscription":
        """See `hub.client.Client.subscription`."""
        return Subscription(self._runner, self._client.subscription(name, **wanted))

    def receipts(self, **wanted: Unpack[PageOptions]) -> Iterator[pb.Receipt]:
        """See `hub.client.Client.receipts`."""
        return self._items(self._client.receipts(**wanted))

    def message(self, **named: Unpack[MessageName]) -> pb.Message | None:
        """See `hub.client.Client.message`."""
        return self._run(self._client.message(**named))

    def log(self) -> pb.GetLogResponse:
        """See `hub.client.Client.log`."""
        return self._run(self._client.log())

    def _items(self, source: AsyncGenerator[_Item, None]) -> Iterator[_Item]:
        try:
            while True:
                try:
                    item = self._run(anext(source))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self._run(source.aclose())

    def _run(self, work: Awaitable[_Item]) -> _Item:
        return _run(self._runner, work)


class Subscription:
    """See `hub.client.Subscription`."""

    def __init__(self, runner: asyncio.Runner, inner: AsyncSubscription) -> None:
        self._runner, self._inner = runner, inner

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> pb.Receipt:
        return _run(self._runner, anext(self._inner))

    def ack(self) -> None:
        """All receipts up to the last one that came are processed."""
        _run(self._runner, self._inner.ack())

    def park(self, reason: str) -> None:
        """Set the last receipt that came aside because of *reason*."""
        _run(self._runner, self._inner.park(reason))

    def close(self) -> None:
        """Leave, once what was acknowledged is stored."""
        _run(self._runner, self._inner.close())

    @property
    def acked(self) -> str:
        """The cursor up to which acknowledgements are stored."""
        return self._inner.acked


def _run(runner: asyncio.Runner, work: Awaitable[_Item]) -> _Item:
    async def waiting() -> _Item:
        return await work

    return runner.run(waiting())
