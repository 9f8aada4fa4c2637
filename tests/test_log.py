"""Promises 1, 3 and 4: what is answered is stored, once, in one dense order."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any

from sqlalchemy import Connection, Engine, event

from hub.database.store import opened
from hub.receipt import ErrorCategory, Status
from hub.settings import Settings
from tests.making import arrival, open_log, receipt, working


async def test_positions_are_dense_and_in_commit_order(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await asyncio.gather(*(hub.post(receipt(f"m{n}")) for n in range(200)))

        entries = await hub.entries()

        assert [entry.position for entry in entries] == list(range(1, 201))
        assert sorted(e.recorded_at for e in entries) == [e.recorded_at for e in entries]


async def test_a_receipt_sent_a_hundred_times_at_once_is_one_entry(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        outcomes = await asyncio.gather(*(hub.post(receipt("same")) for _ in range(100)))

        assert sum(outcome.receipts for outcome in outcomes) == 1
        assert sum(outcome.duplicates for outcome in outcomes) == 99
        assert len(await hub.entries()) == 1


async def test_a_duplicate_is_known_among_many_receipts_of_its_message(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        many = [receipt("busy", Status.SENT, raw_time=f"t{n}") for n in range(80)]
        await hub.post(*many)

        outcome = await hub.post(*many)

        assert (outcome.receipts, outcome.duplicates) == (0, 80)


async def test_the_same_id_to_two_recipients_is_two_messages(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(receipt("m1", recipient="+8613800138000"), receipt("m1", recipient="x"))

        one, other = await hub.entries()

        assert one.key != other.key


async def test_the_same_id_from_two_providers_is_two_messages(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(receipt("m1"))
        outcome = await hub.post(receipt("m1"), provider=2)

        assert outcome.receipts == 1
        assert [entry.provider for entry in await hub.entries()] == ["p1", "p2"]


async def test_a_late_delivery_replaces_a_failure_and_marks_a_conflict(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        failure = receipt(
            "m1",
            Status.UNDELIVERED,
            error_code="MK:0001",
            error_category=ErrorCategory.INVALID_NUMBER,
        )
        await hub.post(failure)
        await hub.post(receipt("m1", Status.DELIVERED))
        await hub.post(receipt("m1", Status.EXPIRED))

        entries = await hub.entries()
        [message] = (await hub.log.messages_by_key([entries[0].key], None)).values()

        assert [entry.applied for entry in entries] == [True, True, False]
        assert message.status is Status.DELIVERED
        assert message.conflict
        assert message.error_code is None
        assert message.receipt_count == 3
        assert entries[0].error_code == "MK:0001"


async def test_one_row_that_the_database_refuses_does_not_fail_its_neighbours(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        posts = [hub.post(receipt(f"m{n}")) for n in range(20)]
        bad = hub.post(receipt("bad", segments=2**70))
        outcomes = await asyncio.gather(*posts, bad)

        page = await hub.log.quarantine(visible=None, limit=10)

        assert sum(outcome.receipts for outcome in outcomes) == 20
        assert outcomes[-1].quarantined == 1
        assert [item.reason for item in page.items] == ["REFUSED_BY_STORE"]
        assert [e.position for e in await hub.entries()] == list(range(1, 21))


async def test_writers_of_several_replicas_leave_no_hole_and_no_repeat(
    tmp_path: object, postgres_url: str, settings: Settings
) -> None:
    shared = settings.model_copy(update={"database_url": postgres_url})
    async with open_log(shared) as first, opened(shared) as store:
        async with working(store, shared) as second:
            ours = [first.post(receipt(f"m{n}")) for n in range(150)]
            theirs = [
                second.write(arrival(receipt(f"m{n}", Status(1 + n % 9)))) for n in range(150)
            ]
            await asyncio.gather(*ours, *theirs)
            # One to a commit: where two take the same position, none is left to be tried again.
            await asyncio.gather(
                _one_by_one(first.post(receipt(f"a{n}")) for n in range(50)),
                _one_by_one(second.write(arrival(receipt(f"b{n}"))) for n in range(50)),
            )

        entries = await first.entries()

        assert not (await first.log.quarantine(visible=None, limit=1)).items
        assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
        assert len({(entry.key, entry.provider_status) for entry in entries}) == len(entries)


async def _one_by_one(writes: Iterable[Awaitable[Any]]) -> None:
    for write in writes:
        await write


async def test_every_commit_reaches_the_disk_on_sqlite(settings: Settings) -> None:
    seen = set()

    def look(connection: Connection) -> None:
        raw = connection.connection.cursor()
        pragmas = ("synchronous", "journal_mode")
        seen.add(tuple(raw.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in pragmas))

    async with open_log(settings) as hub:
        event.listen(Engine, "commit", look)
        try:
            await hub.post(receipt("m1"))
        finally:
            event.remove(Engine, "commit", look)

    assert seen == {(2, "wal")}
