"""The one HTTP application and the server that carries it."""

from hub.http.server import POSTS, STREAMS, Server, Stopping, listening, served

__all__ = [
    "POSTS",
    "STREAMS",
    "Server",
    "Stopping",
    "listening",
    "served",
]
