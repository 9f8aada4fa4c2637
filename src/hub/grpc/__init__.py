"""The gRPC surface: streams, durable readers and look-ups for services."""
