"""Generated from `proto/hub/v1`: the messages and the service of the gRPC API.  Never edited."""
