"""Promises 4 to 6, without a socket: a reader is a position, in the window and behind it."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from hub.access import Access
from hub.accounts.administration import Administration, NewConsumer
from hub.accounts.directory import Accounts
from hub.errors import (
    CursorExpired,
    CursorForeign,
    CursorInvalid,
    Draining,
    StoreUnavailable,
    TooManyStreams,
    Unauthenticated,
)
from hub.feed.follower import LOOK, Feed
from hub.feed.frame import Frame
from hub.feed.tail import Tail
from hub.filter import Filter, Shard
from hub.receipt import OnExpired, StartAt, Status
from hub.settings import Settings
from hub.telemetry import Metrics
from hub.upkeep.retention import Retention
from tests.making import OpenLog, open_log, receipt

SENT = Filter(statuses=(Status.SENT,))


@dataclass(frozen=True, slots=True)
class Following:
    """A log, and a feed of it whose tail moves when it is told to."""

    hub: OpenLog
    feed: Feed
    access: Access
    metrics: Metrics

    async def post(self, *kinds: Status, seen: bool = True) -> None:
        """Commit a receipt of each status; the tail reads them where *seen*."""
        start = (await self.hub.log.bounds()).head
        made = [receipt(f"m{start + n}", kind) for n, kind in enumerate(kinds, 1)]
        await self.hub.post(*made)
        if seen:
            await self.feed.tail._advance()

    def follow(self, position: int, wanted: Filter = Filter(), **options: Any) -> Any:  # noqa: B008
        return aclosing(self.feed.follow(self.access, wanted, position, **options))


@asynccontextmanager
async def following(settings: Settings, *, window: int = 1000, **changes: Any) -> Any:
    settings = settings.model_copy(update={"heartbeat_seconds": 60.0} | changes)
    async with open_log(settings) as hub:
        token = await Administration(hub.store).add_consumer(NewConsumer(name="app"))
        accounts, metrics = Accounts(hub.store, 1.0), Metrics()
        await accounts.load()
        tail = Tail(
            hub.log, window=window, poll_seconds=0.1, committed=asyncio.Event(), metrics=metrics
        )
        await tail.start()
        feed = Feed(hub.log, tail, accounts, settings, metrics)
        tail.readers += 1  # from the start, so that the window holds what the tests post
        yield Following(hub, feed, await accounts.access(token), metrics)


@pytest.fixture
async def at(settings: Settings) -> AsyncIterator[Following]:
    async with following(settings) as made:
        yield made


def positions(frame: Frame) -> list[int]:
    return [entry.position for entry in frame.entries]


async def gather(frames: AsyncGenerator[Frame, None], count: int) -> list[list[int]]:
    """What the next *count* frames hold."""
    async with asyncio.timeout(20):
        return [positions(await anext(frames)) for _ in range(count)]


async def to_the_end(frames: AsyncGenerator[Frame, None]) -> list[Frame]:
    async with asyncio.timeout(20):
        return [frame async for frame in frames]


async def test_a_frame_holds_what_follows_the_position_and_says_where_it_is(at: Following) -> None:
    await at.post(*[Status.SENT] * 5)
    async with at.follow(1, batch_size=3) as frames:
        first, second = await anext(frames), await anext(frames)
    assert [positions(first), positions(second)] == [[2, 3, 4], [5]]
    assert (first.position, first.head, first.lag, first.caught_up) == (4, 5, 1, False)
    assert (second.position, second.lag, second.caught_up) == (5, 0, True)
    assert first.epoch == at.feed.epoch == (await at.hub.log.bounds()).epoch
    assert at.feed.head == 5


async def test_the_first_frame_comes_at_once_though_it_holds_nothing(at: Following) -> None:
    async with at.follow(0) as frames:
        assert await gather(frames, 1) == [[]]
        task = asyncio.create_task(anext(frames))
        await asyncio.sleep(0)
        await at.post(Status.SENT)
        assert positions(await asyncio.wait_for(task, 20)) == [1]


async def test_a_filtered_reader_moves_past_what_does_not_match(at: Following) -> None:
    await at.post(Status.SENT, Status.DELIVERED, Status.SENT, Status.DELIVERED)
    async with at.follow(0, SENT) as frames:
        frame = await anext(frames)
    assert (positions(frame), frame.position, frame.caught_up) == ([1, 3], 4, True)


async def test_a_filtered_reader_never_moves_past_a_match_that_is_still_to_come(
    at: Following,
) -> None:
    await at.post(*[Status.SENT, Status.DELIVERED] * 3)
    async with at.follow(0, SENT, batch_size=2) as frames:
        first, second = await anext(frames), await anext(frames)
    assert (positions(first), first.position) == ([1, 3], 3)
    assert (positions(second), second.position) == ([5], 6)


async def test_a_filtered_reader_looks_at_many_entries_for_one_frame(at: Following) -> None:
    await at.post(*[Status.DELIVERED] * 50, Status.SENT)
    async with at.follow(0, SENT, batch_size=1) as frames:
        assert await gather(frames, 1) == [[51]]


async def test_a_window_of_nothing_that_matches_is_passed_in_turns(settings: Settings) -> None:
    async with following(settings, window=2 * LOOK) as at:
        await at.post(*[Status.DELIVERED] * (LOOK + 5), Status.SENT)
        async with at.follow(0, SENT) as frames:
            bookmark, match = await anext(frames), await anext(frames)
        assert (positions(bookmark), bookmark.position) == ([], LOOK)
        assert positions(match) == [LOOK + 6]


@pytest.mark.parametrize("wanted", [Filter(), SENT], ids=["all", "some"])
async def test_a_reader_to_the_head_ends_there(at: Following, wanted: Filter) -> None:
    await at.post(Status.SENT, Status.SENT, Status.SENT)
    async with at.follow(0, wanted, stop_at_head=True, batch_size=2) as frames:
        first = await anext(frames)
        await at.post(Status.SENT)
        rest = await to_the_end(frames)
    assert [positions(first), *map(positions, rest)] == [[1, 2], [3]]
    assert rest[-1].position == 3


@pytest.mark.parametrize("wanted", [Filter(), SENT], ids=["all", "some"])
async def test_a_reader_to_the_head_of_what_the_tail_has_not_read(
    at: Following, wanted: Filter
) -> None:
    await at.post(Status.SENT, Status.SENT, seen=False)
    async with at.follow(0, wanted, stop_at_head=True) as frames:
        seen = []
        async for frame in frames:
            seen += positions(frame)
            await at.feed.tail._advance()
    assert seen == [1, 2]


async def test_a_reader_to_the_head_who_is_there_gets_one_frame(at: Following) -> None:
    await at.post(Status.SENT)
    async with at.follow(1, stop_at_head=True) as frames:
        assert [positions(frame) for frame in await to_the_end(frames)] == [[]]


@pytest.mark.parametrize("wanted", [Filter(), SENT], ids=["all", "some"])
async def test_a_reader_behind_the_window_reads_the_log_and_then_the_window(
    settings: Settings, wanted: Filter
) -> None:
    async with following(settings, window=4) as at:
        for _ in range(10):
            await at.post(Status.SENT, Status.SENT)
        assert at.feed.tail.slice(0, 1) is None
        async with at.follow(0, wanted, batch_size=3) as frames:
            found = await gather(frames, 7)
    assert [position for frame in found for position in frame] == list(range(1, 21))
    assert all(len(frame) <= 3 for frame in found)


@pytest.mark.parametrize("wanted", [Filter(), SENT], ids=["all", "some"])
async def test_a_reader_behind_the_window_ends_at_the_head_that_it_was_given(
    settings: Settings, wanted: Filter
) -> None:
    async with following(settings, window=1) as at:
        for _ in range(4):
            await at.post(Status.SENT)
        async with at.follow(0, wanted, stop_at_head=True, batch_size=3) as frames:
            first = await anext(frames)
            for _ in range(4):
                await at.post(Status.SENT)
            rest = await to_the_end(frames)
    assert [*positions(first), *(p for frame in rest for p in positions(frame))] == [1, 2, 3, 4]


@pytest.mark.parametrize("behind", [False, True])
async def test_shards_share_the_log_wherever_it_is_read(settings: Settings, behind: bool) -> None:  # noqa: FBT001
    async with following(settings, window=1 if behind else 1000) as at:
        for _ in range(20):
            await at.post(Status.SENT)
        for wanted in (Filter(), SENT):
            found = []
            for index in range(2):
                options = {"shard": Shard(index, 2), "stop_at_head": True, "batch_size": 3}
                async with at.follow(0, wanted, **options) as frames:
                    shares = [positions(frame) for frame in await to_the_end(frames)]
                found.append([position for share in shares for position in share])
            assert sorted(found[0] + found[1]) == list(range(1, 21))
            assert all(found)


@pytest.mark.parametrize("behind", [False, True])
async def test_what_was_recorded_before_an_instant_is_left_out(
    settings: Settings,
    behind: bool,  # noqa: FBT001
) -> None:
    async with following(settings, window=1 if behind else 1000) as at:
        for _ in range(6):
            await at.post(Status.SENT)
        since = (await at.hub.entries())[3].recorded_at
        for wanted in (Filter(), SENT):
            async with at.follow(0, wanted, since=since, stop_at_head=True) as frames:
                seen = [positions(frame) for frame in await to_the_end(frames)]
            assert [position for frame in seen for position in frame] == [4, 5, 6]


async def test_a_quiet_stream_has_a_heartbeat_each_interval(settings: Settings) -> None:
    async with following(settings, heartbeat_seconds=0.05) as at, at.follow(0) as frames:
        assert await gather(frames, 3) == [[], [], []]
        await at.post(Status.DELIVERED)
        async with at.follow(0, SENT) as others:
            bookmarks = [await anext(others) for _ in range(2)]
        assert [frame.position for frame in bookmarks] == [1, 1]


async def test_a_reader_hears_that_its_token_holds_no_longer(settings: Settings) -> None:
    async with following(settings, heartbeat_seconds=0.05) as at, at.follow(0) as frames:
        assert await gather(frames, 1) == [[]]
        await Administration(at.hub.store).revoke_consumer("app")
        await at.feed.accounts.load()
        with pytest.raises(Unauthenticated):
            await gather(frames, 20)


async def test_draining_ends_a_stream_after_a_last_frame(at: Following) -> None:
    await at.post(Status.SENT)
    async with at.follow(0) as frames:
        assert await gather(frames, 1) == [[1]]
        last = asyncio.create_task(anext(frames))
        await asyncio.sleep(0)
        at.feed.drain()
        assert (await asyncio.wait_for(last, 20)).position == 1
        with pytest.raises(Draining):
            await anext(frames)


async def test_a_reader_goes_on_when_the_store_is_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.feed.follower.AGAIN_SECONDS", 0.01)
    async with following(settings, window=1, heartbeat_seconds=0.05) as at:
        for _ in range(3):
            await at.post(Status.SENT)
        read, away = at.hub.log.read, 5

        async def reads(*given: Any) -> Any:
            nonlocal away
            away -= 1
            if away >= 0:
                raise StoreUnavailable
            return await read(*given)

        monkeypatch.setattr(type(at.hub.log), "read", lambda _log, *given: reads(*given))
        async with at.follow(0) as frames:
            first = await anext(frames)
            found = positions(first)
            while not found:
                found = positions(await anext(frames))
        assert positions(first) == []
        assert first.position == 0
        assert first.head == 3
        assert found == [1, 2, 3]


async def test_another_log_under_a_reader_is_foreign(at: Following) -> None:
    async with at.follow(0) as frames:
        await gather(frames, 1)
        at.feed.tail.epoch = "another"
        at.feed.tail.wake()
        with pytest.raises(CursorForeign):
            await gather(frames, 20)


@pytest.mark.parametrize("wanted", [Filter(), SENT], ids=["all", "some"])
async def test_what_a_purge_took_is_no_silent_gap(settings: Settings, wanted: Filter) -> None:
    async with following(settings, window=1, retention_days=30.0) as at:
        await at.post(*[Status.SENT] * 5)
        at.feed.tail._restart(await at.hub.log.bounds())
        in_a_year = time.time_ns() // 1000 + 365 * 86_400_000_000
        await Retention(at.hub.log, at.feed._settings, at.metrics).sweep(in_a_year)
        oldest = (await at.hub.log.bounds()).oldest
        assert oldest == 6
        await at.post(Status.SENT)
        at.feed.tail._restart(await at.hub.log.bounds())
        async with at.follow(oldest - 2, wanted) as frames:
            with pytest.raises(CursorExpired) as refused:
                await anext(frames)
        assert refused.value.details == {
            "oldest": f"{at.feed.epoch}:5",
            "head": f"{at.feed.epoch}:6",
        }
        async with at.follow(oldest - 1, wanted) as frames:
            assert await gather(frames, 1) == [[6]]
        expired = f"{at.feed.epoch}:2"
        assert await at.feed.start(after=expired, on_expired=OnExpired.EARLIEST) == 5
        with pytest.raises(CursorExpired):
            await at.feed.start(after=expired)


async def test_a_stream_is_counted_while_it_is_open(at: Following) -> None:
    feed, sample = at.feed, at.metrics.followers.labels("grpc")
    await asyncio.wait_for(feed.ended(), 1)
    async with feed.stream(at.access, "grpc"), feed.stream(at.access, "grpc"):
        assert sample._value.get() == 2
        waiting = asyncio.create_task(feed.ended())
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 1)
    assert sample._value.get() == 0


async def test_one_of_two_streams_that_ends_leaves_one_open(at: Following) -> None:
    async with at.feed.stream(at.access, "grpc"):
        async with at.feed.stream(at.access, "graphql"):
            pass
        waiting = asyncio.create_task(at.feed.ended())
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 1)


async def test_streams_in_all_and_of_one_consumer_are_limited(settings: Settings) -> None:
    limits = {"max_streams": 3, "max_streams_per_consumer": 2}
    async with following(settings, **limits) as at:
        feed, other, third = at.feed, Access("other", frozenset()), Access("third", frozenset())
        async with feed.stream(at.access, "grpc"), feed.stream(at.access, "grpc"):
            with pytest.raises(TooManyStreams, match=r"^this consumer has too many open streams"):
                async with feed.stream(at.access, "grpc"):
                    pass
            async with feed.stream(other, "grpc"):
                with pytest.raises(TooManyStreams, match=r"^Too many streams are open"):
                    async with feed.stream(third, "grpc"):
                        pass
            async with feed.stream(third, "grpc"):
                pass
        async with feed.stream(at.access, "grpc"):
            pass


async def test_no_stream_opens_while_the_hub_drains(at: Following) -> None:
    at.feed.drain()
    with pytest.raises(Draining):
        async with at.feed.stream(at.access, "grpc"):
            pass


async def test_the_slowest_reader_has_the_greatest_lag(at: Following) -> None:
    await at.post(*[Status.SENT] * 6)
    assert at.feed.max_lag() == 0
    readers = at.feed.tail.readers
    async with at.follow(0, batch_size=2) as slow, at.follow(0, batch_size=5) as quick:
        await anext(slow)
        await anext(quick)
        assert at.feed.max_lag() == 4
        assert at.feed.tail.readers == readers + 2
    assert at.feed.max_lag() == 0
    assert at.feed.tail.readers == readers


async def test_a_reader_starts_at_a_cursor_an_instant_or_an_end(at: Following) -> None:
    await at.post(Status.SENT)
    await at.post(Status.SENT)
    start, bounds = at.feed.start, await at.hub.log.bounds()
    second = (await at.hub.entries())[1]
    assert await start() == await start(at=StartAt.LATEST) == 2
    assert await start(at=StartAt.EARLIEST) == 0
    assert await start(since=second.recorded_at) == 1
    assert await start(since=0, at=StartAt.LATEST) == 0
    assert await start(after=bounds.cursor(1), since=0) == 1
    with pytest.raises(CursorInvalid):
        await start(after=bounds.cursor(3))
    with pytest.raises(CursorForeign):
        await start(after="another:1")
