"""A durable subscription: the hub keeps the place, this side says what is done."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Any, Self

from hub.client.connection import Connection, Listening
from hub.client.errors import HubCallError, Unavailable
from hub.v1 import receipts_pb2 as pb

FAREWELL_SECONDS = 5.0
"""Longest that leaving waits for the hub to store the last acknowledgements."""


class Subscription:
    """
    Receipts that were not acknowledged yet, one after the other, without end.

    A receipt comes at least once: whatever was not acknowledged when the connection broke, or
    the hub or this service stopped, comes again, also to another instance.  While another
    instance holds the subscription, this one waits and takes over when that one leaves.
    """

    def __init__(self, connection: Connection, opening: pb.Open) -> None:
        self._connection = connection
        self._opening = opening
        self._listening: Listening | None = None
        self._waiting: deque[pb.Receipt] = deque()
        self._current: pb.Receipt | None = None
        self._cursor = ""
        self.acked = ""
        """The cursor up to which acknowledgements are stored; only this is promised."""
        self.lag = 0
        """Positions between the last frame and the head of the log."""
        self.standby = False
        """Whether another reader holds the subscription."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> pb.Receipt:
        """The next receipt.  Raises `HubCallError` for what reconnecting does not cure."""
        while not self._waiting:
            await self._fill()
        self._current = self._waiting.popleft()
        return self._current

    async def ack(self) -> None:
        """
        All receipts up to the last one that came are processed.  Returns when that is said; it is
        stored a moment later, see `acked`.  Raises `Fenced` where another reader took over.
        """
        if self._current is not None:
            await self._say(pb.ConsumeRequest(ack=pb.Ack(cursor=self._reached())))

    async def park(self, reason: str) -> None:
        """
        Set the last receipt that came aside because of *reason*, so that it does not stop the
        others.  It counts as processed; operators list it, send it again or drop it.
        """
        if self._current is not None:
            park = pb.Park(position=self._current.position, reason=reason[:1000])
            await self._say(pb.ConsumeRequest(park=park))

    async def close(self) -> None:
        """Leave: wait until what was acknowledged is stored, then let another reader take over."""
        listening, self._listening = self._listening, None
        self._waiting.clear()
        self._current = None
        if listening is None:
            return
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await listening.call.done_writing()
                while (frame := await listening.next()) is not None:
                    self.acked = frame.acked_cursor
        except (HubCallError, TimeoutError, asyncio.InvalidStateError):
            return
        finally:
            listening.hang_up()

    async def _fill(self) -> None:
        """Read a frame, from a new stream if there is none."""
        try:
            frame = await self._next()
        except Unavailable as error:
            if self._listening is None:  # the connection was patient already
                raise
            self._break(error)
            return
        self._cursor, self.acked = frame.cursor, frame.acked_cursor
        self.lag, self.standby = frame.lag, frame.standby
        self._waiting.extend(frame.receipts)

    async def _next(self) -> pb.ConsumeResponse:
        frame = await (self._listening.next() if self._listening else self._begin())
        if frame is None:
            raise Unavailable
        assert isinstance(frame, pb.ConsumeResponse)  # noqa: S101
        return frame

    async def _begin(self) -> Any:
        """The first frame of a new stream."""
        connection = self._connection
        self._listening, frame = await connection.listen(
            lambda: connection.stub.Consume(metadata=connection.metadata),
            pb.ConsumeRequest(open=self._opening),
        )
        return frame

    async def _say(self, request: pb.ConsumeRequest) -> None:
        """What is said to a stream that broke is lost; its receipts come again."""
        if self._listening is None:
            return
        try:
            await self._listening.say(request)
        except Unavailable as error:
            self._break(error)

    def _break(self, error: Unavailable) -> None:
        """Forget the stream that *error* ended; the next receipt begins another one."""
        self._connection.on_unavailable(error)
        if self._listening is not None:
            self._listening.hang_up()
        self._listening, self._current = None, None
        self._waiting.clear()

    def _reached(self) -> str:
        """The cursor of the last receipt that came."""
        if self._current is None or not self._waiting:
            return self._cursor
        return f"{self._cursor.rpartition(':')[0]}:{self._current.position}"
