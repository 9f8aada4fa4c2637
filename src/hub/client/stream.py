"""The log as batches, from a cursor on."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hub.client.connection import Connection
from hub.client.errors import Unavailable
from hub.v1 import receipts_pb2 as pb


@dataclass(frozen=True, slots=True)
class Batch:
    """What a stream gives next.  Without receipts it still moves the cursor."""

    receipts: Sequence[pb.Receipt]
    cursor: str
    """Store this when the receipts are processed, and pass it as `after` the next time."""
    lag: int
    """Positions between the cursor and the head of the log, whether they match or not."""
    caught_up: bool
    """Whether the stream has reached the head: what follows is live."""
    server_time: datetime
    """When the hub sent it, in UTC."""


async def batches(
    connection: Connection, request: pb.StreamReceiptsRequest
) -> AsyncGenerator[Batch, None]:
    """What *request* asks for, across broken connections: each receipt once, in order."""
    while True:
        listening, frame = await connection.listen(
            lambda: connection.stub.StreamReceipts(request, metadata=connection.metadata)
        )
        try:
            while frame is not None:
                yield _batch(frame)
                request.after = frame.cursor
                frame = await listening.next()
        except Unavailable as error:
            connection.on_unavailable(error)
            continue
        finally:
            listening.hang_up()
        return


def _batch(frame: pb.StreamReceiptsResponse) -> Batch:
    return Batch(
        receipts=frame.receipts,
        cursor=frame.cursor,
        lag=frame.lag,
        caught_up=frame.caught_up,
        server_time=frame.server_time.ToDatetime(UTC),
    )
