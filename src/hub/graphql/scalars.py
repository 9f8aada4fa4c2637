"""Scalars that JSON or GraphQL has no type for."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from hub.receipt import Micros

BigInt = NewType("BigInt", int)
"""A whole number that may pass 2³¹: a string in JSON."""

DateTime = NewType("DateTime", Micros)
"""An instant: text in UTC with `Z` in JSON, `Micros` in the hub."""

CursorText = NewType("CursorText", str)
"""A cursor as text; `hub.receipt.Cursor` reads it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WHOLE_NUMBER = re.compile(r"-?\d{1,19}")
_LARGEST = 2**63


def instant_text(micros: Micros) -> str:
    """
    An instant as the API writes it.

    >>> instant_text(1_604_921_006_000_000)
    '2020-11-09T11:23:26.000000Z'
    """
    seconds, fraction = divmod(micros, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:06d}Z"


def _instant(value: Any) -> Micros:
    try:
        when = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        when = None
    if when is None or when.tzinfo is None:
        message = "DateTime takes ISO 8601 with a zone, such as 2026-03-01T08:00:00Z"
        raise GraphQLError(message)
    return (when - _EPOCH) // _MICROSECOND


def _whole_number(value: Any) -> int:
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -_LARGEST <= value < _LARGEST:
        message = "BigInt takes a whole number of 64 bits, as a string or a number"
        raise GraphQLError(message)
    return value


def _cursor(value: Any) -> str:
    if not isinstance(value, str):
        message = "Cursor takes a string that the hub gave out"
        raise GraphQLError(message)
    return value


SCALARS: Mapping[object, ScalarDefinition] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number of 64 bits.  A string in JSON, so that no client rounds it;"
        " as input a number will do.",
        serialize=str,
        parse_value=_whole_number,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="An instant in ISO 8601, in UTC with `Z` and microseconds, such as"
        " 2026-03-01T08:00:00.000000Z.  As input any offset will do; one must be given.",
        serialize=instant_text,
        parse_value=_instant,
    ),
    CursorText: strawberry.scalar(
        name="Cursor",
        description="A place in the log: everything up to and including it was seen.  Opaque;"
        " the same string works wherever the hub takes a cursor of the log, gRPC included.",
        serialize=str,
        parse_value=_cursor,
    ),
}
