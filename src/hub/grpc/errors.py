"""Errors as gRPC tells them: a canonical code, `ErrorInfo`, `BadRequest` and `RetryInfo`."""

import logging
import secrets
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from hub import errors
from hub.errors import HubError

DOMAIN = "hub"
"""The domain of every `ErrorInfo`."""

Context = grpc.aio.ServicerContext[Any, Any]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """How one kind of error is told."""

    code: int
    """A number of `google.rpc.Code`."""
    retry_seconds: float | None = None
    """How long to wait before the same call may work; None where repeating it does not help."""


ANSWERS: dict[type[HubError], Answer] = {
    HubError: Answer(code_pb2.INTERNAL),
    errors.Unauthenticated: Answer(code_pb2.UNAUTHENTICATED),
    errors.Forbidden: Answer(code_pb2.PERMISSION_DENIED),
    errors.BadInput: Answer(code_pb2.INVALID_ARGUMENT),
    errors.CursorInvalid: Answer(code_pb2.INVALID_ARGUMENT),
    errors.RecipientRequired: Answer(code_pb2.INVALID_ARGUMENT),
    errors.TooComplex: Answer(code_pb2.INVALID_ARGUMENT),
    errors.AckAhead: Answer(code_pb2.INVALID_ARGUMENT),
    errors.NotFound: Answer(code_pb2.NOT_FOUND),
    errors.CursorForeign: Answer(code_pb2.FAILED_PRECONDITION),
    errors.CursorExpired: Answer(code_pb2.OUT_OF_RANGE),
    errors.SubscriptionMismatch: Answer(code_pb2.FAILED_PRECONDITION),
    errors.Fenced: Answer(code_pb2.ABORTED, retry_seconds=1),
    errors.Overloaded: Answer(code_pb2.UNAVAILABLE, retry_seconds=1),
    errors.StoreUnavailable: Answer(code_pb2.UNAVAILABLE, retry_seconds=2),
    errors.Draining: Answer(code_pb2.UNAVAILABLE, retry_seconds=1),
    errors.SlowReader: Answer(code_pb2.RESOURCE_EXHAUSTED, retry_seconds=1),
    errors.TooManyStreams: Answer(code_pb2.RESOURCE_EXHAUSTED, retry_seconds=10),
    errors.StartError: Answer(code_pb2.INTERNAL),
}


def status_of(error: HubError) -> status_pb2.Status:
    """What a client is told of *error*."""
    answer = _answer(type(error))
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.details)
    ]
    if answer.code == code_pb2.INVALID_ARGUMENT and error.field:
        details.append(_violation(error.field, str(error)))
    if answer.retry_seconds is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(int(answer.retry_seconds * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return _status(answer.code, str(error), details)


def fault(error: Exception) -> status_pb2.Status:
    """What a client is told of a fault of ours: a reference to the log line that tells the rest."""
    reference = secrets.token_hex(4)
    _logger.error("fault in a gRPC call", extra={"reference": reference}, exc_info=error)
    info = error_details_pb2.ErrorInfo(
        reason=HubError.reason, domain=DOMAIN, metadata={"reference": reference}
    )
    return _status(code_pb2.INTERNAL, f"the hub has a fault; its log names it {reference}", [info])


async def abort(context: Context, status: status_pb2.Status) -> NoReturn:
    """End the call of *context* with *status*; raises what grpc wants to see raised then."""
    rich = rpc_status.to_status(status)
    await context.abort(rich.code, rich.details, rich.trailing_metadata)


def _answer(kind: type[HubError]) -> Answer:
    return next(ANSWERS[cls] for cls in kind.__mro__ if cls in ANSWERS)


def _violation(field: str, description: str) -> error_details_pb2.BadRequest:
    violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
    return error_details_pb2.BadRequest(field_violations=[violation])


def _status(code: int, message: str, details: list[Message]) -> status_pb2.Status:
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code, message=message, details=packed)
