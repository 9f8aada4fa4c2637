"""Receipts, callbacks and logs for tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hub.accounts.administration import Administration, NewProvider
from hub.database.store import Store, opened
from hub.intake.adapters.adapter import Reason, Unread
from hub.intake.reading import Reading
from hub.log.read.log import ReceiptLog
from hub.log.write.arrival import Arrival, Outcome
from hub.log.write.commit import Committer
from hub.log.write.writer import Writer
from hub.receipt import Entry, Receipt, Status
from hub.settings import Settings
from hub.telemetry import Metrics
from hub.upkeep.verification import verify


def receipt(message_id: str = "m1", status: Status = Status.DELIVERED, **fields: object) -> Receipt:
    """A receipt; *fields* are those of `Receipt`."""
    given = {"provider_status": status.name, "recipient": "+8613800138000"} | fields
    return Receipt(message_id=message_id, status=status, **given)  # type: ignore[arg-type]


def collected(read: Reason | Iterator[Receipt | Unread]) -> Reading:
    """What an adapter read, at once."""
    if isinstance(read, Reason):
        return Reading(problem=read)
    reading = Reading()
    for item in read:
        reading.add(item)
    return reading


def arrival(*receipts: Receipt, provider: int = 1, name: str = "p1") -> Arrival:
    """A callback with *receipts* of the account *provider*, named *name*."""
    now = time.time_ns() // 1000
    return Arrival(provider, name, "test/1", now, b"{}", receipts=list(receipts))


@dataclass(frozen=True, slots=True)
class OpenLog:
    """A log with accounts p1 and p2, and its writer at work."""

    store: Store
    log: ReceiptLog
    writer: Writer

    async def post(self, *receipts: Receipt, provider: int = 1) -> Outcome:
        """Commit one callback."""
        return await self.writer.write(arrival(*receipts, provider=provider, name=f"p{provider}"))

    async def entries(self) -> list[Entry]:
        """The whole log."""
        return await self.log.read(0, 100_000)


@asynccontextmanager
async def open_log(settings: Settings) -> AsyncIterator[OpenLog]:
    """Open the log that *settings* name; at the end the whole database is verified."""
    async with opened(settings) as store:
        register = Administration(store)
        taken = {row.name for row in await register.providers()}
        for name in sorted({"p1", "p2"} - taken):
            await register.add_provider(NewProvider(name=name, adapter="lushang"))
        async with working(store, settings) as writer:
            yield OpenLog(store, ReceiptLog(store), writer)
            report = await verify(store)
            assert report.clean, report.problems


@asynccontextmanager
async def working(store: Store, settings: Settings) -> AsyncIterator[Writer]:
    """A writer at work on *store*."""
    committer = Committer(store)
    writer = Writer(
        committer,
        batch=settings.commit_batch,
        queue=settings.commit_queue,
        metrics=Metrics(),
    )
    task = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
