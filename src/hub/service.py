"""The composition root: what is built, in which order, and closed in reverse."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
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
from hub.intake.webhook import callback_router
from hub.log.accounts import Accounts
from hub.log.commit import Committer
from hub.log.log import ReceiptLog
from hub.log.retention import Retention
from hub.log.store import Store, opened
from hub.log.upkeep import Upkeep
from hub.log.writer import Writer
from hub.settings import Settings
from hub.telemetry import Metrics

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

        grpc_server = await stack.enter_async_context(
            serving(settings, log, feed, accounts, subscriptions, metrics)
        )
        stack.callback(loops.create_task(grpc_server.run()).cancel)
        server = _Server(_uvicorn(settings))
        server.config.app = http.application(
            http.operations(log, writer, feed, metrics, lambda: server.started),
            callback_router(settings, accounts, writer, metrics, feed.draining.is_set),
            graphql_router(settings, log, feed, accounts, metrics),
        )
        stack.push_async_callback(writer.drain)
        await stack.enter_async_context(_served(server, listener))

        async def drain() -> None:
            await grpc_server.not_serving()
            feed.drain()

        stack.push_async_callback(drain)
        http_url = _url(settings, listener)
        logger.info("ready", http=http_url, grpc=grpc_server.address)
        yield Hub(
            settings, store, log, writer, accounts, feed, metrics, http_url, grpc_server.address
        )
        logger.info("draining")


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
        timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
    )


@asynccontextmanager
async def _served(server: uvicorn.Server, listener: socket.socket) -> AsyncIterator[None]:
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
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
