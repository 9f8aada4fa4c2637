"""
What stands around every call of the hub's service: errors become statuses, frames that are
already bytes pass as they are, and a stream whose reader takes nothing is ended.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError, Message

from hub.errors import BadInput, HubError, SlowReader
from hub.grpc.errors import Context, abort, fault, status_of
from hub.telemetry import Metrics

_SURFACE = "grpc"


@dataclass(eq=False, slots=True)
class _Call:
    """A call that is being answered."""

    context: Context
    task: asyncio.Task[Any] | None
    writing_since: float | None = None
    """When the frame that is being written was begun; None between frames."""
    ended: bool = False
    """Whether its reader was too slow, and is being told so."""


class Calls(grpc.aio.ServerInterceptor):
    """The calls of *service* that are being answered."""

    def __init__(self, service: str, metrics: Metrics, slow_seconds: float) -> None:
        self._prefix = f"/{service}/"
        self._metrics = metrics
        self._slow_seconds = slow_seconds
        self._open: set[_Call] = set()
        self._none_open = asyncio.Event()
        self._none_open.set()
        self._endings: set[asyncio.Task[None]] = set()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The handler of the call; for the hub's own service, with all this around it."""
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(self._prefix):
            return handler
        read = _read(handler.request_deserializer)
        if answer := handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(self._unary(answer), read, _bytes)
        if answer := handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(self._stream(answer), read, _bytes)
        return grpc.stream_stream_rpc_method_handler(
            self._stream(lambda sent, context: handler.stream_stream(_each(sent), context)),
            read,
            _bytes,
        )

    async def none_open(self) -> None:
        """Return when no call is being answered."""
        await self._none_open.wait()

    async def end_slow_readers(self) -> None:
        """Look after stalled streams, until cancelled."""
        while True:
            await asyncio.sleep(min(1.0, self._slow_seconds / 4))
            limit = time.monotonic() - self._slow_seconds
            for call in self._open:
                if call.writing_since and call.writing_since < limit and not call.ended:
                    call.ended = True
                    ending = asyncio.create_task(self._end(call))
                    self._endings.add(ending)
                    ending.add_done_callback(self._endings.discard)

    def _unary(self, behaviour: Callable[[Any, Context], Awaitable[Any]]) -> Any:
        async def answer(request: Any, context: Context) -> Any:
            with self._opened(context):
                try:
                    return await behaviour(_readable(request), context)
                except Exception as error:  # noqa: BLE001
                    await _abort(context, error)

        return answer

    def _stream(self, behaviour: Callable[[Any, Context], Any]) -> Any:
        async def answer(request: Any, context: Context) -> AsyncIterator[Any]:
            outcome = "CANCELLED"
            with self._opened(context) as call:
                try:
                    async with aclosing(behaviour(_readable(request), context)) as frames:
                        async for frame in frames:
                            self._metrics.frames.labels(_SURFACE).inc()
                            call.writing_since = time.monotonic()
                            yield frame
                            call.writing_since = None
                    outcome = "OK"
                except Exception as error:  # noqa: BLE001
                    outcome = _reason(error)
                    if not call.ended:
                        await _abort(context, error)
                finally:
                    outcome = SlowReader.reason if call.ended else outcome
                    self._metrics.streams_ended.labels(_SURFACE, outcome).inc()

        return answer

    @contextmanager
    def _opened(self, context: Context) -> Iterator[_Call]:
        call = _Call(context, asyncio.current_task())
        self._open.add(call)
        self._none_open.clear()
        try:
            yield call
        finally:
            self._open.discard(call)
            if not self._open:
                self._none_open.set()

    async def _end(self, call: _Call) -> None:
        """
        Tell the reader, which it hears once it reads again.  Its write is left alone for as long
        as it was waited for, since cancelling one leaks a little of grpc's memory.
        """
        try:
            async with asyncio.timeout(self._slow_seconds):
                await abort(call.context, status_of(SlowReader()))
        except TimeoutError:
            if call.task:
                call.task.cancel()
        except (grpc.aio.AbortError, grpc.aio.UsageError):
            return


def _read(deserializer: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """*deserializer*, which returns the error for what cannot be read: grpc logs a raised one."""

    def read(data: bytes) -> Any:
        try:
            return deserializer(data)
        except DecodeError:
            return BadInput("the request cannot be read as its message of the proto")

    return read


def _readable(request: Any) -> Any:
    if isinstance(request, BadInput):
        raise request
    return request


async def _each(sent: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in sent:
        yield _readable(request)


async def _abort(context: Context, error: Exception) -> NoReturn:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    await abort(context, status_of(error) if isinstance(error, HubError) else fault(error))


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, HubError) else HubError.reason


def _bytes(response: Message | bytes) -> bytes:
    return response if isinstance(response, bytes) else response.SerializeToString()
