"""The gRPC surface: streams, durable readers and look-ups for services."""

from hub.grpc.server import GrpcServer, serving

__all__ = [
    "GrpcServer",
    "serving",
]
