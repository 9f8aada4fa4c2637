"""The gRPC server, from its port to its last call."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc

from hub import addresses
from hub.grpc import tls
from hub.grpc.calls import Calls
from hub.grpc.encoding import Encoder
from hub.grpc.health import SERVICE, Health, reflect
from hub.grpc.servicer import Receipts
from hub.queries import Core
from hub.settings import Settings
from hub.subscriptions import Readers
from hub.telemetry import Metrics
from hub.v1 import receipts_pb2_grpc

_ENDING_SECONDS = 0.5


class GrpcServer:
    """A server that takes calls."""

    def __init__(self, address: str, health: Health, calls: Calls) -> None:
        self.address = address
        """Where it is reached, as `host:port`."""
        self._health = health
        self._calls = calls

    async def run(self) -> None:
        """End streams whose readers take nothing, until cancelled."""
        await self._calls.end_slow_readers()

    async def not_serving(self) -> None:
        """Tell load balancers that this hub is leaving; calls are still taken."""
        await self._health.not_serving()

    async def ended(self) -> None:
        """Return when no call of the hub's service is open."""
        await self._calls.none_open()


@asynccontextmanager
async def serving(
    settings: Settings,
    core: Core,
    subscriptions: Readers,
    metrics: Metrics,
) -> AsyncIterator[GrpcServer]:
    """
    Take calls until the end of the block, then cut off what is still open.  Whoever leaves the
    block lets streams end before: `GrpcServer.not_serving`, `Feed.drain`, `ended`.
    """
    calls = Calls(SERVICE, metrics, settings.slow_reader_seconds)
    server = grpc.aio.server(interceptors=[calls], options=_options(settings))
    health = Health(server)
    receipts = Receipts(core, subscriptions, Encoder())
    receipts_pb2_grpc.add_ReceiptServiceServicer_to_server(receipts, server)
    if settings.grpc_reflection:
        reflect(server)
    served = GrpcServer(_bind(server, settings), health, calls)
    try:
        await server.start()
        await health.serving()
        yield served
    finally:
        await server.stop(_ENDING_SECONDS)
        await receipts.done_listening(_ENDING_SECONDS)


def _bind(server: grpc.aio.Server, settings: Settings) -> str:
    host = f"[{settings.grpc_host}]" if ":" in settings.grpc_host else settings.grpc_host
    credentials = tls.credentials(settings)
    address = addresses.resolve(settings, "grpc")
    wanted = f"{host}:{settings.grpc_port}"
    try:
        if credentials is None:
            port = server.add_insecure_port(wanted)
        else:
            port = server.add_secure_port(wanted, credentials)
    except RuntimeError:
        port = 0
    if not port:
        # The library does not say why; a socket of our own does.
        raise addresses.refusal(settings, "grpc", addresses.probe(address))
    return f"{host}:{port}"


def _options(settings: Settings) -> Sequence[tuple[str, Any]]:
    return (
        # Two hubs on one port would share its connections without either noticing.
        ("grpc.so_reuseport", 0),
        # Clients may ping every 10 s, with or without calls; the limit must lie below.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ("grpc.http2.max_pings_without_data", 0),
        # A holder of a subscription that vanishes without a word is replaced within 15 s.
        ("grpc.keepalive_time_ms", 5_000),
        ("grpc.keepalive_timeout_ms", 8_000),
        ("grpc.http2.ping_timeout_ms", 8_000),
        ("grpc.max_receive_message_length", settings.grpc_max_message_bytes),
        ("grpc.max_send_message_length", -1),
    )
