"""HTTP on a socket of our own: bound before anything starts, and ended within its time."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

import structlog
import uvicorn
from starlette.types import ASGIApp

from hub import addresses
from hub.errors import StartError
from hub.http.connection import Connection
from hub.settings import Settings

STREAMS, POSTS = 0.6, 0.75
"""Shares of a stop's time after which open streams, and posts in flight, are cut off."""

_LAST_WORD_SECONDS = 45.0
"""How long a connection still waits for a slow reader to take the reason of its end."""

logger = structlog.stdlib.get_logger(__name__)


class Stopping:
    """The time that a stop may take, shared by all that must end before it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._clock = asyncio.get_running_loop().time
        self._began = 0.0

    def begin(self) -> None:
        """The time runs from now on."""
        self._began = self._clock()

    def left(self, share: float) -> float:
        """Seconds until *share* of the time is over."""
        return max(0.0, self._began + share * self._seconds - self._clock())

    async def wait(self, share: float, ending: Callable[[], Awaitable[None]]) -> None:
        """Wait for *ending*, until *share* of the time is over."""
        try:
            async with asyncio.timeout(self.left(share)):
                await ending()
        except TimeoutError:
            logger.warning("cut off: it did not end within HUB_DRAIN_SECONDS")


class Server(uvicorn.Server):
    """An HTTP server of *app*."""

    def __init__(self, settings: Settings, app: ASGIApp) -> None:
        super().__init__(_uvicorn(settings, app))

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the hub."""
        yield


def _uvicorn(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_per_message_deflate=False,
        ws_max_size=settings.max_body_bytes,
        # A reader that takes nothing answers no ping; it is to hear that it was slow.
        ws_ping_timeout=settings.slow_reader_seconds + _LAST_WORD_SECONDS,
    )


@asynccontextmanager
async def served(
    server: uvicorn.Server, listener: socket.socket, stopping: Stopping
) -> AsyncIterator[None]:
    """Serve on *listener* until the end of the block; then end within the time of *stopping*."""
    task = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started:
            if task.done():
                await task
                message = "HTTP did not start"
                raise StartError(message)
            await asyncio.sleep(0.001)
        yield
    finally:
        server.config.timeout_graceful_shutdown = stopping.left(POSTS)  # type: ignore[assignment]
        server.should_exit = True
        await task


@contextmanager
def listening(settings: Settings, surface: Literal["http", "callback"]) -> Iterator[socket.socket]:
    """A socket bound where *settings* have *surface*.  Raises `StartError`."""
    address = addresses.resolve(settings, surface)
    try:
        # With its protocol named: asyncio turns Nagle's algorithm off for such sockets alone.
        listener = socket.socket(address.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise addresses.refusal(settings, surface, error) from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # of Linux; else a reader that was ended but takes
            # nothing keeps its last bytes in memory until it goes
            most = round(1000 * (settings.slow_reader_seconds + _LAST_WORD_SECONDS))
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, most)
        try:
            listener.bind(address.address)
        except OSError as error:
            raise addresses.refusal(settings, surface, error) from error
        listener.setblocking(False)
        yield listener
