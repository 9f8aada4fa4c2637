"""Values of items, as all providers write them: what they are, or why they cannot be stored."""

import json
import math
import re
from typing import Any

from hub.intake.adapters.adapter import MAX_CODE, MAX_ID, Reason

_MAX_NUMBER = 2**31 - 1
_MAX_DIGITS = 20
_EXACT_FLOAT = 2.0**53
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


class Refused(Exception):
    """An item that cannot be read, and the *reason*."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def identity(value: Any, reason: Reason) -> str:
    """A name that providers may write as text or as a whole number; else refused for *reason*."""
    is_text = value is None or type(value) is str
    if not (is_text or _is_count(value)):
        raise Refused(reason)
    return text(value, MAX_ID)


def _is_count(value: Any) -> bool:
    """Whether *value* is a whole number, not negative, that JSON readers do not round."""
    if type(value) is float:
        return value.is_integer() and 0 <= value < _EXACT_FLOAT
    return type(value) is int and value >= 0


def code(value: Any) -> str:
    """A code as text, whatever JSON it came as."""
    if type(value) is float and not math.isfinite(value):
        raise Refused(Reason.BAD_NUMBER)
    return text(value, MAX_CODE)


def text(value: Any, longest: int, *, too_long: Reason = Reason.TOO_LONG) -> str:
    """A value as text without blanks around it, of at most *longest* characters."""
    if type(value) is str:
        text = value.strip()
    elif value is None:
        return ""
    else:
        text = _plain(value)
    if len(text) > longest:
        raise Refused(too_long)
    if _NOT_STORABLE.search(text):
        raise Refused(Reason.BAD_TEXT)
    return text


def _plain(value: Any) -> str:
    """A JSON value that is no text, as text: 2.0 is 2, true is true, a list is its JSON."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_FLOAT:
        return str(int(value))
    try:
        return json.dumps(value, separators=(",", ":"))
    except RecursionError:
        raise Refused(Reason.TOO_DEEP) from None


def number(text: str) -> int:
    """A count that is written in digits; refused as `BAD_SEGMENTS`."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise Refused(Reason.BAD_SEGMENTS)
    number = int(text)
    if number > _MAX_NUMBER:
        raise Refused(Reason.BAD_SEGMENTS)
    return number
