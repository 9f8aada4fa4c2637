"""The tables are for people too: the views, and the page that explains what is stored."""

import re
import shlex
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, build_schema, get_named_type, is_leaf_type
from sqlalchemy import text
from sqlmodel import Session, SQLModel

from hub.database.store import Store
from hub.receipt import DeliveryEvidence, ErrorCategory, Receipt, Status
from hub.settings import Settings
from tests.asking import asking
from tests.engines import rows
from tests.making import open_log, receipt

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/data.md").read_text("utf-8")
SCHEMA = build_schema((ROOT / "graphql/schema.graphql").read_text())
NOT_IN_SQL = {
    "id",  # a name across types, of the API alone
    "messageKey",  # veiled: only the hub knows how
    "errorMeaning",  # in a language that is asked for
    "receiptsTruncated",  # of one answer
}


def _receipts() -> list[Receipt]:
    """Every status, category and kind of evidence; fields given and not given."""
    given = [receipt(f"s{status}", status) for status in Status]
    given += [
        receipt(f"c{category}", Status.UNDELIVERED, error_code="E1", error_category=category)
        for category in ErrorCategory
    ]
    given += [receipt(f"e{evidence}", delivery_evidence=evidence) for evidence in DeliveryEvidence]
    everything = receipt(
        "all",
        Status.EXPIRED,
        error_permanent=True,
        occurred_at=1_604_921_006_000_001,
        segments=2,
        part=1,
        part_count=2,
        network="460-00",
        price="0.0450",
        currency="CNY",
        client_reference="order 7",
    )
    early = receipt("early", occurred_at=-1, recipient="", error_permanent=False)
    failed = receipt("twice", Status.UNDELIVERED, provider_status="1")
    return [*given, everything, early, failed, receipt("twice")]


async def test_the_views_show_what_the_api_shows(any_settings: Settings) -> None:
    async with asking(any_settings, _receipts()) as hub:
        shown: dict[str, list[dict[str, Any]]] = {}
        for kind, field in (("Receipt", "receipts"), ("Message", "messages")):
            node = f"edges {{ node {{ {_leaves(SCHEMA, kind)} }} }}"
            answer = await hub.ask(f"{{ {field}(first: 100) {{ {node} }} }}")
            edges = answer[field]["edges"]
            assert len(edges) > 20
            shown[field] = [_in_sql(edge["node"]) for edge in edges]
        assert await _rows(hub.hub.store, "receipts", "position", shown) == shown["receipts"]
        assert await _rows(hub.hub.store, "messages", "id", shown) == shown["messages"]


def _leaves(schema: GraphQLSchema, kind: str) -> str:
    found = schema.type_map[kind]
    assert isinstance(found, GraphQLObjectType)
    fields = found.fields.items()
    return " ".join(
        name
        for name, field in fields
        if is_leaf_type(get_named_type(field.type)) and name not in NOT_IN_SQL
    )


def _in_sql(node: dict[str, Any]) -> dict[str, Any]:
    named = {re.sub("[A-Z]", r"_\g<0>", name).lower(): value for name, value in node.items()}
    return {name: _value(name, value) for name, value in named.items()}


def _value(name: str, value: Any) -> Any:
    if name in {"position", "corrects"} and value is not None:
        return int(value)
    return value


async def _rows(
    store: Store, view: str, order: str, shown: dict[str, list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Rows of *view*, their columns those that the API shows, as it writes them."""

    def work(session: Session) -> list[dict[str, Any]]:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL TIME ZONE 'Asia/Shanghai'"))
        statement = text(f"SELECT * FROM {view} ORDER BY {order} DESC")
        return [
            {name: _as_shown(name, row[name], value) for name, value in shown[view][0].items()}
            for row in connection.execute(statement).mappings()
        ]

    return await store.read(work)


def _as_shown(name: str, stored: Any, shown: Any) -> Any:
    if stored is None:
        return None
    if name.endswith("_at"):
        if isinstance(stored, str):
            return stored.replace(" ", "T") + "Z"
        return stored.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return bool(stored) if isinstance(shown, bool) or name == "error_permanent" else stored


@pytest.mark.parametrize("command", re.findall(r"^sqlite3 .*?\"$", PAGE, re.MULTILINE | re.DOTALL))
async def test_the_examples_for_sqlite_run(settings: Settings, command: str) -> None:
    async with open_log(settings) as log:
        await log.post(*_receipts())
    _, file, statement = shlex.split(command)
    assert file == "var/hub.db"
    with sqlite3.connect(settings.data_dir / "hub.db") as database:
        assert database.execute(statement).fetchall()
    database.close()


@pytest.mark.parametrize("statement", re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL))
async def test_the_examples_for_both_databases_run(any_settings: Settings, statement: str) -> None:
    async with open_log(any_settings) as log:
        await log.post(*_receipts())
        assert await rows(log.store, text(statement))


async def test_the_page_explains_every_column_of_every_table_and_view(settings: Settings) -> None:
    explained = {
        name: re.findall(r"^\| `(\w+)` \| \S", part, re.MULTILINE)
        for name, part in re.findall(
            r"^### `(\w+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL
        )
    }
    tables = {table.name: [column.name for column in table.columns] for table in _tables()}
    async with open_log(settings) as log:
        for view in ("receipts", "messages"):
            columns = await rows(log.store, text(f"PRAGMA table_info({view})"))
            tables[view] = [column.name for column in columns]
    assert explained == tables


def _tables() -> list[Any]:
    return SQLModel.metadata.sorted_tables
