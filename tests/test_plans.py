"""Every filter is served by an index: no question reads a whole table, whatever it holds."""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy
from sqlalchemy import Connection

from hub.filter import Filter
from hub.log.read.message_receipts import ReceiptsOf
from hub.log.read.messages import MessageLookup
from hub.log.read.stats import Bucket, StatsQuery
from hub.receipt import ErrorCategory, Order, Status
from hub.settings import Settings
from tests.engines import reader_of, rows, statements
from tests.making import OpenLog, open_log
from tests.test_filter import fill

LARGE = ("receipt", "message", "delivery_stat", "latency_stat", "callback")
FILTERS = [
    Filter(),
    Filter(providers=("p1",)),
    Filter(statuses=(Status.DELIVERED, Status.SENT)),
    Filter(error_categories=(ErrorCategory.UNKNOWN,)),
    Filter(applied_only=True),
    Filter(message_ids=("m1", "m2")),
    Filter(recipients=("+8613800138000",)),
    Filter(client_references=("r1",)),
    Filter(providers=("p1",), recipients=("short",), client_references=("r1",)),
    Filter(visible=frozenset(("p1",))),
]


async def scans(hub: OpenLog, question: Any) -> list[str]:
    """Where a statement of *question* reads a whole table that grows, or a whole index of one."""
    with statements(reader_of(hub.store)) as asked:
        await question
    reads = [each for each in asked if each[0].lstrip().startswith(("SELECT", "WITH"))]
    assert reads
    find = _sqlite if hub.store.settings.embedded else _postgres
    return await hub.store.read(
        lambda session: [scan for each in reads for scan in find(session.connection(), *each)]
    )


def _sqlite(connection: Connection, statement: str, values: Any) -> list[str]:
    """Steps are named after the table, or after its alias in the statement."""
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    aliases = dict(re.findall(r"(?:FROM|JOIN) (\w+) (?:AS )?(\w+)", statement))
    growing = {*LARGE, *(alias for table, alias in aliases.items() if table in LARGE)}
    steps = [row.detail for row in plan]
    return [step for step in steps if step.startswith("SCAN") and step.split()[1] in growing]


def _postgres(connection: Connection, statement: str, values: Any) -> list[str]:
    """A small table is read whole whatever its indexes; so that way is made the last resort."""
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar_one()
    nodes = _nodes(json.loads(plan) if isinstance(plan, str) else plan)
    return [
        f"{node['Node Type']} {node['Relation Name']}"
        for node in nodes
        if node.get("Relation Name") in LARGE
        and "Index Cond" not in node
        and node["Node Type"] != "Bitmap Heap Scan"  # its index stands below it
    ]


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, list):
        for each in plan:
            yield from _nodes(each)
    elif isinstance(plan, dict):
        if "Node Type" in plan:
            yield plan
        for value in plan.values():
            if isinstance(value, list | dict):
                yield from _nodes(value)


async def test_a_whole_table_that_is_read_is_seen(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await fill(hub, random.Random(5), 100)
        for text in ("SELECT r.network FROM receipt r", "SELECT kind FROM receipt ORDER BY kind"):
            assert await scans(hub, rows(hub.store, sqlalchemy.text(text)))


async def test_every_page_is_found_by_an_index(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await fill(hub, random.Random(5), 100)
        found: dict[tuple[str, Filter], Any] = {}
        for wanted in FILTERS:
            found["messages", wanted] = hub.log.messages(wanted, limit=10, recorded_after=1)
            for order in Order:
                found[order.name, wanted] = hub.log.page(
                    wanted, order=order, limit=10, recorded_after=1, recorded_before=2**60
                )
        pages = {asked: await scans(hub, page) for asked, page in found.items()}

    assert {asked: steps for asked, steps in pages.items() if steps} == {}


async def test_look_ups_and_statistics_are_found_by_an_index(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        [first, *_] = await fill(hub, random.Random(5), 100)
        found = await hub.log.messages_by_key([first.key], None)
        by_id = MessageLookup(provider="p1", message_id="m1", recipients=("short",))
        query = StatsQuery(first.recorded_at, first.recorded_at + 10**12, Bucket.DAY)
        questions = [
            hub.log.message(by_id, None),
            hub.log.messages_by_key([first.key], None),
            hub.log.receipts_of([ReceiptsOf(found[first.key])]),
            hub.log.receipts_of([ReceiptsOf(found[first.key]._replace(receipt_count=10**6))]),
            hub.log.stats(query),
            hub.log.position_at(first.recorded_at),
        ]
        assert [scan for each in questions for scan in await scans(hub, each)] == []
