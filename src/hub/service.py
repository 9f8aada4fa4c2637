"""The composition root: what is built, in which order, and closed in reverse."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import structlog
import uvicorn
from fastapi import FastAPI

from hub import http
from hub.errors import StartError
from hub.feed.follower import Feed
from hub.feed.subscriptions import Subscriptions
from hub.feed.tail import Tail
from hub.graphql.app import graphql_router
from hub.grpc.server import serving
from hub.intake.webhook import Webhook, documentation
from hub.log.accounts import Accounts
from hub.log.commit import Committer
from hub.log.log import ReceiptLog
from hub.log.retention import Retention
from hub.log.store import Store, opened
from hub.log.upkeep import Upkeep
from hub.log.writer import Writer
from hub.settings import Settings
from hub.telemetry import Metrics

_STREAMS, _POSTS = 0.6, 0.75
"""Shares of a stop's time after which open streams, and posts in flight, are cut off."""

_LAST_WORD_SECONDS = 45.0
"""How long a connection still waits for a slow reader to take the reason of its end."""

logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hub:
    """A running hub."""

    settings: Settings
    store: Store
    log: ReceiptLog
    writer: Writer
    accounts: Accounts
    feed: Feed
    metrics: Metrics
    http_url: str
    """Where HTTP is reached, such as http://127.0.0.1:8000, without a slash at its end."""
    grpc_address: str
    """Where gRPC is reached, as host:port."""


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Hub]:
    """
    Start the hub, yield it, drain it and stop it in reverse.

    If the writer, the tail or another loop dies, so does everything: a hub that takes receipts
    which it cannot commit or deliver is worse than one that restarts.  Raises `StartError`.
    """
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(_listener(settings))
        store = await stack.enter_async_context(opened(settings))
        log = ReceiptLog(store)
        accounts = Accounts(store, settings.account_refresh_seconds)
        await accounts.load()
        writer = _writer(store, settings, metrics)
        tail = Tail(
            log,
            window=settings.feed_window,
            poll_seconds=settings.poll_seconds,
            committed=writer.committed,
            metrics=metrics,
        )
        await tail.start()
        feed = Feed(log, tail, accounts, settings, metrics)
        subscriptions = Subscriptions(store, feed, settings, metrics)

        loops = await stack.enter_async_context(asyncio.TaskGroup())
        retention = Retention(log, settings, metrics)
        upkeep = Upkeep(store, metrics)
        for loop in (writer, tail, accounts, subscriptions, retention, upkeep):
            stack.callback(loops.create_task(loop.run()).cancel)
        listening = store.dialect.listen(settings, writer.committed.set)
        stack.callback(loops.create_task(listening).cancel)

        grpc_server = await stack.enter_async_context(
            serving(settings, log, feed, accounts, subscriptions, metrics)
        )
        stack.callback(loops.create_task(grpc_server.run()).cancel)
        server = _Server(_uvicorn(settings))
        server.config.app = http.application(
            Webhook(settings, accounts, writer, metrics, feed.draining.is_set),
            http.operations(log, writer, feed, metrics, lambda: server.started),
            documentation(),
            graphql_router(settings, log, feed, accounts, metrics),
            origins=settings.graphql_allowed_origins,
        )
        stopping = _Stopping(settings.drain_seconds)
        stack.push_async_callback(stopping.wait, _POSTS, writer.drain)
        await stack.enter_async_context(_served(server, listener, stopping))

        async def drain() -> None:
            stopping.begin()
            await grpc_server.not_serving()
            feed.drain()
            for surface in (feed, grpc_server):
                await stopping.wait(_STREAMS, surface.ended)

        stack.push_async_callback(drain)
        http_url = _url(settings, listener)
        logger.info("ready", http=http_url, grpc=grpc_server.address)
        yield Hub(
            settings, store, log, writer, accounts, feed, metrics, http_url, grpc_server.address
        )
        logger.info("draining")


class _Stopping:
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


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the hub."""
        yield


def _uvicorn(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        FastAPI(),
        http="httptools",
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
async def _served(
    server: uvicorn.Server, listener: socket.socket, stopping: _Stopping
) -> AsyncIterator[None]:
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
        server.config.timeout_graceful_shutdown = stopping.left(_POSTS)  # type: ignore[assignment]
        server.should_exit = True
        await task


def _writer(store: Store, settings: Settings, metrics: Metrics) -> Writer:
    committer = Committer(store)
    return Writer(
        committer, batch=settings.commit_batch, queue=settings.commit_queue, metrics=metrics
    )


@contextmanager
def _listener(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    # With its protocol named: asyncio turns Nagle's algorithm off for such sockets alone.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # of Linux; else a reader that was ended but takes
            # nothing keeps its last bytes in memory until it goes
            most = round(1000 * (settings.slow_reader_seconds + _LAST_WORD_SECONDS))
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, most)
        try:
            listener.bind((settings.http_host, settings.http_port))
        except OSError as error:
            message = (
                f"HUB_HTTP_PORT holds {settings.http_port}, and {settings.http_host}"
                f":{settings.http_port} cannot be listened on: {error.strerror}"
            )
            raise StartError(message) from error
        listener.setblocking(False)
        yield listener


def _url(settings: Settings, listener: socket.socket) -> str:
    host = f"[{settings.http_host}]" if ":" in settings.http_host else settings.http_host
    return f"http://{host}:{listener.getsockname()[1]}"
