"""A request's body, within its limits of size and time."""

import asyncio
from collections.abc import Iterable

from starlette.types import Message, Receive

from hub.intake.adapters.adapter import Answer

_LINGER_SECONDS = 2.0
_LINGER_BYTES = 16 * 1_048_576


class Ended(Exception):
    """The callback is answered, whatever else it may hold."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.name)
        self.answer = answer


class HungUp(Exception):
    """The provider is gone; nobody hears an answer."""


def declared_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """How many bytes of body the *headers* announce; None where they do not tell."""
    for name, value in headers:
        if name == b"content-length":
            return int(value)
        if name == b"transfer-encoding":
            return None
    return 0


async def read_body(receive: Receive, limit: int, seconds: float) -> bytes:
    """
    The body.  Raises `Ended` after no more than *limit* bytes and what came together with the
    last of them, or after *seconds*; `HungUp` where the provider does.
    """
    try:
        async with asyncio.timeout(seconds):
            message = await receive()
            body = _bytes(message, limit)
            return body if not message.get("more_body") else await _rest(body, receive, limit)
    except TimeoutError:
        raise Ended(Answer.TOO_SLOW) from None


async def _rest(first: bytes, receive: Receive, limit: int) -> bytes:
    body = bytearray(first)
    more = True
    while more:
        message = await receive()
        body += _bytes(message, limit - len(body))
        more = message.get("more_body", False)
    return bytes(body)


async def discard(receive: Receive) -> None:
    """
    Take what is still on its way and forget it.  A connection that is closed before loses its
    answer, since many clients send all before they read.  Ends with the body, the provider, or
    its patience of some seconds and megabytes.
    """
    size = 0
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            more = True
            while more and size < _LINGER_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        return


def _bytes(message: Message, limit: int) -> bytes:
    if message["type"] == "http.disconnect":
        raise HungUp
    body: bytes = message.get("body", b"")
    if len(body) > limit:
        raise Ended(Answer.TOO_LARGE)
    return body
