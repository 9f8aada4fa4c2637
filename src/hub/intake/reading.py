"""
Bodies on their way to receipts.  A little is read at once; more than that in slices, in a thread,
with a rest after each, so that whoever posts meanwhile gets half of the time.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from hub.intake.adapters.adapter import Adapter, CalledAccount, Reason, Unread
from hub.intake.codes import Codes
from hub.log import Unreadable
from hub.receipt import Receipt

MAX_UNREAD = 100
"""Most unreadable items of one body that are kept one by one."""

SLICE_ITEMS = 200
_SMALL_BYTES = 32_768
"""A body up to this size is opened on the event loop."""


@dataclass(slots=True)
class Reading:
    """What an adapter made of a body."""

    receipts: list[Receipt] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    """Items that cannot be read; of many, the first ones, but more than `MAX_UNREAD`."""
    problem: Reason | None = None
    """Why the body is not the provider's envelope; None where it is."""

    def add(self, item: Receipt | Unread) -> None:
        """Take in what the adapter read next."""
        if isinstance(item, Receipt):
            self.receipts.append(item)
        elif len(self.unread) <= MAX_UNREAD:
            self.unread.append(item)

    @property
    def too_many_unread(self) -> bool:
        """Whether the body is kept whole in the stead of its unreadable items."""
        return len(self.unread) > MAX_UNREAD

    def unreadable(self, body: bytes) -> list[Unreadable]:
        """What of *body* is set aside: itself, or its unreadable items."""
        problem = Reason.TOO_MANY if self.too_many_unread else self.problem
        if problem:
            return [Unreadable(problem.value, body, whole=True)]
        return [Unreadable(item.reason.value, item.raw) for item in self.unread]


class BodyReader:
    """Reads bodies; of the large ones, one at a time."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._turn = asyncio.Lock()

    async def read(
        self, adapter: Adapter, account: CalledAccount, body: bytes, headers: Mapping[str, str]
    ) -> Reading:
        """What *adapter* makes of *body*; whatever it raises passes through."""
        work = _Work(adapter, account, body, headers, self._codes)
        if len(body) <= _SMALL_BYTES and work.slice():
            return work.reading
        async with self._turn:
            while True:
                started = time.perf_counter()
                if await asyncio.to_thread(work.slice):
                    return work.reading
                await asyncio.sleep(time.perf_counter() - started)


class _Work:
    """The reading of one body."""

    def __init__(
        self,
        adapter: Adapter,
        account: CalledAccount,
        body: bytes,
        headers: Mapping[str, str],
        codes: Codes,
    ) -> None:
        self.reading = Reading()
        self._given = adapter, account, body, headers, codes
        self._items: Iterator[Receipt | Unread] | None = None

    def slice(self) -> bool:
        """Open the body or read its next items; whether that was all."""
        if self._items is None:
            adapter, account, body, headers, codes = self._given
            read = adapter.read(body, headers, account, codes)
            if isinstance(read, Reason):
                self.reading.problem = read
                return True
            self._items = read
        count = 0
        for item in islice(self._items, SLICE_ITEMS):
            self.reading.add(item)
            count += 1
        return count < SLICE_ITEMS
