"""
What a receipt consists of is declared once, in `hub.receipt`: no surface lacks a field of it, has
one more, or loses a value on the way.
"""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, build_schema
from sqlalchemy import text

from hub.database.tables import KindRow, MessageRow, ReceiptRow
from hub.database.tables import Provider as Account
from hub.graphql.types.receipts import Receipt as GraphqlReceipt
from hub.grpc import messages
from hub.intake.replay import COMPARED
from hub.log.hashing import fingerprint
from hub.receipt import DeliveryEvidence, Entry, ErrorCategory, Receipt, Status
from hub.settings import Settings
from hub.v1 import receipts_pb2 as pb
from tests.engines import rows
from tests.making import open_log

ROOT = Path(__file__).parent.parent
READ = [field.name for field in fields(Receipt)]
"""What an adapter reads."""
DECLARED = list(dict.fromkeys([*READ, *Entry._fields]))
"""That, and what the log adds."""

RAW = "tells one receipt from another, within the fingerprint; callbacks keep it as it came"
VEILED = "only the hub can veil it"
ROW = "a row's number, of the database alone"
IDENTITY = "which receipt it is, not what it says"
LOG = "the log's own: no adapter reads it"
DERIVED = "follows from the others"

ABSENT: dict[str, dict[str, str]] = {
    "entry": {"raw_time": RAW, "raw_segments": RAW},
    "proto": {"raw_time": RAW, "raw_segments": RAW, "message": ROW},
    "graphql": {"raw_time": RAW, "raw_segments": RAW},
    "tables": {},
    "view": {"raw_time": RAW, "raw_segments": RAW, "key": VEILED},
    "page": {"raw_time": RAW, "raw_segments": RAW, "key": VEILED},
    "comparison": {
        **dict.fromkeys(("message_id", "recipient", "corrects"), IDENTITY),
        "raw_time": RAW,
        "raw_segments": RAW,
        **dict.fromkeys(("position", "key", "message", "provider"), IDENTITY),
        **dict.fromkeys(("received_at", "recorded_at", "applied", "message_status"), LOG),
    },
    "fingerprint": {
        **dict.fromkeys(("message_id", "recipient"), "names the message, whose row has it"),
        **dict.fromkeys(("status", "error_category", "error_permanent", "occurred_at"), DERIVED),
        **dict.fromkeys(("segments", "delivery_evidence", "part_count"), DERIVED),
        **dict.fromkeys(("network", "price", "currency", "client_reference"), "may come later"),
        **dict.fromkeys(("position", "key", "message", "provider"), LOG),
        **dict.fromkeys(("received_at", "recorded_at", "applied", "message_status"), LOG),
    },
}
"""Fields that a surface does without, and why."""

NAMED: dict[str, dict[str, str]] = {
    "proto": {"key": "message_key"},
    "graphql": {"key": "messageKey"},
    "tables": {
        "provider": "kind.provider",
        "status": "kind.status",
        "error_category": "kind.category",
        "applied": "kind.applied",
        "key": "message.key",
        "message_id": "message.message_id",
        "recipient": "message.recipient",
        "delivery_evidence": "receipt.evidence",
        "raw_time": "receipt.fingerprint",
        "raw_segments": "receipt.fingerprint",
    },
}
"""Fields that a surface has under another name than the usual one."""

ADDED: dict[str, dict[str, str]] = {
    "graphql": {"id": "Relay's name of every node"},
    "tables": {
        "receipt.kind": "stands for provider, status, category and applied",
        "receipt.callback": "the bytes that it was read from",
        "receipt.recipient_hash": "what it is found by",
        "receipt.reference_hash": "what it is found by",
        "kind.id": ROW,
    },
    "view": {"callback": "the bytes that it was read from"},
    "page": {"callback": "the bytes that it was read from"},
}
"""What a surface has beside the fields, and why."""


