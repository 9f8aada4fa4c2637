"""From errors to what a caller reads.  Nothing internal gets out."""

import secrets
from typing import Any

import structlog
from graphql import GraphQLError

from hub.errors import HubError, StartError
from hub.telemetry import scrub

logger = structlog.get_logger("hub.graphql")

BAD_USER_INPUT = "BAD_USER_INPUT"
INTERNAL = "INTERNAL"


class Refused(Exception):  # it is an answer, not a fault
    """An operation that ends with *errors*: it did not start, or cannot go on."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


def formatted(error: BaseException) -> dict[str, Any]:
    """*error* as an entry of `errors`: message, place, and a code for programs."""
    cause = _cause(error)
    body = _placed(error)
    if isinstance(cause, HubError) and not isinstance(cause, StartError):
        return body | {"message": str(cause), "extensions": _extensions(cause)}
    if isinstance(cause, GraphQLError):
        message = scrub(cause.message)
        return body | {"message": message, "extensions": {"code": BAD_USER_INPUT}}
    reference = secrets.token_hex(6)
    logger.error("graphql_failed", reference=reference, path=body.get("path"), exc_info=cause)
    message = f"The hub failed to answer this; its log says why under {reference}"
    return body | {"message": message, "extensions": {"code": INTERNAL, "reference": reference}}


def hub_error(error: GraphQLError) -> HubError | None:
    """The error of the hub behind *error*, where one is."""
    cause = _cause(error)
    return cause if isinstance(cause, HubError) else None


def _cause(error: BaseException) -> BaseException:
    while isinstance(error, GraphQLError) and error.original_error is not None:
        error = error.original_error
    return error


def _placed(error: BaseException) -> dict[str, Any]:
    if not isinstance(error, GraphQLError):
        return {}
    body: dict[str, Any] = {}
    if error.locations:
        body["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        body["path"] = list(error.path)
    return body


def _extensions(error: HubError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": error.reason}
    if error.field:
        extensions["field"] = error.field
    for name, value in error.details.items():
        extensions[name] = int(value) if value.isdigit() else value
    return extensions
