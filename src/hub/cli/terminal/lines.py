"""A receipt as one line: for a person on a terminal, or as JSON for a machine."""

import json
from typing import Any

import typer
from google.protobuf.json_format import MessageToDict

from hub.v1 import receipts_pb2 as v1

_COLOURS = {
    "DELIVERED": typer.colors.GREEN,
    "UNDELIVERED": typer.colors.RED,
    "REJECTED": typer.colors.RED,
    "EXPIRED": typer.colors.YELLOW,
    "CANCELLED": typer.colors.YELLOW,
    "UNKNOWN": typer.colors.MAGENTA,
}
_ENUMS = {
    "status": "STATUS_",
    "messageStatus": "STATUS_",
    "errorCategory": "ERROR_CATEGORY_",
    "deliveryEvidence": "DELIVERY_EVIDENCE_",
}
_NUMBERS = ("position", "corrects")
_SHOWN = ("applied", "deliveryEvidence")
"""Fields that are there also when they hold their zero."""


def as_dict(receipt: v1.Receipt, cursor: str) -> dict[str, Any]:
    """The receipt with the names and values of the GraphQL API; what is absent is left out."""
    fields: dict[str, Any] = MessageToDict(receipt)
    for name in _NUMBERS:
        if name in fields:
            fields[name] = int(fields[name])
    fields.setdefault("applied", False)
    fields.setdefault("deliveryEvidence", "DELIVERY_EVIDENCE_UNSPECIFIED")
    for name, prefix in _ENUMS.items():
        if name in fields:
            fields[name] = str(fields[name]).removeprefix(prefix)
    return {"cursor": cursor, **fields}


def as_json(receipt: v1.Receipt, cursor: str) -> str:
    """One line of JSON; `cursor` is what `--after` takes to go on behind this receipt."""
    return json.dumps(as_dict(receipt, cursor), ensure_ascii=False)


def as_text(receipt: v1.Receipt) -> str:
    """One line in columns, coloured by status; colours are dropped where they do not belong."""
    status = v1.Status.Name(receipt.status).removeprefix("STATUS_")
    columns = (
        f"{receipt.position:>8}",
        receipt.recorded_at.ToDatetime().strftime("%Y-%m-%d %H:%M:%S"),
        typer.style(f"{status:<11}", fg=_COLOURS.get(status), bold=receipt.applied),
        f"{printable(receipt.provider):<10}",
        f"{printable(receipt.recipient) or '–':<15}",
        printable(receipt.message_id),
        *_remarks(receipt),
    )
    return "  ".join(columns)


def printable(text: str) -> str:
    """*text* without characters that would command a terminal: it came from outside."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _remarks(receipt: v1.Receipt) -> list[str]:
    remarks = []
    if receipt.error_code:
        remarks.append(printable(receipt.error_code))
    if receipt.error_category:
        name = v1.ErrorCategory.Name(receipt.error_category)
        remarks.append(name.removeprefix("ERROR_CATEGORY_").lower())
    if receipt.HasField("segments"):
        remarks.append(f"{receipt.segments} segment{'' if receipt.segments == 1 else 's'}")
    if not receipt.applied:
        remarks.append(typer.style("changed nothing", dim=True))
    return remarks