def camel(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def usual(surface: str, name: str) -> str:
    """The name of the field *name* on *surface* where `NAMED` has no other."""
    return {"graphql": camel(name), "tables": f"receipt.{name}"}.get(surface, name)


def columns(table: Any) -> list[str]:
    return [f"{table.__tablename__}.{name}" for name in table.model_fields]


def graphql() -> list[str]:
    kind = build_schema((ROOT / "graphql/schema.graphql").read_text()).type_map["Receipt"]
    assert isinstance(kind, GraphQLObjectType)
    return list(kind.fields)


def page() -> list[str]:
    text = (ROOT / "docs/data.md").read_text()
    part = re.search(r"^### `receipts`\n(.*?)^##", text, re.MULTILINE | re.DOTALL)
    assert part
    return re.findall(r"^\| `(\w+)` \| \S", part[1], re.MULTILINE)


def fingerprinted() -> list[str]:
    plain = Receipt(message_id="m", status=Status.SENT, provider_status="0")
    given = {name: getattr(FULL, name) for name in READ}
    changed = {name: replace(plain, **{name: value}) for name, value in given.items()}
    return [name for name, one in changed.items() if fingerprint(one) != fingerprint(plain)]


FULL = Receipt(
    message_id="m1",
    status=Status.EXPIRED,
    provider_status="1",
    recipient="+8613800138000",
    error_code="MI:0011",
    error_category=ErrorCategory.EXPIRED,
    error_permanent=False,
    delivery_evidence=DeliveryEvidence.HANDSET,
    occurred_at=1_435_577_006_000_000,
    raw_time="2015-06-29 19:23:26",
    segments=3,
    raw_segments="3.0",
    part=2,
    part_count=4,
    network="460-00",
    price="0.0450",
    currency="CNY",
    client_reference="order 7",
    corrects=1,
)
SURFACES: dict[str, list[str]] = {
    "entry": list(Entry._fields),
    "proto": [field.name for field in pb.Receipt.DESCRIPTOR.fields],
    "graphql": graphql(),
    "tables": [
        *columns(ReceiptRow),
        *columns(KindRow),
        *(f"message.{name}" for name in ("key", "message_id", "recipient")),
    ],
    "page": page(),
    "comparison": list(COMPARED),
    "fingerprint": fingerprinted(),
}


def compare(surface: str, there: list[str]) -> None:
    """Hold that *surface*, which has the names *there*, has every field, and nothing else."""
    absent, added = ABSENT.get(surface, {}), ADDED.get(surface, {})
    named = NAMED.get(surface, {})
    expected = {named.get(n, usual(surface, n)) for n in DECLARED if n not in absent}
    assert set(there) == expected | set(added)
    assert all([*absent.values(), *added.values()])
    assert set(absent) | set(named) <= set(DECLARED)


@pytest.mark.parametrize("surface", SURFACES)
def test_a_surface_has_every_field_of_a_receipt_or_says_why_not(surface: str) -> None:
    compare(surface, SURFACES[surface])


async def test_the_view_has_every_field_of_a_receipt_or_says_why_not(settings: Settings) -> None:
    async with open_log(settings) as log:
        found = await rows(log.store, text("PRAGMA table_info(receipts)"))
    compare("view", [column.name for column in found])


def test_the_columns_that_stand_for_fields_are_there() -> None:
    there = {*columns(ReceiptRow), *columns(KindRow), *columns(MessageRow), *columns(Account)}
    assert set(NAMED["tables"].values()) <= there


def test_every_field_has_a_value_to_be_lost() -> None:
    defaults = Receipt(message_id="", status=Status.SENT, provider_status="")
    assert [name for name in READ if getattr(FULL, name) == getattr(defaults, name)] == []


async def test_no_surface_loses_a_value_on_the_way(any_settings: Settings) -> None:
    async with open_log(any_settings) as log:
        await log.post(replace(FULL, status=Status.SENT, corrects=None))
        await log.post(FULL)
        [_, entry] = await log.entries()
        [_, row] = await rows(log.store, text("SELECT * FROM receipts ORDER BY position"))
    proto = messages.receipt(entry, unmasked=True)
    node = GraphqlReceipt.of(entry, unmasked=True)
    for name in set(READ) - set(ABSENT["entry"]):
        value = getattr(FULL, name)
        assert getattr(entry, name) == value, name
        if name != "occurred_at":
            assert getattr(proto, name) == value, name
            shown = value.name if hasattr(value, "name") else value
            assert getattr(row, name) in (value, shown), name
            assert str(getattr(node, name)) == str(value), name
    assert proto.occurred_at.ToMicroseconds() == FULL.occurred_at
    assert "2015-06-29 11:23:26" in str(row.occurred_at)
    assert node.occurred_at == FULL.occurred_at
    assert {field.name for field, _ in proto.ListFields()} == set(SURFACES["proto"])
