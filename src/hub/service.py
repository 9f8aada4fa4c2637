"""The composition root: what is built, in which order, and closed in reverse."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from hub.accounts import Accounts
from hub.database import Store, opened
from hub.feed import Feed, Tail
from hub.graphql import graphql_router
from hub.grpc import GrpcServer, serving
from hub.http import POSTS, STREAMS, Server, Stopping, application, listening, served
from hub.intake import Webhook, operation
from hub.log import Committer, ReceiptLog, Writer
from hub.queries import Core
from hub.settings import Settings
from hub.subscriptions import Readers
from hub.telemetry import Metrics
from hub.upkeep import Retention, Upkeep
from hub.urls import http_url

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
    callbacks_url: str
    """Where callbacks are, as on this machine; what providers reach may be HUB_PUBLIC_URL."""
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
        sockets = [stack.enter_context(listening(settings, "http"))]
        if settings.callbacks_apart:
            sockets.append(stack.enter_context(listening(settings, "callback")))
        store = await stack.enter_async_context(opened(settings))
        parts = await _parts(store, metrics)
        loops = await stack.enter_async_context(asyncio.TaskGroup())
        for work in _loops(parts):
            stack.callback(loops.create_task(work).cancel)
        feed = parts.feed
        grpc_server = await stack.enter_async_context(
            serving(settings, parts.core, parts.subscriptions, metrics)
        )
        stack.callback(loops.create_task(grpc_server.run()).cancel)
        callbacks, started = application.Callbacks(_webhook(parts), operation()), asyncio.Event()
        stopping = Stopping(settings.drain_seconds)
        stack.push_async_callback(stopping.wait, POSTS, parts.writer.drain)
        for app, listener in zip(_apps(parts, callbacks, started.is_set), sockets, strict=True):
            await stack.enter_async_context(served(Server(settings, app), listener, stopping))
        started.set()
        stack.push_async_callback(_drain, stopping, feed, grpc_server, callbacks)
        http_at, callbacks_at = _reached(settings, sockets)
        logger.info("ready", http=http_at, callbacks=callbacks_at, grpc=grpc_server.address)
        yield Hub(
            settings,
            store,
            parts.log,
            parts.writer,
            parts.accounts,
            feed,
            metrics,
            http_at,
            callbacks_at,
            grpc_server.address,
        )
        logger.info("draining")


async def _drain(
    stopping: Stopping, feed: Feed, grpc_server: GrpcServer, callbacks: application.Callbacks
) -> None:
    stopping.begin()
    await grpc_server.not_serving()
    feed.drain()
    for surface in (feed, grpc_server):
        await stopping.wait(STREAMS, surface.ended)
    await stopping.wait(POSTS, callbacks.ended)  # others hear 503 meanwhile, not silence


@dataclass(frozen=True, slots=True)
class _Parts:
    store: Store
    metrics: Metrics
    log: ReceiptLog
    accounts: Accounts
    writer: Writer
    feed: Feed
    subscriptions: Readers

    @property
    def core(self) -> Core:
        """What both surfaces ask."""
        return Core(self.log, self.feed, self.accounts)


async def _parts(store: Store, metrics: Metrics) -> _Parts:
    """What the surfaces are made of, ready to be used."""
    settings = store.settings
    log = ReceiptLog(store)
    accounts = Accounts(store, settings.account_refresh_seconds)
    await accounts.load()
    writer = Writer(
        Committer(store),
        batch=settings.commit_batch,
        queue=settings.commit_queue,
        metrics=metrics,
    )
    tail = Tail(
        log,
        window=settings.feed_window,
        poll_seconds=settings.poll_seconds,
        committed=writer.committed,
        metrics=metrics,
    )
    await tail.start()
    feed = Feed(log, tail, accounts, settings, metrics)
    subscriptions = Readers(store, feed, settings, metrics)
    await subscriptions.start()
    return _Parts(store, metrics, log, accounts, writer, feed, subscriptions)


def _loops(parts: _Parts) -> list[Coroutine[None, None, None]]:
    """What runs in the background for as long as the hub does."""
    store, settings = parts.store, parts.store.settings
    return [
        parts.writer.run(),
        parts.feed.tail.run(),
        parts.accounts.run(),
        parts.subscriptions.run(),
        Retention(parts.log, settings, parts.metrics).run(),
        Upkeep(store, parts.metrics).run(),
        store.dialect.listen(settings, parts.writer.committed.set),
    ]


def _webhook(parts: _Parts) -> Webhook:
    draining = parts.feed.draining.is_set
    return Webhook(parts.store.settings, parts.accounts, parts.writer, parts.metrics, draining)


def _apps(
    parts: _Parts, callbacks: application.Callbacks, started: Callable[[], bool]
) -> list[application.Application]:
    """What is served over HTTP, and where callbacks are apart, what is served to providers."""
    settings, metrics, feed = parts.store.settings, parts.metrics, parts.feed
    routers = (
        application.operations(parts.log, parts.writer, feed, metrics, started),
        graphql_router(settings, parts.core, metrics),
    )
    origins = settings.graphql_allowed_origins
    if settings.callbacks_apart:
        everything_else = application.application(None, *routers, origins=origins)
        return [everything_else, application.for_providers(callbacks)]
    return [application.application(callbacks, *routers, origins=origins)]


def _reached(settings: Settings, sockets: Sequence[socket.socket]) -> tuple[str, str]:
    """The URLs of HTTP and of callbacks."""
    http_host, _ = settings.address("http")
    callback_host, _ = settings.address("callback")
    first, last = (each.getsockname()[1] for each in (sockets[0], sockets[-1]))
    return http_url(http_host, first), http_url(callback_host, last)
