import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.output import AsJson
from hub.errors import BadInput, Unauthenticated

if TYPE_CHECKING:
    from hub.cli.following import Target
    from hub.v1 import receipts_pb2 as v1

TOKEN_VARIABLE = "HUB_TOKEN"  # noqa: S105  the name of a variable, no token
BATCH_SIZE = 500


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
    from hub.cli.following import follow
    from hub.v1 import receipts_pb2 as v1

    wanted = v1.ReceiptFilter(
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
    request = v1.StreamReceiptsRequest(
        filter=wanted, max_batch_size=BATCH_SIZE, stop_at_head=stop_at_head
    )
    _set_start(request, after, since, start)
    target = _target(address, token, ca, certificate, key)
    for frame in follow(target, request):
        _print(frame, as_json=as_json)


def _known(prefix: str, name: str, values: Sequence[str]) -> str:
    """The value of the enum that a person calls *name*; the first value stands for none."""
    wanted = prefix + name.upper().replace("-", "_")
    if wanted not in values[1:]:
        names = ", ".join(value.removeprefix(prefix) for value in values[1:])
        message = f"{name!r} is not one of {names}"
        raise BadInput(message)
    return wanted


def _set_start(request: "v1.StreamReceiptsRequest", after: str, since: str, start: From) -> None:
    if after and since:
        message = "--after and --since exclude each other"
        raise BadInput(message)
    if after:
        request.after = after
    elif since:
        from hub.cli.values import instant

        request.since.FromDatetime(instant(since))
    else:
        from hub.v1 import receipts_pb2 as v1

        ends = {From.EARLIEST: v1.START_AT_EARLIEST, From.LATEST: v1.START_AT_LATEST}
        request.start_at = ends[start]


def _target(
    address: str, token: str, ca: Path | None, certificate: Path | None, key: Path | None
) -> "Target":
    from hub.cli.following import Target
    from hub.cli.secrets import Secrets
    from hub.settings import load

    settings = load()
    token = token or os.environ.get(TOKEN_VARIABLE, "") or Secrets.load(settings.data_dir).token
    if not token:
        message = f"a token is needed: set {TOKEN_VARIABLE}, or give --token"
        raise Unauthenticated(message)
    address = address or f"{settings.grpc_host}:{settings.grpc_port}"
    return Target(address, token, ca, certificate, key)


def _print(frame: "v1.StreamReceiptsResponse", *, as_json: bool) -> None:
    from hub.cli import lines

    epoch = frame.cursor.partition(":")[0]
    for receipt in frame.receipts:
        cursor = f"{epoch}:{receipt.position}"
        typer.echo(lines.as_json(receipt, cursor) if as_json else lines.as_text(receipt))
    sys.stdout.flush()
