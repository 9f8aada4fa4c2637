"""Readers of one live operation, who share what was executed and encoded once."""

import asyncio
import sys
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from typing import NamedTuple

WINDOWS_BYTES = 64 * 1024 * 1024
"""Most memory for the events of all cohorts together."""

_MOST_EVENTS = 64
_MOST_BYTES = 2_000_000


class Event(NamedTuple):
    """One result of a live operation, encoded."""

    text: str
    start: int | None
    """It tells what follows this position; None where the operation has none."""
    end: int | None
    """Up to here."""
    first: int | None
    """Position of its first receipt; None where it has none."""


class Windows:
    """
    The events of all cohorts, in the order in which they were published.  Beyond *most_bytes* the
    oldest ones go, whosever they are: a consumer with a thousand different operations has as many
    windows, and all of them together hold no more than this.
    """

    def __init__(self, most_bytes: int = WINDOWS_BYTES) -> None:
        self.held_bytes = 0
        self._most_bytes = most_bytes
        self._sizes: OrderedDict[tuple[Cohort, int], int] = OrderedDict()

    def add(self, cohort: "Cohort", number: int, event: Event) -> int:
        """Count the *number*-th *event* of *cohort*, which is in its window.  Returns its size."""
        size = self._sizes[cohort, number] = sys.getsizeof(event.text)
        self.held_bytes += size
        while self.held_bytes > self._most_bytes:
            eldest, _number = next(iter(self._sizes))
            eldest.drop()
        return size

    def remove(self, cohort: "Cohort", number: int) -> int:
        """The event left the window of *cohort*.  Returns its size."""
        size = self._sizes.pop((cohort, number))
        self.held_bytes -= size
        return size


class Cohort:
    """
    A window of the newest events.  A member is a loop that remembers its position, so joining
    and leaving is no more than beginning and ending to read; one that is too slow for the window
    goes on alone.  Events follow on from each other: one ends where the next one starts.
    """

    def __init__(self, windows: Windows) -> None:
        self.members = 0
        self.closed = False
        self._windows = windows
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._count = 0
        self._end = 0
        self._published = asyncio.Event()
        self._taken = asyncio.Event()

    async def publish(self, event: Event) -> None:
        """
        Add *event*; return once the fastest member has taken it.  So no event is executed that
        nobody is ready for, and the slow ones are served from the window, or not at all.
        """
        self._events.append(event)
        self._count += 1
        self._end = event.end or self._end
        self._bytes += self._windows.add(self, self._count, event)
        while len(self._events) > 1 and (
            self._bytes > _MOST_BYTES or len(self._events) > _MOST_EVENTS
        ):
            self.drop()
        self._taken.clear()
        self._wake()
        await self._taken.wait()
        if self.members == 1:  # nobody is left who could want what the fastest has taken
            self.clear()

    def drop(self) -> None:
        """Forget the oldest event; a member that still wanted it goes on alone."""
        number = self._count - len(self._events) + 1
        self._events.popleft()
        self._bytes -= self._windows.remove(self, number)

    def clear(self) -> None:
        """Forget every event."""
        while self._events:
            self.drop()

    def close(self) -> None:
        """Send the members on alone once they have read what there is."""
        self.closed = True
        self._wake()

    async def after(self, position: int) -> AsyncGenerator[Event, None]:
        """
        What follows *position*.  Ends where the window has left it behind, where an event mixes
        what was seen with what was not, and when the cohort closes.
        """
        number = self._next(position)
        while number >= self._count - len(self._events):
            if number == self._count:
                if self.closed or position < self._end:  # what it lacks is no longer here
                    return
                self._taken.set()
                await self._published.wait()
                continue
            event = self._events[number - self._count]
            number += 1
            if event.start is None or event.end is None or event.start > position:
                return  # something between is missing
            if event.end < position or (event.end == position and event.first is not None):
                continue  # seen; a heartbeat at this very position is news all the same
            if event.first is not None and event.first <= position:
                return  # some of it is seen, and what is encoded cannot be cut
            position = event.end
            yield event

    def _next(self, position: int) -> int:
        """The number of the first event that goes beyond *position*."""
        number = self._count
        for event in reversed(self._events):
            if event.end is None or event.end <= position:
                break
            number -= 1
        return number

    def _wake(self) -> None:
        self._published.set()
        self._published = asyncio.Event()
