"""Positions of the log, as people write them."""

import re
from typing import TYPE_CHECKING

from hub.cli.terminal.values import instant

if TYPE_CHECKING:
    from hub.log import ReceiptLog

_LOOKS_LIKE_CURSOR = re.compile(r"\w+:\d+")


async def resolve_position(log: "ReceiptLog", text: str) -> int:
    """The position behind which *text* lets one go on: a cursor, a time, `earliest`, `latest`."""
    bounds = await log.bounds()
    if text == "earliest":
        return bounds.oldest - 1
    if text == "latest":
        return bounds.head
    if _LOOKS_LIKE_CURSOR.fullmatch(text):
        return bounds.resume(text)
    return await log.position_at(int(instant(text).timestamp() * 1_000_000))
