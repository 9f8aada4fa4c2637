"""Positions of the log, as people write them."""

import re
from typing import TYPE_CHECKING

from hub.cli.terminal.values import instant
from hub.errors import CursorExpired, CursorForeign, CursorInvalid
from hub.receipt import Cursor

if TYPE_CHECKING:
    from hub.log.bounds import Bounds
    from hub.log.read.log import ReceiptLog

_LOOKS_LIKE_CURSOR = re.compile(r"\w+:\d+")


async def resolve_position(log: "ReceiptLog", text: str) -> int:
    """The position behind which *text* lets one go on: a cursor, a time, `earliest`, `latest`."""
    bounds = await log.bounds()
    if text == "earliest":
        return bounds.oldest - 1
    if text == "latest":
        return bounds.head
    if _LOOKS_LIKE_CURSOR.fullmatch(text):
        return _position(Cursor.parse(text), bounds)
    return await log.position_at(int(instant(text).timestamp() * 1_000_000))


def _position(cursor: Cursor, bounds: "Bounds") -> int:
    if cursor.epoch != bounds.epoch:
        raise CursorForeign
    if cursor.position > bounds.head:
        raise CursorInvalid
    if cursor.position < bounds.oldest - 1:
        raise CursorExpired(oldest=bounds.oldest_cursor, head=bounds.head_cursor)
    return cursor.position
