"""Pages of receipts and messages: right in both orders and directions, also under load."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from hub.graphql.types.scalars import instant_text
from hub.receipt import Entry, ErrorCategory, Receipt, Status
from hub.settings import Settings
from tests.asking import Asking, asking
from tests.making import receipt

PAGE = """
query Page($filter: ReceiptFilter, $recordedAfter: DateTime, $recordedBefore: DateTime,
  $order: Order!, $first: Int, $after: Cursor, $last: Int, $before: Cursor) {
  receipts(filter: $filter, recordedAfter: $recordedAfter, recordedBefore: $recordedBefore,
    order: $order, first: $first, after: $after, last: $last, before: $before) {
    head
    edges { cursor node { position } }
    nodes { position }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
MESSAGES = """
query Messages($filter: ReceiptFilter, $first: Int, $after: Cursor) {
  messages(filter: $filter, first: $first, after: $after) {
    nodes { messageId provider recipient }
    pageInfo { hasNextPage endCursor }
  }
}
"""


def positions(connection: Any) -> list[int]:
    found = [int(edge["node"]["position"]) for edge in connection["edges"]]
    assert found == [int(node["position"]) for node in connection["nodes"]]
    return found


async def page(hub: Asking, order: str = "NEWEST_FIRST", **arguments: Any) -> Any:
    return (await hub.ask(PAGE, order=order, **arguments))["receipts"]


async def walk(hub: Asking, order: str, size: int, *, backwards: bool, **given: Any) -> list[int]:
    """The whole list, page by page from one end."""
    found: list[int] = []
    cursor: str | None = None
    while True:
        if backwards:
            connection = await page(hub, order, last=size, before=cursor, **given)
            found = positions(connection) + found
        else:
            connection = await page(hub, order, first=size, after=cursor, **given)
            found += positions(connection)
        info = connection["pageInfo"]
        if not info["hasPreviousPage" if backwards else "hasNextPage"]:
            return found
        cursor = info["startCursor" if backwards else "endCursor"]


async def test_fifty_newest_come_where_nothing_is_said(settings: Settings) -> None:
    async with asking(settings, [receipt(f"m{n}") for n in range(60)]) as hub:
        connection = await page(hub)
        assert positions(connection) == list(range(60, 10, -1))
        assert connection["head"] == await hub.cursor(60)
        assert connection["edges"][0]["cursor"] == await hub.cursor(60)


@pytest.mark.parametrize("order", ["NEWEST_FIRST", "OLDEST_FIRST"])
@pytest.mark.parametrize("backwards", [False, True])
async def test_pages_of_any_size_add_up_to_the_list(
    settings: Settings, order: str, *, backwards: bool
) -> None:
    async with asking(settings, [receipt(f"m{n}") for n in range(10)]) as hub:
        whole = list(range(1, 11)) if order == "OLDEST_FIRST" else list(range(10, 0, -1))
        for size in (1, 3, 10, 11):
            assert await walk(hub, order, size, backwards=backwards) == whole


@pytest.mark.parametrize(
    ("arguments", "expected", "before_it", "after_it"),
    [
        ({"first": 3}, [10, 9, 8], False, True),
        ({"first": 3, "after": 8}, [7, 6, 5], True, True),
        ({"first": 3, "after": 3}, [2, 1], True, False),
        ({"first": 3, "after": 1}, [], True, False),
        ({"last": 3}, [3, 2, 1], True, False),
        ({"last": 3, "before": 5}, [8, 7, 6], True, True),
        ({"last": 3, "before": 9}, [10], False, True),
        ({"first": 2, "after": 9, "before": 4}, [8, 7], True, True),
        ({"last": 2, "after": 9, "before": 4}, [6, 5], True, True),
        ({"first": 5, "after": 4, "before": 9}, [], True, False),
        ({"first": 0}, [], False, True),
        ({"first": 3, "order": "OLDEST_FIRST", "after": 2}, [3, 4, 5], True, True),
        ({"last": 3, "order": "OLDEST_FIRST"}, [8, 9, 10], True, False),
        ({"last": 3, "order": "OLDEST_FIRST", "before": 2}, [1], False, True),
    ],
)
async def test_a_page_knows_its_place(
    settings: Settings,
    arguments: dict[str, Any],
    expected: list[int],
    *,
    before_it: bool,
    after_it: bool,
) -> None:
    async with asking(settings, [receipt(f"m{n}") for n in range(10)]) as hub:
        given = dict(arguments)
        for name in ("after", "before"):
            if name in given:
                given[name] = await hub.cursor(given[name])
        connection = await page(hub, **given)
        info = connection["pageInfo"]
        assert positions(connection) == expected
        assert (info["hasPreviousPage"], info["hasNextPage"]) == (before_it, after_it)
        cursors = (info["startCursor"], info["endCursor"])
        first, last = (expected[0], expected[-1]) if expected else (None, None)
        assert cursors == (
            None if first is None else await hub.cursor(first),
            None if last is None else await hub.cursor(last),
        )


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        ({"first": 501}, "BAD_USER_INPUT", "first"),
        ({"last": 501}, "BAD_USER_INPUT", "last"),
        ({"first": -1}, "BAD_USER_INPUT", "first"),
        ({"first": 1, "last": 1}, "BAD_USER_INPUT", "last"),
        ({"after": "nonsense"}, "CURSOR_INVALID", "after"),
        ({"before": ""}, "CURSOR_INVALID", "before"),
        ({"after": "other:1"}, "CURSOR_FOREIGN", "after"),
        ({"filter": {"messageIds": ["x"] * 101}}, "BAD_USER_INPUT", "filter.messageIds"),
        ({"filter": {"messageIds": ["x\x00"]}}, "BAD_USER_INPUT", "filter.messageIds[0]"),
        ({"filter": {"messageIds": ["x" * 513]}}, "BAD_USER_INPUT", "filter.messageIds[0]"),
        ({"recordedAfter": "yesterday"}, "BAD_USER_INPUT", "recordedAfter"),
        ({"after": 5}, "BAD_USER_INPUT", "after"),
    ],
)
async def test_what_makes_no_page_is_refused(
    settings: Settings, arguments: dict[str, Any], code: str, field: str
) -> None:
    async with asking(settings, [receipt("m1")]) as hub:
        extensions = await hub.error(PAGE, order="NEWEST_FIRST", **arguments)
        assert (extensions["code"], extensions["field"]) == (code, field)


