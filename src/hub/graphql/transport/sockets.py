"""The socket side: graphql-transport-ws as strawberry speaks it, and what the hub promises more."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from json import JSONDecodeError
from typing import Any, Protocol, cast

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.async_base_view import AsyncBaseHTTPView
from strawberry.http.exceptions import (
    NonJsonMessageReceived,
    NonTextMessageReceived,
    WebSocketDisconnected,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import PingMessage

from hub.errors import Draining, HubError, SlowReader, TooManyStreams, Unauthenticated
from hub.graphql.context import Connection, session_of
from hub.graphql.errors import Refused, formatted
from hub.graphql.operations.documents import Documents
from hub.graphql.operations.live import Live

INIT_SECONDS = 10
"""Longest from the handshake to `connection_init`."""
MOST_OPERATIONS = 100
"""Operations that one socket may have open."""
CLOSE_SECONDS = 30
"""Longest that a reader who takes nothing is waited for with the reason to end."""

CODES: dict[type[HubError], int] = {Unauthenticated: 4403, Draining: 1012, SlowReader: 4008}
"""Errors that end the socket, and its closing codes."""


class Frames(ASGIWebSocketAdapter):
    """Frames in and out, of which none waits for ever."""

    ws: WebSocket

    def __init__(
        self, view: AsyncBaseHTTPView[Any, Any, Any, Any, Any, Any, Any], *rest: WebSocket
    ) -> None:
        super().__init__(view, *rest)
        self._over = asyncio.Event()
        self._closing = False

    async def iter_json(
        self, *, ignore_parsing_errors: bool = False
    ) -> AsyncGenerator[object, None]:
        """Messages as they come, until the socket closes or is given up."""
        over = asyncio.create_task(self._over.wait())
        try:
            while (text := await self._received(over)) is not None:
                try:
                    yield self.view.decode_json(text)
                except (JSONDecodeError, RecursionError) as error:
                    raise NonJsonMessageReceived from error
        finally:
            over.cancel()

    async def _received(self, over: asyncio.Task[Any]) -> str | None:
        receiving = asyncio.create_task(self.ws.receive_text())
        try:
            await asyncio.wait((receiving, over), return_when=asyncio.FIRST_COMPLETED)
            return receiving.result() if receiving.done() else None
        except KeyError as error:
            raise NonTextMessageReceived from error
        except (WebSocketDisconnect, RuntimeError):
            return None
        finally:
            if not receiving.done():
                receiving.cancel()

    async def send_text(self, text: str, *, seconds: float) -> None:
        """Send *text*; raises `SlowReader` where the other end takes nothing for *seconds*."""
        if self._closing:
            raise WebSocketDisconnected
        try:
            async with asyncio.timeout(seconds):
                await self.ws.send_text(text)
        except TimeoutError:
            raise SlowReader from None
        except (WebSocketDisconnect, RuntimeError) as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Close with *code*, once; a reader who does not take even that is given up."""
        if self._closing:
            return
        self._closing = True
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.ws.close(code=code, reason=reason[:120])
        self._over.set()


class Answering(Protocol):
    """What a socket needs of the endpoint that it belongs to."""

    documents: Documents
    live: Live


