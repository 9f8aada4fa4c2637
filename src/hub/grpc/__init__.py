"""The gRPC surface: streams, durable subscriptions, pages and look-ups for back-end services."""
