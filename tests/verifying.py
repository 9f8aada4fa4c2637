"""Databases that hold everything, to be changed and checked."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, func, insert, select, update
from sqlmodel import Session, col

from hub.accounts.administration import Administration, NewConsumer, NewProvider
from hub.database.columns import table
from hub.database.store import opened
from hub.database.tables import ParkedRow, QuarantineRow, ReceiptRow, SubscriptionRow
from hub.log.write.arrival import Arrival, Unreadable
from hub.receipt import ErrorCategory, Receipt, Status
from hub.upkeep import purge
from hub.upkeep.purge import Removed
from hub.upkeep.verification import Report, examine, verify
from tests.conftest import quick_settings
from tests.engines import execute, rows
from tests.making import OpenLog, arrival, open_log, receipt
from tests.test_purge import Step

HOUR = 3_600_000_000
ROUND = 1_700_000_000_000_000 - 1_700_000_000_000_000 % (6 * HOUR)


def full(message_id: str, **fields: Any) -> Receipt:
    """A receipt with all that a provider can tell."""
    given: dict[str, Any] = {
        "error_code": "23",
        "error_category": ErrorCategory.ABSENT,
        "error_permanent": False,
        "occurred_at": ROUND + 5_000_000,
        "raw_time": "5",
        "segments": 2,
        "raw_segments": "2",
        "part": 1,
        "part_count": 3,
        "network": "460-00",
        "price": "0.045",
        "currency": "CNY",
        "client_reference": "order-7",
    }
    status = fields.pop("status", Status.UNDELIVERED)
    return receipt(message_id, status, **given | fields)


async def populate(hub: OpenLog, monkeypatch: pytest.MonkeyPatch, *, rounds: int = 3) -> None:
    """Everything that a log can hold, over some hours."""
    administration = Administration(hub.store)
    await administration.add_provider(NewProvider(name="p3", adapter="lushang"))
    monkeypatch.setattr("hub.log.write.commit._now", lambda: ROUND)
    await hub.post(receipt(), provider=3)
    await administration.rotate_provider("p3", HOUR)
    await administration.disable_provider("p3")
    for name in ("billing", "support"):
        await administration.add_consumer(
            NewConsumer(name=name, providers=("p1",), expires_at=2 * ROUND)
        )
        await administration.revoke_consumer(name)
    for hours in range(rounds):
        monkeypatch.setattr("hub.log.write.commit._now", lambda at=hours: ROUND + at * 2 * HOUR)
        await fill(hub, f"{hours}")
    await set_aside(hub)


async def fill(hub: OpenLog, mark: str) -> None:
    head = (await hub.log.bounds()).head
    first = replace(arrival(full(f"f{mark}")), headers={"content-type": "application/json"})
    await hub.writer.write(replace(first, unreadable=[Unreadable("OLD", mark.encode())]))
    await hub.post(full(f"f{mark}"), full(f"f{mark}", part=2))
    await hub.post(full(f"f{mark}", status=Status.DELIVERED, part=3, error_code=""))
    again = full(f"f{mark}", status=Status.SENT, corrects=head + 1, error_permanent=True)
    came = (await hub.entries())[head].received_at
    [(callback,)] = await rows(hub.store, select(func.max(col(ReceiptRow.callback)) - 2))
    await hub.writer.write(replace(arrival(again), received_at=came, callback=callback))
    await hub.post(receipt(f"plain{mark}", recipient=""), provider=2)
    crowd = [receipt(f"c{mark}", Status.SENT, raw_time=str(n)) for n in range(36)]
    await hub.post(*crowd, full(f"last{mark}"), full(f"parts{mark}"))
    much = (receipt("much", Status.SENT, raw_time=f"{mark}.{n}") for n in range(20))
    await hub.post(*much, receipt("long", Status.SENT, raw_time=mark))
    whole = Arrival(1, "p1", "lushang/1", ROUND, mark.encode(), {"a": "b"})
    whole.unreadable = [Unreadable("BAD_JSON", mark.encode(), whole=True)]
    await hub.writer.write(whole)


async def set_aside(hub: OpenLog) -> None:
    for consumer in (1, 2):
        given: dict[str, Any] = {"consumer": consumer, "name": "bills", "shards": 2}
        given |= {"filter": {}, "acked": 3, "acked_at": 1, "unacked": 0, "holder": "0" * 16}
        given |= {"renewed_at": 1, "created_at": 1}
        shards = [given | {"shard": shard} for shard in range(2)]
        await execute(hub.store, insert(table(SubscriptionRow)), shards)
        parked = {"consumer": consumer, "subscription": "bills", "reason": "odd", "parked_at": 1}
        await execute(hub.store, insert(table(ParkedRow)), parked | {"position": 5, "replay": True})
    await execute(hub.store, update(table(QuarantineRow)).values(resolved_at=ROUND))


def make_populated(folder: Path) -> Path:
    """The file of a database that holds everything."""

    async def make() -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            async with open_log(quick_settings(folder)) as hub:
                await populate(hub, monkeypatch)

    asyncio.run(make())
    return folder / "hub.db"


def make_purged(populated: Path, folder: Path) -> Path:
    """
    The same after a purge: the receipts of two rounds are gone, the messages of the first one, and
    some bodies of those after them.
    """
    shutil.copy(populated, folder / "hub.db")

    async def purge_some() -> None:
        async with opened(quick_settings(folder)) as store:
            second = col(ReceiptRow.recorded_at) == ROUND + 4 * HOUR
            [(bound,)] = await rows(store, select(func.min(col(ReceiptRow.position))).where(second))
            steps: list[Step] = [
                partial(purge.receipts, bound=bound),
                partial(purge.messages, limit=ROUND + HOUR),
                partial(purge.callbacks, cutoff=2**62),
            ]
            for step in steps:
                while await store.write(partial(sliced, step)):
                    """On to the next slice."""
            await store.write(partial(sliced, partial(purge.bodies, cutoff=2**62, rows=3)))
            report = await verify(store)
            assert report.clean, report.problems

    asyncio.run(purge_some())
    return folder / "hub.db"


def sliced(step: Step, session: Session) -> Removed:
    return step(session.connection())


@contextmanager
def session_on(file: Path) -> Iterator[Session]:
    """A session on the database *file*; what it changes is forgotten."""
    engine = create_engine(f"sqlite:///{file}")
    with Session(engine) as session:
        yield session
    engine.dispose()


def problems(session: Session) -> list[str]:
    """What a check finds wrong."""
    report = Report()
    examine(session, report)
    return report.problems
