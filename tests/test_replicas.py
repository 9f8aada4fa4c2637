"""Several hubs on one PostgreSQL: one log, whoever takes a receipt and whoever tells of it."""

import asyncio

from hub.settings import Settings
from tests.calling import read, read_receipts, run
from tests.making import receipt


async def test_a_reader_of_one_hub_hears_at_once_what_another_took(
    settings: Settings, postgres_url: str
) -> None:
    changes = {"database_url": postgres_url, "poll_seconds": 3600.0}
    shared = settings.model_copy(update=changes)
    async with run(shared) as first, run(shared) as second, first.caller() as reader:
        stream = reader.stream()
        await read(stream)
        listening = asyncio.create_task(read_receipts(stream, 2))
        while not listening.done():  # the listener's connection opens a moment after the start
            await second.post(receipt("m1", raw_time=str(asyncio.get_running_loop().time())))
            await asyncio.sleep(0.05)
        seen = [found.position for found in await listening]

    assert seen == list(range(seen[0], seen[0] + 2))


async def test_hubs_agree_on_every_position_under_load(
    settings: Settings, postgres_url: str
) -> None:
    shared = settings.model_copy(update={"database_url": postgres_url})
    async with run(shared) as first, run(shared) as second:
        await asyncio.gather(
            *(first.post(receipt(f"a{n}")) for n in range(100)),
            *(second.post(receipt(f"b{n}"), provider=2) for n in range(100)),
        )
        one, other = await first.hub.log.read(0, 1000), await second.hub.log.read(0, 1000)

    assert [entry.position for entry in one] == list(range(1, 201))
    assert one == other
