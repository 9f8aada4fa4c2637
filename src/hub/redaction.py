"""Hides phone numbers, tokens and callback secrets in what is logged.  Pure."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "<number>"

READABLE = frozenset(
    {
        *("timestamp", "level", "logger", "reference", "bytes", "count", "receipts", "position"),
        *("cursor", "epoch", "head", "oldest", "lag", "peer", "http", "callbacks", "grpc"),
    }
)
"""
Fields of log lines whose digits an operator needs; they are known by their name, and nobody has to
guess what they hold.  Tokens and secrets are hidden in them all the same.
"""

_SECRETS = (
    (re.compile(r"(/callbacks/[^/\s]{1,128}/)[^\s?\"']+"), r"\1***"),
    (re.compile(r"(?i)(bearer\s+)[\w\-.~+/=]+"), r"\1***"),
)

# Digits with what people and forms put between them, plain or as URLs, JSON and Python write it.
# Direction marks come with numbers that are copied from address books.
_BETWEEN = (
    r"(?:[\s().+/\-\u00ad\u2010-\u2015\u2212\u200b-\u200f\u2028-\u202e\u2060-\u2069]"
    r"|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\[nrt])"
)
_NUMBER = re.compile(
    rf"(?:[+\uff0b]|%2[Bb])\(?\d(?:{_BETWEEN}{{0,3}}\d){{5,}}"  # known by its sign
    rf"|\d(?:{_BETWEEN}{{0,3}}\d){{7,}}"
)

# What is known to be no number by its form, standing alone.  The whole is one group, to split by.
_ALONE, _END = r"(?<![\w+\uff0b.\-])", r"(?![\w]|[.\-]\w)"
_OTHER = re.compile(
    rf"({_ALONE}(?:"
    # dates and times
    r"(?:19|20)\d\d[-/](?:0[1-9]|1[0-2])[-/](?:0[1-9]|[12]\d|3[01])"
    r"(?:[T ][0-2]\d:[0-5]\d(?::[0-6]\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    # UUIDs, digests and other ids in hexadecimal digits
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(?![0-9a-f]*\d{11})(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})"
    # cursors
    r"|(?![0-9a-f]*\d{8})[0-9a-f]{12}:\d{1,19}"
    # IPv4 addresses; four pairs of digits may be a number
    r"|(?!\d\d\.\d\d\.\d\d\.\d\d(?!\d))(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}"
    r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
    rf"){_END})"
)


def scrub(text: str) -> str:
    """
    *text* without what looks like a phone number, a bearer token or a callback secret.

    >>> scrub("tel:138-0013-8000 at 2026-11-20 10:00:00 from 192.168.100.17")
    'tel:<number> at 2026-11-20 10:00:00 from 192.168.100.17'
    """
    parts = _OTHER.split(_without_secrets(text))
    parts[::2] = [_NUMBER.sub(HIDDEN, part) for part in parts[::2]]
    return "".join(parts)


def redacted(value: Any, name: str = "") -> Any:
    """
    The *value* of the field *name* as it may be logged: texts are scrubbed, also within what holds
    them, numbers hidden where they are as long as a phone number, and other objects are put in
    words first, as they would be anyway.
    """
    match value:
        case str():
            return _without_secrets(value) if name in READABLE else scrub(value)
        case None | bool() | float():
            return value
        case int():
            fits = name in READABLE or scrub(str(value)) == str(value)
            return value if fits else HIDDEN
        case Mapping():
            return {scrub(str(key)): redacted(item, str(key)) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [redacted(item, name) for item in value]
        case _:
            return redacted(repr(value), name)


def _without_secrets(text: str) -> str:
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text
