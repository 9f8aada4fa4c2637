import os
import sys
import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.terminal.output import AsJson
from hub.errors import BadInput, HubError, StoreUnavailable, Unauthenticated

if TYPE_CHECKING:
    from hub.client import Batch, Tls, Unavailable
    from hub.client.blocking import Client, StreamOptions
    from hub.settings import Settings

TOKEN_VARIABLE = "HUB_TOKEN"  # noqa: S105  the name of a variable, no token
BATCH_SIZE = 500
FIRST_ANSWER_SECONDS = 10.0
SHORTEST_SILENCE = 45.0
"""Seconds without even a heartbeat after which a stream is begun again, at the least."""


class From(StrEnum):
    """An end of the log."""

    EARLIEST = "earliest"
    LATEST = "latest"


def _several(text: str) -> typer.models.OptionInfo:
    option = typer.Option(
        metavar="VALUE", default_factory=list, show_default=False, help=f"{text} Repeatable."
    )
    assert isinstance(option, typer.models.OptionInfo)  # noqa: S101  narrows Any
    return option


After = Annotated[str, typer.Option(help="Start behind this cursor, such as abc:42.")]
Since = Annotated[
    str, typer.Option(help="Start at a time: 2026-11-23T10:00:00Z, or 15m for 15 minutes ago.")
]
Start = Annotated[From, typer.Option("--from", help="Start at an end of the log.")]
StopAtHead = Annotated[
    bool, typer.Option("--stop-at-head", help="End where the log ends when this begins.")
]
Providers = Annotated[list[str], _several("Only of this account.")]
Statuses = Annotated[list[str], _several("Only with this status.")]
Categories = Annotated[list[str], _several("Only with this error category.")]
MessageIds = Annotated[list[str], _several("Only of this message id.")]
Recipients = Annotated[list[str], _several("Only to this number; needs recipients:read.")]
References = Annotated[list[str], _several("Only with this client reference.")]
AppliedOnly = Annotated[
    bool, typer.Option("--applied-only", help="Only receipts that changed their message's status.")
]
Token = Annotated[str, typer.Option(help=f"Better in {TOKEN_VARIABLE}: others see command lines.")]
Address = Annotated[str, typer.Option(help="HOST:PORT of gRPC; empty means as in the settings.")]
CertificateAuthority = Annotated[
    Path | None, typer.Option("--ca", help="PEM of the CA of the hub's certificate; turns TLS on.")
]
Certificate = Annotated[
    Path | None, typer.Option(help="PEM of our certificate, where the hub asks for one.")
]
Key = Annotated[Path | None, typer.Option(help="PEM of the certificate's key.")]


def tail(
    *,
    after: After = "",
    since: Since = "",
    start: Start = From.LATEST,
    stop_at_head: StopAtHead = False,
    provider: Providers,
    status: Statuses,
    category: Categories,
    message_id: MessageIds,
    recipient: Recipients,
    reference: References,
    applied_only: AppliedOnly = False,
    token: Token = "",
    address: Address = "",
    ca: CertificateAuthority = None,
    certificate: Certificate = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """
    Follow the log over gRPC and print a line for each receipt.

    It reconnects and resumes by itself.  With --json each line has the cursor that --after takes.
    The token comes from --token, else HUB_TOKEN, else from what the quickstart made.
    """
    from hub.client import ReceiptFilter
    from hub.v1 import receipts_pb2 as v1

    wanted = ReceiptFilter(
        providers=provider,
        statuses=[_known("STATUS_", name, v1.Status.keys()) for name in status],
        error_categories=[
            _known("ERROR_CATEGORY_", name, v1.ErrorCategory.keys()) for name in category
        ],
        message_ids=message_id,
        recipients=recipient,
        client_references=reference,
        applied_only=applied_only,
    )
    options: StreamOptions = {
        "filter": wanted,
        "max_batch_size": BATCH_SIZE,
        "stop_at_head": stop_at_head,
        **_start(after, since, start),
    }
    hub, patience = _client(address, token, ca, certificate, key)
    with hub:
        for batch in _batches(hub.stream(**options)):
            patience.answered()
            _print(batch, as_json=as_json)


def _known(prefix: str, name: str, values: Sequence[str]) -> str:
    """The value of the enum that a person calls *name*; the first value stands for none."""
    wanted = prefix + name.upper().replace("-", "_")
    if wanted not in values[1:]:
        names = ", ".join(value.removeprefix(prefix) for value in values[1:])
        message = f"{name!r} is not one of {names}"
        raise BadInput(message)
    return wanted


def _start(after: str, since: str, end: From) -> "StreamOptions":
    if after and since:
        message = "--after and --since exclude each other"
        raise BadInput(message)
    if after:
        return {"after": after}
    if since:
        from hub.cli.terminal.values import instant

        return {"since": instant(since)}
    return {"start_at": "earliest" if end is From.EARLIEST else "latest"}


def _client(
    address: str, token: str, ca: Path | None, certificate: Path | None, key: Path | None
) -> tuple["Client", "_Patience"]:
    from stamina import instrumentation

    from hub.client.blocking import Client
    from hub.settings import load

    instrumentation.set_on_retry_hooks([])  # they would print among the receipts
    settings = load()
    patience = _Patience(address or f"{settings.grpc_host}:{settings.grpc_port}")
    client = Client(
        patience.address,
        _token(token, settings),
        tls=_tls(ca, certificate, key),
        silence_seconds=max(SHORTEST_SILENCE, 3 * settings.heartbeat_seconds),
        patience_seconds=None,
        on_unavailable=patience,
    )
    return client, patience


def _token(given: str, settings: "Settings") -> str:
    from hub.cli.terminal.secrets import Secrets

    token = given or os.environ.get(TOKEN_VARIABLE, "") or Secrets.load(settings.data_dir).token
    if not token:
        message = f"a token is needed: set {TOKEN_VARIABLE}, or give --token"
        raise Unauthenticated(message)
    return token


def _tls(ca: Path | None, certificate: Path | None, key: Path | None) -> "Tls | None":
    from hub.client import Tls

    if ca is None:
        return None
    tls = Tls(ca, certificate, key)
    try:
        tls.credentials()
    except OSError as error:
        message = f"cannot read {error.filename}: {error.strerror}"
        raise BadInput(message) from None
    return tls


class _Patience:
    """Waits a while for a hub that never answered, and for ever for one that did."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._until: float | None = time.monotonic() + FIRST_ANSWER_SECONDS

    def answered(self) -> None:
        """The hub is there."""
        self._until = None

    def __call__(self, error: "Unavailable") -> None:
        if self._until is not None and time.monotonic() > self._until:
            message = f"no hub answers at {self.address} ({error}); is `hub serve` running?"
            raise StoreUnavailable(message) from None
        sys.stderr.write(f"hub: waiting for {self.address} ({error.reason or 'UNAVAILABLE'})\n")


def _batches(batches: Iterator["Batch"]) -> Iterator["Batch"]:
    """*batches*, and what waiting cannot cure as an error of the hub."""
    from hub.client import HubCallError

    try:
        yield from batches
    except HubCallError as error:
        raise HubError(str(error)) from None


def _print(batch: "Batch", *, as_json: bool) -> None:
    from hub.cli.terminal import lines

    epoch = batch.cursor.partition(":")[0]
    for receipt in batch.receipts:
        cursor = f"{epoch}:{receipt.position}"
        typer.echo(lines.as_json(receipt, cursor) if as_json else lines.as_text(receipt))
    sys.stdout.flush()