async def test_a_cursor_ahead_of_the_head_is_refused(settings: Settings) -> None:
    async with asking(settings, [receipt("m1")]) as hub:
        ahead = await hub.cursor(2)
        extensions = await hub.error(PAGE, order="NEWEST_FIRST", after=ahead)
        assert extensions["code"] == "CURSOR_INVALID"


async def test_instants_exclude_themselves(settings: Settings) -> None:
    async with asking(settings) as hub:
        for number in range(4):
            await hub.post(receipt(f"m{number}"))
        text = "{ receipts { nodes { recordedAt } } }"
        nodes = (await hub.ask(text))["receipts"]["nodes"]
        newest, oldest = nodes[0]["recordedAt"], nodes[-1]["recordedAt"]
        between = await page(hub, recordedAfter=oldest, recordedBefore=newest)
        assert positions(between) == [3, 2]


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        (PAGE, ("recordedAfter", "recordedBefore")),
        (
            """query($a: DateTime, $b: DateTime) {
              messages(firstRecordedAfter: $a, firstRecordedBefore: $b) { nodes { status } } }""",
            ("a", "b"),
        ),
    ],
)
async def test_a_bound_between_two_microseconds_excludes_nothing_that_it_should_include(
    settings: Settings, text: str, bounds: tuple[str, str]
) -> None:
    after, before = bounds
    async with asking(settings, [receipt("m1")]) as hub:
        [entry] = await hub.entries()
        here, earlier = (instant_text(entry.recorded_at - less)[:-1] for less in (0, 1))

        async def count(**given: str) -> int:
            order = {"order": "NEWEST_FIRST"} if text is PAGE else {}
            [connection] = (await hub.ask(text, **order, **given)).values()
            return len(connection.get("nodes", connection.get("edges")))

        assert await count(**{before: f"{here}001Z"}) == 1
        assert await count(**{before: f"{here}000Z"}) == 0
        assert await count(**{before: f"{earlier}999Z"}) == 0
        assert await count(**{after: f"{earlier}999Z"}) == 1
        assert await count(**{after: f"{here}001Z"}) == 0


async def test_pages_stay_right_while_receipts_arrive(settings: Settings) -> None:
    async with asking(settings, [receipt(f"m{n}") for n in range(200)]) as hub:
        arriving = asyncio.create_task(_arrive(hub))
        downwards = await walk(hub, "NEWEST_FIRST", 7, backwards=False)
        upwards = await walk(hub, "OLDEST_FIRST", 7, backwards=False)
        await arriving
        assert downwards == list(range(downwards[0], 0, -1))
        assert len(downwards) >= 200
        assert upwards == list(range(1, len(upwards) + 1))
        assert len(upwards) >= 200


async def _arrive(hub: Asking) -> None:
    for number in range(30):
        await hub.post(receipt(f"new{number}"))


# Random receipts and filters against a plain list.


