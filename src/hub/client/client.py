"""The client, for programs that use `asyncio`."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, Self

from google.protobuf.timestamp_pb2 import Timestamp

from hub.client.connection import Connection, OnUnavailable, Tls
from hub.client.errors import NotFound
from hub.client.stream import Batch, batches
from hub.client.subscription import Subscription
from hub.v1 import receipts_pb2 as pb

StartAt = Literal["earliest", "latest"]
_STARTS: dict[StartAt, pb.StartAt] = {
    "earliest": pb.START_AT_EARLIEST,
    "latest": pb.START_AT_LATEST,
}


class Client:
    """
    Reads one hub for one consumer.  An asynchronous context manager; calls may run side by side.

    *target* is `host:port`, and *tls* says how to speak TLS, plain text if absent.  A stream that
    brings not even a heartbeat for *silence_seconds*, which must exceed the hub's
    `HUB_HEARTBEAT_SECONDS`, is taken for broken and begun again.  A hub that does not answer is
    tried again, with growing and jittered pauses, for *patience_seconds* (None: for ever); then
    the last error is raised.  Each time a call fails or a stream breaks that way, *on_unavailable*
    is told the error before anything is tried again; what it raises ends the call.
    """

    def __init__(
        self,
        target: str,
        token: str,
        *,
        tls: Tls | None = None,
        silence_seconds: float = 45.0,
        patience_seconds: float | None = 300.0,
        on_unavailable: OnUnavailable | None = None,
    ) -> None:
        self._connection = Connection(
            target, token, tls, silence_seconds, patience_seconds, on_unavailable
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the channel and everything open on it."""
        await self._connection.close()

    def stream(  # noqa: PLR0913  an argument for each field of the request
        self,
        *,
        after: str | None = None,
        since: datetime | None = None,
        start_at: StartAt = "latest",
        filter: pb.ReceiptFilter | None = None,  # noqa: A002  the word of the contract
        max_batch_size: int = 0,
        stop_at_head: bool = False,
        earliest_if_expired: bool = False,
        shard: pb.Shard | None = None,
    ) -> AsyncGenerator[Batch, None]:
        """
        The log behind the cursor *after*, or from the first receipt recorded at *since* (with a
        time zone), or from an end of it; then live, without end unless *stop_at_head*.

        Each receipt comes once, in order, also across broken connections.  Raises `CursorExpired`
        unless *earliest_if_expired*, `CursorForeign` and others of `HubCallError`.
        """
        request = pb.StreamReceiptsRequest(
            filter=filter,
            max_batch_size=max_batch_size,
            stop_at_head=stop_at_head,
            on_expired=_on_expired(earliest=earliest_if_expired),
            shard=shard,
        )
        _set_start(request, after, since, start_at)
        return batches(self._connection, request)

    def subscription(  # noqa: PLR0913  an argument for each field of the request
        self,
        name: str,
        *,
        after: str | None = None,
        since: datetime | None = None,
        start_at: StartAt = "latest",
        filter: pb.ReceiptFilter | None = None,  # noqa: A002  the word of the contract
        max_batch_size: int = 0,
        max_unacked: int = 0,
        earliest_if_expired: bool = False,
        shard: pb.Shard | None = None,
    ) -> Subscription:
        """
        The durable subscription *name*, created when it is first read, which needs the scope
        `subscriptions:write`.  Where it starts counts then only; *filter* and the number of shards
        must stay what they were then.  At most *max_unacked* receipts (0: 1000) come ahead of
        their acknowledgement.
        """
        opening = pb.Open(
            subscription=name,
            filter=filter,
            max_batch_size=max_batch_size,
            max_unacked=max_unacked,
            on_expired=_on_expired(earliest=earliest_if_expired),
            shard=shard,
        )
        _set_start(opening, after, since, start_at)
        return Subscription(self._connection, opening)

    async def receipts(
        self,
        *,
        filter: pb.ReceiptFilter | None = None,  # noqa: A002  the word of the contract
        oldest_first: bool = False,
        recorded_after: datetime | None = None,
        recorded_before: datetime | None = None,
    ) -> AsyncGenerator[pb.Receipt, None]:
        """Stored receipts, page after page; the instants (with a time zone) exclude themselves."""
        request = pb.ListReceiptsRequest(
            filter=filter,
            order=pb.ORDER_OLDEST_FIRST if oldest_first else pb.ORDER_NEWEST_FIRST,
            recorded_after=recorded_after and _timestamp(recorded_after),
            recorded_before=recorded_before and _timestamp(recorded_before),
        )
        while True:
            page = await self._connection.ask("ListReceipts", request)
            for receipt in page.receipts:
                yield receipt
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def message(
        self,
        *,
        message_key: str = "",
        provider: str = "",
        message_id: str = "",
        recipient: str = "",
        receipts_after: int = 0,
    ) -> pb.Message | None:
        """
        The message named by its key, or by provider, message id and recipient, with its receipts;
        None if there is none.  Where it has `receipts_truncated`, more of them come by asking for
        those *receipts_after* the last one's position.  Raises `RecipientRequired` where an id has
        several recipients.
        """
        request = pb.GetMessageRequest(
            message_key=message_key,
            provider=provider,
            message_id=message_id,
            recipient=recipient,
            receipts_after=receipts_after,
        )
        try:
            answer = await self._connection.ask("GetMessage", request)
        except NotFound:
            return None
        assert isinstance(answer, pb.GetMessageResponse)  # noqa: S101
        return answer.message

    async def log(self) -> pb.GetLogResponse:
        """The name of the log, and the cursors where it begins and ends."""
        answer = await self._connection.ask("GetLog", pb.GetLogRequest())
        assert isinstance(answer, pb.GetLogResponse)  # noqa: S101
        return answer


def _set_start(
    request: pb.StreamReceiptsRequest | pb.Open,
    after: str | None,
    since: datetime | None,
    start_at: StartAt,
) -> None:
    if after is not None and since is not None:
        message = "give after or since, not both"
        raise ValueError(message)
    if after is not None:
        request.after = after
    elif since is not None:
        request.since.CopyFrom(_timestamp(since))
    else:
        request.start_at = _STARTS[start_at]


def _on_expired(*, earliest: bool) -> pb.OnExpired:
    return pb.ON_EXPIRED_EARLIEST if earliest else pb.ON_EXPIRED_FAIL


def _timestamp(instant: datetime) -> Timestamp:
    if instant.tzinfo is None:
        message = "an instant needs a time zone, such as datetime.now(UTC)"
        raise ValueError(message)
    timestamp = Timestamp()
    timestamp.FromDatetime(instant.astimezone(UTC))
    return timestamp
