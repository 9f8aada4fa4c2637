"""Scalars that JSON or GraphQL has no type for."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, NewType

import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from hub.receipt import EARLIEST, LATEST, Micros

BigInt = NewType("BigInt", int)
"""A whole number that may pass 2³¹: a string in JSON."""

DateTime = NewType("DateTime", Micros)
"""An instant that is shown: text in UTC with `Z` in JSON, `Micros` in the hub."""

CursorText = NewType("CursorText", str)
"""A cursor as text; `hub.receipt.Cursor` reads it."""


class Bound(NamedTuple):
    """
    An instant that was typed, which may lie between two microseconds.  What is later than it is
    later than *floor*, and what is earlier is earlier than *ceiling*.
    """

    floor: Micros
    ceiling: Micros


_NO_INSTANT = "DateTime takes ISO 8601 with a zone, such as 2026-03-01T08:00:00Z"
_OFF_CALENDAR = "DateTime lies between the years 1 and 9999 in UTC"
_NO_WHOLE_NUMBER = "BigInt takes a whole number of 64 bits, as a string or a number"
_NO_CURSOR = "Cursor takes a string that the hub gave out"
SENTENCES = (_NO_INSTANT, _OFF_CALENDAR, _NO_WHOLE_NUMBER, _NO_CURSOR)
"""All that these scalars say of values they refuse."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WHOLE_NUMBER = re.compile(r"-?\d{1,19}")
_LARGEST = 2**63
_FINER = re.compile(r"[.,]\d{6}\d*[1-9]")
"""A fraction with more than microseconds, which Python reads and cuts off."""


def instant_text(micros: Micros) -> str:
    """
    An instant as the API writes it; one beyond the calendar as the calendar's end.

    >>> instant_text(1_604_921_006_000_000)
    '2020-11-09T11:23:26.000000Z'
    """
    when = _EPOCH + min(max(micros, EARLIEST), LATEST) * _MICROSECOND
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def optional_instant(micros: Micros | None) -> DateTime | None:
    """*micros* as a field that may be null; null too where it is beyond the calendar."""
    return None if micros is None or not _on_calendar(micros) else DateTime(micros)


def _on_calendar(micros: Micros) -> bool:
    return EARLIEST <= micros <= LATEST


def _bound(value: Any) -> Bound:
    try:
        when = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        when = None
    if when is None or when.tzinfo is None:
        raise GraphQLError(_NO_INSTANT)
    micros = (when - _EPOCH) // _MICROSECOND
    if not _on_calendar(micros):
        raise GraphQLError(_OFF_CALENDAR)
    return Bound(micros, micros + 1 if _FINER.search(value) else micros)


def _whole_number(value: Any) -> int:
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -_LARGEST <= value < _LARGEST:
        raise GraphQLError(_NO_WHOLE_NUMBER)
    return value


def _cursor(value: Any) -> str:
    if not isinstance(value, str):
        raise GraphQLError(_NO_CURSOR)
    return value


def _literal(
    parse: Callable[[Any], Any], node: ValueNode, variables: dict[str, Any] | None = None
) -> Any:
    """What *parse* makes of a value that stands in a document; its error says where."""
    try:
        return parse(value_from_ast_untyped(node, variables))
    except GraphQLError as error:
        raise GraphQLError(error.message, node) from None


_DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="An instant in ISO 8601, in UTC with `Z` and microseconds, such as"
    " 2026-03-01T08:00:00.000000Z.  As input any offset and finer fractions will do; an offset must"
    " be given.",
    serialize=instant_text,
    parse_value=_bound,
    parse_literal=partial(_literal, _bound),
)

SCALARS: Mapping[object, ScalarDefinition] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number of 64 bits.  A string in JSON, so that no client rounds it;"
        " as input a number will do.",
        serialize=str,
        parse_value=_whole_number,
        parse_literal=partial(_literal, _whole_number),
    ),
    DateTime: _DATE_TIME,
    Bound: _DATE_TIME,
    CursorText: strawberry.scalar(
        name="Cursor",
        description="A place in the log: everything up to and including it was seen.  Opaque;"
        " the same string works wherever the hub takes a cursor of the log, gRPC included.",
        serialize=str,
        parse_value=_cursor,
        parse_literal=partial(_literal, _cursor),
    ),
}
