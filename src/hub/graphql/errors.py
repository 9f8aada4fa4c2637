"""From errors to what a caller reads.  Nothing internal gets out."""

import re
import secrets
from typing import Any

import structlog
from graphql import ArgumentNode, GraphQLError, ValueNode, VariableDefinitionNode

from hub.errors import HubError, StartError
from hub.graphql.wording import worded

logger = structlog.get_logger("hub.graphql")

BAD_USER_INPUT = "BAD_USER_INPUT"
INTERNAL = "INTERNAL"
_SNAKE = re.compile(r"(?<=[a-z])_([a-z])")
_SUGGESTION = re.compile(r"\.? Did you mean [^?]*\?")


class Refused(Exception):  # it is an answer, not a fault
    """An operation that ends with *errors*: it did not start, or cannot go on."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


def formatted(error: BaseException, *, suggests: bool) -> dict[str, Any]:
    """
    *error* as an entry of `errors`: message, place, and a code for programs.  Where it *suggests*,
    the message may name parts of the schema that were not asked for.
    """
    cause = _cause(error)
    body = _placed(error)
    if isinstance(cause, HubError) and not isinstance(cause, StartError):
        return body | {"message": _camelized(str(cause)), "extensions": _extensions(cause)}
    if isinstance(error, GraphQLError) and isinstance(cause, GraphQLError) and _of_request(error):
        message = worded(error.message)
        if not suggests:
            message = _SUGGESTION.sub(".", message)
        return body | {"message": message, "extensions": _request_extensions(error)}
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


def _of_request(error: GraphQLError) -> bool:
    """Whether *error* is not of the hub: from before any field ran, or about an argument."""
    nodes = error.nodes or ()
    return error.path is None or any(isinstance(node, ArgumentNode | ValueNode) for node in nodes)


def _request_extensions(error: GraphQLError) -> dict[str, Any]:
    extensions = {"code": BAD_USER_INPUT}
    node = next(iter(error.nodes or ()), None)
    field = error.extensions.get("field") if error.extensions else None
    if isinstance(node, VariableDefinitionNode):
        field = node.variable.name.value
    return extensions | {"field": field} if field else extensions


def _camelized(text: str) -> str:
    """*text* with the names of fields as this API writes them: `message_id` is `messageId`."""
    return _SNAKE.sub(lambda found: found[1].upper(), text)


def _extensions(error: HubError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": error.reason}
    if error.field:
        extensions["field"] = _camelized(error.field)
    for name, value in error.details.items():
        extensions[name] = int(value) if value.isdigit() else value
    return extensions
