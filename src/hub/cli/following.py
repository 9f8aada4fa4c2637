"""Follows a hub over gRPC: connects, resumes at the last cursor, says what it waits for."""

import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc

from hub.errors import BadInput, HubError, StoreUnavailable
from hub.v1 import receipts_pb2 as v1
from hub.v1.receipts_pb2_grpc import ReceiptServiceStub

FIRST_ANSWER_SECONDS = 10.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
_FINAL = {
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNIMPLEMENTED,
}
_OPTIONS = (
    ("grpc.keepalive_time_ms", 15_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.max_reconnect_backoff_ms", int(LONGEST_PAUSE * 1000)),
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the hub is and how to speak to it."""

    address: str
    token: str
    ca: Path | None = None
    """PEM of the CA that signed the hub's certificate; None for plain text."""
    certificate: Path | None = None
    """PEM of our own certificate, where the hub asks for one."""
    key: Path | None = None

    def channel(self) -> grpc.Channel:
        """A connection, which opens when it is first used."""
        if self.ca is None:
            return grpc.insecure_channel(self.address, options=_OPTIONS)
        credentials = grpc.ssl_channel_credentials(
            _read(self.ca), _read(self.key), _read(self.certificate)
        )
        return grpc.secure_channel(self.address, credentials, options=_OPTIONS)


def follow(
    target: Target, request: v1.StreamReceiptsRequest
) -> Iterator[v1.StreamReceiptsResponse]:
    """
    Frames from where *request* starts, across restarts of the hub.  Before the first frame it
    waits `FIRST_ANSWER_SECONDS`, after it for ever; what waiting cannot cure is raised.
    """
    patience: float | None = time.monotonic() + FIRST_ANSWER_SECONDS
    pause = SHORTEST_PAUSE
    with target.channel() as channel:
        while True:
            try:
                for frame in _stream(channel, target, request):
                    patience, pause = None, SHORTEST_PAUSE
                    yield frame
                    request.after = frame.cursor
            except grpc.RpcError as error:
                _explain(error, target.address, patience)
            else:
                if request.stop_at_head:
                    return
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  spreads readers, no secret
            pause = min(pause * 2, LONGEST_PAUSE)


def _stream(
    channel: grpc.Channel, target: Target, request: v1.StreamReceiptsRequest
) -> Iterator[v1.StreamReceiptsResponse]:
    metadata = (("authorization", f"Bearer {target.token}"),)
    call = ReceiptServiceStub(channel).StreamReceipts(request, metadata=metadata)
    try:
        yield from call
    finally:
        call.cancel()


def _explain(error: grpc.RpcError, address: str, patience: float | None) -> None:
    """Raise what cannot be waited for, and say on stderr what can."""
    code, details = error.code(), error.details() or ""
    if code in _FINAL:
        raise HubError(details or code.name)
    if patience is not None and time.monotonic() > patience:
        message = f"no hub answers at {address} ({code.name}: {details}); is `hub serve` running?"
        raise StoreUnavailable(message)
    sys.stderr.write(f"hub: waiting for {address} ({code.name})\n")


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise BadInput(message) from None
