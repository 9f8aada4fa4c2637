"""Readers of one live operation, who share what was executed and encoded once."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import NamedTuple

_MOST_EVENTS = 64
_MOST_CHARACTERS = 2_000_000


class Event(NamedTuple):
    """One result of a live operation, encoded."""

    text: str
    start: int | None
    """It tells what follows this position; None where the operation has none."""
    end: int | None
    """Up to here."""
    first: int | None
    """Position of its first receipt; None where it has none."""


class Cohort:
    """
    A window of the newest events.  A member is a loop that remembers its position, so joining
    and leaving is no more than beginning and ending to read; one that is too slow for the window
    goes on alone.  Events follow on from each other: one ends where the next one starts.
    """

    def __init__(self) -> None:
        self.members = 0
        self.closed = False
        self._events: deque[Event] = deque()
        self._characters = 0
        self._count = 0
        self._published = asyncio.Event()
        self._taken = asyncio.Event()

    async def publish(self, event: Event) -> None:
        """Add *event*; return once the fastest member has taken it."""
        self._events.append(event)
        self._count += 1
        self._characters += len(event.text)
        while self._characters > _MOST_CHARACTERS and len(self._events) > 1:
            self._drop()
        if len(self._events) > _MOST_EVENTS:
            self._drop()
        self._taken.clear()
        self._wake()
        await self._taken.wait()

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
                if self.closed:
                    return
                self._taken.set()
                await self._published.wait()
                continue
            event = self._events[number - self._count]
            number += 1
            if event.start is None or event.end is None or event.start > position:
                return
            if event.end < position or (event.end == position and event.first is not None):
                continue
            if event.first is not None and event.first <= position:
                return
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

    def _drop(self) -> None:
        self._characters -= len(self._events.popleft().text)

    def _wake(self) -> None:
        self._published.set()
        self._published = asyncio.Event()