def random_receipts(chance: random.Random, count: int) -> list[Receipt]:
    return [_random_receipt(chance, number) for number in range(count)]


def _random_receipt(chance: random.Random, number: int) -> Receipt:
    status = chance.choice(list(Status))
    category = chance.choice(list(ErrorCategory)) if status.failed else None
    return receipt(
        f"m{chance.randrange(400)}",
        status,
        recipient=chance.choice(["", "+8613800138000", f"+8613900{chance.randrange(30):06d}"]),
        raw_time=str(number),
        error_category=category,
        client_reference=chance.choice(["", "", f"r{chance.randrange(20)}"]),
    )


def random_filter(chance: random.Random) -> dict[str, Any]:
    makers: dict[str, Callable[[], object]] = {
        "providers": lambda: chance.sample(["p1", "p2", "p3"], chance.randint(1, 2)),
        "statuses": lambda: [s.name for s in chance.sample(list(Status), chance.randint(1, 3))],
        "errorCategories": lambda: [c.name for c in chance.sample(list(ErrorCategory), 2)],
        "messageIds": lambda: [f"m{chance.randrange(400)}" for _ in range(chance.randint(1, 40))],
        "recipients": lambda: [f"139 0{chance.randrange(30):07d}", "0086 138-0013-8000"],
        "clientReferences": lambda: [f"r{chance.randrange(20)}" for _ in range(3)],
        "appliedOnly": lambda: True,
    }
    chosen = chance.sample(sorted(makers), chance.randint(0, 3))
    return {name: makers[name]() for name in chosen}


def passes(entry: Entry, wanted: dict[str, Any]) -> bool:
    recipients = {
        "+86" + "".join(filter(str.isdigit, text))[-11:] for text in wanted.get("recipients", ())
    }
    category = entry.error_category.name if entry.error_category else None
    return (
        entry.provider in wanted.get("providers", (entry.provider,))
        and entry.status.name in wanted.get("statuses", (entry.status.name,))
        and category in wanted.get("errorCategories", (category,))
        and entry.message_id in wanted.get("messageIds", (entry.message_id,))
        and (not recipients or entry.recipient in recipients)
        and entry.client_reference in wanted.get("clientReferences", (entry.client_reference,))
        and entry.applied >= wanted.get("appliedOnly", False)
    )


async def test_random_filters_of_random_receipts_agree_with_a_plain_list(
    any_settings: Settings, chance: random.Random
) -> None:
    async with asking(any_settings) as hub:
        for number in range(20):
            await hub.post(*random_receipts(chance, 100), provider=1 + number % 2)
        entries = await hub.entries()
        assert len(entries) > 1500
        for _ in range(40):
            wanted = random_filter(chance)
            matching = [entry.position for entry in entries if passes(entry, wanted)]
            order = chance.choice(["NEWEST_FIRST", "OLDEST_FIRST"])
            expected = matching if order == "OLDEST_FIRST" else matching[::-1]
            backwards, size = chance.random() < 0.5, chance.choice([97, 500])
            found = await walk(hub, order, size, backwards=backwards, filter=wanted)
            assert found == expected, (wanted, order, backwards, size)


async def test_random_filters_of_messages_agree_with_a_plain_list(
    any_settings: Settings, chance: random.Random
) -> None:
    async with asking(any_settings) as hub:
        for number in range(6):
            await hub.post(*random_receipts(chance, 100), provider=1 + number % 2)
        present: dict[tuple[str, str, str | None], Entry] = {}
        first: dict[tuple[str, str, str | None], int] = {}
        for entry in await hub.entries():
            name = (entry.provider, entry.message_id, entry.recipient)
            first.setdefault(name, entry.position)
            present[name] = entry
        newest_first = sorted(first, key=lambda name: -first[name])
        for _ in range(15):
            wanted = {
                k: v
                for k, v in random_filter(chance).items()
                if k in {"providers", "messageIds", "recipients"}
            }
            statuses = [s.name for s in chance.sample(list(Status), 3)]
            wanted["statuses"] = statuses
            expected = [
                name
                for name in newest_first
                if passes(present[name], {k: v for k, v in wanted.items() if k != "statuses"})
                and present[name].message_status.name in statuses
            ]
            assert await _messages(hub, wanted) == expected, wanted


async def _messages(hub: Asking, wanted: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    found: list[tuple[str, str, str | None]] = []
    cursor = None
    while True:
        answer = await hub.ask(MESSAGES, filter=wanted, first=37, after=cursor)
        connection = answer["messages"]
        found += [(n["provider"], n["messageId"], n["recipient"]) for n in connection["nodes"]]
        if not connection["pageInfo"]["hasNextPage"]:
            return found
        cursor = connection["pageInfo"]["endCursor"]
