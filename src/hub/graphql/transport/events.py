"""The side of event streams: graphql-sse in its distinct connections mode."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Send
from strawberry.http.streaming import SSETransport

from hub.errors import Draining, SlowReader
from hub.graphql.context import Connection
from hub.graphql.errors import Refused, formatted
from hub.graphql.operation import Operation
from hub.graphql.operations.live import Live
from hub.graphql.transport.sockets import CLOSE_SECONDS

_RESUMABLE = (Draining, SlowReader)
"""After these the stream ends without `complete`, so that clients connect again."""


def refusal(text: str) -> Response:
    """The stream of an operation that cannot begin, with *text*, the JSON of its errors."""
    form = SSETransport()
    events = form.encode_event("next", text) + form.encode_complete()
    return Response(events, headers=form.headers)


class EventStream(StreamingResponse):
    """
    One operation's results as events.  An error is a `next` event with `errors`, since the
    protocol has no other; a reader who takes nothing for too long is told so and let go.
    """

    def __init__(self, live: Live, connection: Connection, operation: Operation) -> None:
        self._live = live
        self._connection = connection
        self._operation = operation
        self._settings = connection.services.settings
        self._form = SSETransport()
        super().__init__(self._events(), headers=self._form.headers)

    async def stream_response(self, send: Send) -> None:
        """Send the events, each of which must be taken in time."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with aclosing(self._events()) as events:
            try:
                async for event in events:
                    async with asyncio.timeout(self._settings.slow_reader_seconds):
                        await send(_body(event))
            except TimeoutError:
                self._count_end(SlowReader.reason)
                await _let_go(send, self._refused(SlowReader()))
                return
        await send(_body("", more=False))

    async def _events(self) -> AsyncGenerator[str, None]:
        try:
            async with aclosing(self._paced()) as events:
                async for event in events:
                    yield event
            yield self._form.encode_complete()
        except Refused as refusal:
            yield self._refused(*refusal.errors) + self._form.encode_complete()
        except Exception as error:  # noqa: BLE001  # formatted, which logs what is unexpected
            self._count_end(getattr(error, "reason", "INTERNAL"))
            complete = "" if isinstance(error, _RESUMABLE) else self._form.encode_complete()
            yield self._refused(error) + complete

    async def _paced(self) -> AsyncGenerator[str, None]:
        """Results as they come, and comments while none do; the token is looked after."""
        settings = self._settings
        interval = min(settings.heartbeat_seconds, settings.account_refresh_seconds)
        clock = asyncio.get_running_loop().time
        async with aclosing(self._live.results(self._connection, self._operation)) as results:
            coming = asyncio.ensure_future(anext(results, None))
            sent = clock()
            try:
                while True:
                    done, _ = await asyncio.wait({coming}, timeout=interval)
                    if done:
                        text = coming.result()
                        if text is None:
                            return
                        sent = clock()
                        yield self._form.encode_event("next", text)
                        coming = asyncio.ensure_future(anext(results, None))
                    elif clock() - sent >= settings.heartbeat_seconds:
                        sent = clock()
                        yield self._form.heartbeat_message(str)
                    if self._operation.live:
                        _ = self._connection.access
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    def _refused(self, *errors: BaseException) -> str:
        suggests = self._connection.suggests
        body = {"errors": [formatted(error, suggests=suggests) for error in errors]}
        return self._form.encode_event("next", msgspec.json.encode(body).decode())

    def _count_end(self, reason: str) -> None:
        self._connection.services.metrics.streams_ended.labels("graphql", reason).inc()


async def _let_go(send: Send, last: str) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await send(_body(last))
            await send(_body("", more=False))


def _body(text: str, *, more: bool = True) -> Message:
    body: dict[str, Any] = {"type": "http.response.body", "body": text.encode(), "more_body": more}
    return body
