"""Following the log in one process."""

import asyncio
from contextlib import aclosing

import pytest

from hub.feed.follower import LOOK
from hub.feed.tail import Tail
from hub.filter import Filter
from hub.settings import Settings
from hub.telemetry import Metrics
from hub.upkeep import purge
from tests.asking import asking
from tests.making import open_log, receipt
from tests.waiting import until


async def test_a_reader_that_looks_through_the_window_lets_others_have_their_turns(
    settings: Settings,
) -> None:
    last, turns = 10 * LOOK, 0
    rarely = settings.model_copy(update={"heartbeat_seconds": 600.0})
    async with asking(rarely) as there:
        feed = there.hub.feed
        access = await there.hub.accounts.access(there.token)
        async with (
            aclosing(feed.follow(access, Filter(), 0)) as everything,
            aclosing(feed.follow(access, Filter(providers=("p2",)), 0)) as filtered,
        ):
            await anext(everything)  # from now on there is a window
            await anext(filtered)
            for start in range(0, last, LOOK):
                await there.post(*(receipt(f"m{start + number}") for number in range(LOOK)))
            await there.post(receipt("m"), provider=2)
            await until(lambda: feed.head == last + 1)
            frame = asyncio.ensure_future(anext(filtered))
            while not frame.done():
                turns += 1
                await asyncio.sleep(0)
            assert [entry.position for entry in frame.result().entries] == [last + 1]
    assert turns > 8


async def test_the_window_keeps_no_more_than_it_may_and_its_readers_miss_nothing(
    settings: Settings,
) -> None:
    async with asking(settings.model_copy(update={"feed_window": 100})) as there:
        feed = there.hub.feed
        access = await there.hub.accounts.access(there.token)
        async with aclosing(feed.follow(access, Filter(), 0)) as frames:
            await anext(frames)  # from now on there is a window
            for start in range(0, 1000, 50):
                await there.post(*(receipt(f"m{start + number}") for number in range(50)))
            await until(lambda: feed.head == 1000)
            assert feed.tail.slice(1000 - 126, 1) is None  # a quarter more, and no entry beyond
            seen: list[int] = []
            async for frame in frames:
                seen += [entry.position for entry in frame.entries]
                if frame.caught_up:
                    break
    assert seen == list(range(1, 1001))


@pytest.mark.parametrize("kept_from", [3, 6])
async def test_a_tail_goes_on_behind_what_was_purged_before_it_was_read(
    any_settings: Settings, kept_from: int
) -> None:
    async with open_log(any_settings) as hub:
        tail = Tail(
            hub.log, window=100, poll_seconds=0.01, committed=asyncio.Event(), metrics=Metrics()
        )
        await tail.start()
        tail.readers = 1
        await hub.post(*(receipt(f"m{number}") for number in range(5)))
        await hub.store.write(lambda session: purge.receipts(session.connection(), bound=kept_from))
        running = asyncio.create_task(tail.run())
        await until(lambda: tail.head == 5)
        assert tail.slice(0, 10) is None  # a reader there learns from the log what is kept
        await hub.post(receipt("m5"))
        await until(lambda: tail.head == 6)
        assert [entry.position for entry in tail.slice(5, 10) or ()] == [6]
        running.cancel()
