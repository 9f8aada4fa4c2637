"""The window that readers of one live operation share."""

import asyncio
import sys
from contextlib import aclosing, suppress

import pytest

from hub.graphql.operations import cohort
from hub.graphql.operations.cohort import Cohort, Event, Windows
from tests.asking import WAIT


def event(start: int, end: int, first: int | None = None) -> Event:
    return Event(f"{start}-{end}", start, end, first)


async def taken(window: Cohort, position: int, count: int) -> list[str]:
    """The next *count* events after *position*; fewer where the window ends the reading."""
    found: list[str] = []
    async with asyncio.timeout(WAIT), aclosing(window.after(position)) as events:
        async for each in events:
            found.append(each.text)
            if len(found) == count:
                break
    return found


async def publish(window: Cohort, *events: Event) -> None:
    """Publish *events*, without waiting long for members who want no more."""
    for each in events:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await window.publish(each)


async def published(*events: Event) -> Cohort:
    """A window with *events* in it."""
    window = Cohort(Windows())
    await publish(window, *events)
    return window


async def test_a_member_reads_on_from_its_position() -> None:
    window = await published(event(0, 3, 1), event(3, 5, 4), event(5, 9, 7))
    assert await taken(window, 3, 2) == ["3-5", "5-9"]
    assert await taken(window, 0, 3) == ["0-3", "3-5", "5-9"]


async def test_a_member_ahead_of_the_window_skips_what_it_has_seen() -> None:
    window = await published(event(0, 3, 1))
    reading = asyncio.create_task(taken(window, 6, 1))
    for each in (event(3, 5, 4), event(5, 6, 6), event(6, 8, 7)):
        await publish(window, each)
    assert await reading == ["6-8"]


async def test_an_event_may_span_what_was_seen_if_nothing_in_it_was() -> None:
    window = await published(event(0, 3, 1), event(3, 9, 7))
    assert await taken(window, 5, 1) == ["3-9"]


async def test_an_event_that_mixes_seen_and_unseen_sends_the_member_on_alone() -> None:
    window = await published(event(0, 3, 1), event(3, 9, 4))
    assert await taken(window, 5, 1) == []


async def test_a_member_behind_the_window_goes_on_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohort, "_MOST_EVENTS", 2)
    window = await published(event(0, 1, 1), event(1, 2, 2), event(2, 3, 3))
    assert await taken(window, 0, 1) == []
    assert await taken(window, 1, 2) == ["1-2", "2-3"]


async def test_the_window_is_bounded_by_its_size_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohort, "_MOST_BYTES", sys.getsizeof("0-1"))
    window = await published(event(0, 1, 1), event(1, 2, 2))
    assert await taken(window, 0, 1) == []
    assert await taken(window, 1, 1) == ["1-2"]


async def test_heartbeats_reach_those_at_their_position() -> None:
    window = Cohort(Windows())
    reading = asyncio.create_task(taken(window, 4, 2))
    other = asyncio.create_task(taken(window, 9, 1))
    await asyncio.sleep(0)  # both wait now
    await publish(window, event(4, 4), event(4, 7))
    assert await reading == ["4-4", "4-7"]
    await publish(window, event(7, 9))
    assert await other == ["7-9"]


async def test_publishing_keeps_the_pace_of_the_fastest_member() -> None:
    window = Cohort(Windows())
    publishing = asyncio.create_task(window.publish(event(0, 1, 1)))
    assert await taken(window, 0, 1) == ["0-1"]
    assert not publishing.done()
    asking = asyncio.create_task(taken(window, 1, 1))
    async with asyncio.timeout(WAIT):
        await publishing
    await publish(window, event(1, 2, 2))
    assert await asking == ["1-2"]


async def test_members_go_on_alone_once_the_window_closes() -> None:
    window = await published(event(0, 1, 1))
    reading = asyncio.create_task(taken(window, 0, 5))
    window.close()
    assert await reading == ["0-1"]


async def test_a_joiner_whose_next_event_is_gone_does_not_wait_for_another() -> None:
    window = await published(event(0, 3, 1))
    window.clear()
    assert await taken(window, 2, 1) == []


async def test_all_windows_together_hold_no_more_than_their_bound() -> None:
    windows, text = Windows(most_bytes=10_000), "x" * 900
    cohorts = [Cohort(windows) for _ in range(15)]
    for number in range(2):
        for cohort_ in cohorts:
            await publish(cohort_, Event(text, number, number + 1, number + 1))
            assert windows.held_bytes <= 10_000
    kept = [await taken(each, 1, 1) for each in cohorts]
    assert sum(map(len, kept)) == 10_000 // sys.getsizeof(text)  # the newest, whosever they are
    assert not kept[0]
    assert kept[-1]


async def test_an_event_that_is_larger_than_the_bound_sends_its_members_on_alone() -> None:
    window = Cohort(Windows(most_bytes=10))
    reading = asyncio.create_task(taken(window, 0, 1))
    await publish(window, Event("x" * 100, 0, 1, 1))
    assert await reading == []


async def test_the_window_of_a_lonely_reader_is_empty_between_events() -> None:
    windows = Windows()
    window = Cohort(windows)
    window.members = 1
    reading = asyncio.create_task(taken(window, 0, 2))
    async with asyncio.timeout(WAIT):
        await window.publish(event(0, 1, 1))
    assert windows.held_bytes == 0
    await publish(window, event(1, 2, 2))
    assert await reading == ["0-1", "1-2"]
    window.clear()
    assert windows.held_bytes == 0