class Socket(BaseGraphQLTransportWSHandler[Connection, None]):
    """One connection."""

    websocket: Frames

    @property
    def endpoint(self) -> Answering:
        """The endpoint that it belongs to."""
        return cast("Answering", self.view)

    async def handle(self) -> None:
        """Serve the connection to its end."""
        watch = asyncio.create_task(self._watch())
        try:
            await super().handle()
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def handle_message(self, message: Any) -> None:
        """Take a message of the protocol; any other closes the socket with 4400."""
        if _of_protocol(message):
            if message.get("payload") is None:  # the protocol's way to say that there is none
                message.pop("payload", None)
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("this is no message of graphql-transport-ws")

    async def send_message(self, message: Any) -> None:
        """Send a message of the protocol."""
        try:
            await self._send(msgspec.json.encode(message).decode())
        except SlowReader as error:
            await self._end(error)
            raise WebSocketDisconnected from None

    async def handle_ping(self, message: PingMessage) -> None:
        """Answer; a token in the payload takes the place of the one before."""
        payload = message.get("payload")
        if isinstance(payload, dict) and (text := authorization(payload)):
            session = await session_of(self.context.services, text)
            if session.access is None:
                await self._end(session.refusal)
                return
            self.context.session.access = session.access
        await super().handle_ping(message)

    async def run_operation(self, operation: Operation[Connection, None]) -> None:
        """Send the results of *operation*, and how it ended."""
        try:
            await self._run(operation)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            pass
        except tuple(CODES) as error:
            self._count_end(error.reason)
            await self._end(error)
        except Refused as refusal:
            await self._refuse(operation, *refusal.errors)
        except Exception as error:  # noqa: BLE001  # formatted, which logs what is unexpected
            self._count_end(getattr(error, "reason", "INTERNAL"))
            await self._refuse(operation, error)
        finally:
            if self.operations.get(operation.id) is operation:
                del self.operations[operation.id]

    async def _run(self, operation: Operation[Connection, None]) -> None:
        if len(self.operations) > MOST_OPERATIONS:
            message = f"a socket may have {MOST_OPERATIONS} operations open; complete some"
            raise TooManyStreams(message)
        prepared = self.endpoint.documents.operation(
            operation.query, operation.operation_name, operation.variables
        )
        head = f'{{"id":{msgspec.json.encode(operation.id).decode()},"type":"next","payload":'
        async with aclosing(self.endpoint.live.results(self.context, prepared)) as results:
            async for text in results:
                if not operation.completed:
                    await self._send(f"{head}{text}}}")

    async def _refuse(self, operation: Operation[Connection, None], *errors: BaseException) -> None:
        suggests = self.context.suggests
        payload: Any = [formatted(error, suggests=suggests) for error in errors]
        with suppress(WebSocketDisconnected):
            await operation.send_operation_message(
                {"id": operation.id, "type": "error", "payload": payload}
            )

    async def _send(self, text: str) -> None:
        seconds = self.context.services.settings.slow_reader_seconds
        await self.websocket.send_text(text, seconds=seconds)

    async def _watch(self) -> None:
        """Ping, look after the token, and close when the hub drains; until cancelled."""
        feed, settings = self.context.services.core.feed, self.context.services.settings
        interval = min(settings.heartbeat_seconds, settings.account_refresh_seconds)
        clock = asyncio.get_running_loop().time
        ping_at = clock() + settings.heartbeat_seconds
        while not await _happens(feed.draining, interval):
            if not self.connection_acknowledged:
                continue
            try:
                _ = self.context.access
            except Unauthenticated as error:
                await self._end(error)
                return
            if clock() >= ping_at:
                ping_at = clock() + settings.heartbeat_seconds
                with suppress(WebSocketDisconnected):
                    await self.send_message({"type": "ping"})
        await self._drained()

    async def _drained(self) -> None:
        """Let open operations have their last frame, then close."""
        tasks = [operation.task for operation in self.operations.values() if operation.task]
        if tasks:
            await asyncio.wait(tasks, timeout=1)
        await self._end(Draining())

    async def _end(self, error: HubError) -> None:
        await self.websocket.close(CODES[type(error)], f"{error.reason}: {error}")

    def _count_end(self, reason: str) -> None:
        self.context.services.metrics.streams_ended.labels("graphql", reason).inc()


def authorization(payload: dict[str, Any]) -> str:
    """The text of `authorization` in *payload*, however it is written; empty without one."""
    found = next((v for k, v in payload.items() if k.lower() == "authorization"), "")
    return found if isinstance(found, str) else ""


def _of_protocol(message: Any) -> bool:
    """Whether *message* is one that a client may send, of the types that the protocol gives it."""
    if not isinstance(message, dict):
        return False
    if message.get("type") in ("connection_init", "ping", "pong"):
        return True
    if message.get("type") == "complete":
        return isinstance(message.get("id"), str)
    if message.get("type") != "subscribe":
        return False
    payload = message.get("payload")
    return (
        isinstance(message.get("id"), str)
        and isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("variables"), dict | None)
    )


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Whether *event* happens within *seconds*."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
