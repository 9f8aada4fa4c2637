"""Every filter is served by an index: no question reads a whole table, whatever it holds."""

import random
from typing import Any

import pytest

from hub.filter import Filter
from hub.log.read.message_receipts import ReceiptsOf
from hub.log.read.messages import MessageLookup
from hub.log.read.stats import Bucket, StatsQuery
from hub.receipt import ErrorCategory, Order, Status
from hub.settings import Settings
from tests.engines import reader_of, statements
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


async def plans(hub: OpenLog, question: Any) -> list[str]:
    """How SQLite goes about the statements of *question*, step by step."""
    with statements(reader_of(hub.store)) as asked:
        await question
    steps: list[str] = []
    with reader_of(hub.store).connect() as connection:
        for statement, values in asked:
            if statement.lstrip().startswith(("SELECT", "WITH")):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                steps += [row.detail for row in plan]
    assert steps
    return steps


def scans(steps: list[str]) -> list[str]:
    """The steps that read a whole table which grows, in no order of an index."""
    return [
        step
        for step in steps
        if step.startswith("SCAN") and step.split()[1] in LARGE and "USING" not in step
    ]


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
@pytest.mark.parametrize("order", list(Order))
async def test_a_page_of_receipts_is_found_by_an_index(
    settings: Settings, wanted: Filter, order: Order
) -> None:
    async with open_log(settings) as hub:
        await fill(hub, random.Random(5), 100)
        page = hub.log.page(wanted, order=order, limit=10, recorded_after=1, recorded_before=2**60)
        steps = await plans(hub, page)

    # A page of everything walks the primary key from one end, between two bounds.
    assert scans(steps) == []


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
async def test_a_page_of_messages_is_found_by_an_index(settings: Settings, wanted: Filter) -> None:
    async with open_log(settings) as hub:
        await fill(hub, random.Random(5), 100)
        steps = await plans(hub, hub.log.messages(wanted, limit=10, recorded_after=1))

    assert scans(steps) == []


async def test_look_ups_and_statistics_are_found_by_an_index(settings: Settings) -> None:
    async with open_log(settings) as hub:
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
        steps = [step for question in questions for step in await plans(hub, question)]

    assert scans(steps) == []
