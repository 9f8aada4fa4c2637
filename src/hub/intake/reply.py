"""Answers on their way back to the provider."""

from starlette.types import Receive, Scope, Send

from hub.intake.adapters.adapter import Adapter, Answer
from hub.intake.body import declared_length, discard

_RETRY_AFTER = {
    Answer.OVERLOADED: b"1",
    Answer.STORE_UNAVAILABLE: b"5",
    Answer.DRAINING: b"5",
}
"""Seconds after which a provider may try again."""

_CUT_OFF = {Answer.TOO_LARGE, Answer.TOO_SLOW}
_BEFORE_BODY = {
    Answer.NOT_FOUND,
    Answer.WRONG_METHOD,
    Answer.WRONG_PEER,
    Answer.DRAINING,
    Answer.STORE_UNAVAILABLE,
}

Headers = list[tuple[bytes, bytes]]


def must_close(answer: Answer, scope: Scope, limit: int) -> bool:
    """
    Whether, after *answer*, the server would go on reading a body of more than *limit* bytes, or
    one that never ends, if the connection were kept.
    """
    if answer in _BEFORE_BODY:
        length = declared_length(scope["headers"])
        return length is None or length > limit
    return answer in _CUT_OFF


async def respond(send: Send, adapter: Adapter, answer: Answer, reference: str) -> None:
    """Send *answer* in the adapter's words and keep the connection."""
    await _start(send, adapter, answer, reference, [], more=False)


async def respond_and_close(
    receive: Receive, send: Send, adapter: Adapter, answer: Answer, reference: str
) -> None:
    """Send *answer* in the adapter's words, see that it arrives, and close the connection."""
    await _start(send, adapter, answer, reference, [(b"connection", b"close")], more=True)
    if answer is not Answer.TOO_SLOW:
        await discard(receive)
    await send({"type": "http.response.body", "body": b""})


async def _start(
    send: Send, adapter: Adapter, answer: Answer, reference: str, extra: Headers, *, more: bool
) -> None:
    reply = adapter.reply(answer, reference)
    headers = [
        (b"content-type", reply.media_type.encode()),
        (b"content-length", str(len(reply.body)).encode()),
        *extra,
    ]
    if answer in _RETRY_AFTER:
        headers.append((b"retry-after", _RETRY_AFTER[answer]))
    if answer is Answer.WRONG_METHOD:
        headers.append((b"allow", ", ".join(adapter.METHODS).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body, "more_body": more})
