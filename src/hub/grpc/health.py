"""Health (`grpc.health.v1`) and reflection, which need no token."""

import asyncio

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from hub.v1 import receipts_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["ReceiptService"].full_name
_REFLECTION = "grpc.reflection.v1.ServerReflection"
_PATIENCE_SECONDS = 1.0


class Health:
    """What load balancers are told: per service, and for the hub as a whole."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._servicer = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def serving(self) -> None:
        """Say that calls are taken."""
        await self._servicer.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)

    async def not_serving(self) -> None:
        """Say, once and for all, that this hub is leaving."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._servicer.enter_graceful_shutdown()
        except TimeoutError:
            return  # A watcher that reads nothing holds the others up; they will see us go.


def reflect(server: grpc.aio.Server) -> None:
    """Let *server* describe itself, in the protocol's present version and in its first one."""
    names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME, _REFLECTION)
    reflection.enable_server_reflection(names, server)
    method = grpc.stream_stream_rpc_method_handler(
        reflection.aio.ReflectionServicer(names).ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    both_alike = grpc.method_handlers_generic_handler(_REFLECTION, {"ServerReflectionInfo": method})
    server.add_generic_rpc_handlers((both_alike,))
