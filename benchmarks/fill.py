"""Makes a large log by the hub's own writer, spread over the last thirty days."""

import random
import time
from pathlib import Path

from hub.accounts.administration import Administration, NewProvider
from hub.database.store import opened
from hub.log.write import commit
from hub.log.write.arrival import Arrival
from hub.log.write.commit import Committer
from hub.receipt import ErrorCategory, Micros, Receipt, Status
from hub.settings import Settings

DAYS = 30
PER_CALLBACK, PER_COMMIT = 100, 5
FAILURES = (
    (Status.UNDELIVERED, "MK:0001", ErrorCategory.INVALID_NUMBER),
    (Status.UNDELIVERED, "MK:0024", ErrorCategory.ABSENT),
    (Status.EXPIRED, "EXPIRED", ErrorCategory.EXPIRED),
    (Status.REJECTED, "DB:0141", ErrorCategory.BLOCKED),
)


async def fill(folder: Path, count: int) -> None:
    """A log of *count* receipts in *folder*."""
    chance = random.Random(count)
    end = time.time_ns() // 1000
    begin = end - DAYS * 86_400_000_000
    async with opened(Settings(data_dir=folder)) as store:
        await Administration(store).add_provider(NewProvider(name="filled", adapter="lushang"))
        committer = Committer(store)
        step = PER_CALLBACK * PER_COMMIT
        for done in range(0, count, step):
            now = begin + (end - begin) * done // count
            commit._now = lambda now=now: now  # noqa: SLF001  thirty days in a minute
            await committer.commit([_arrival(now, chance) for _ in range(PER_COMMIT)])


def _arrival(now: Micros, chance: random.Random) -> Arrival:
    made = [_receipt(now, chance) for _ in range(PER_CALLBACK)]
    return Arrival(1, "filled", "lushang/1", now, b"{}", receipts=made)


def _receipt(now: Micros, chance: random.Random) -> Receipt:
    status, code, category = Status.DELIVERED, "", None
    if chance.random() < 0.08:
        status, code, category = chance.choice(FAILURES)
    return Receipt(
        message_id=f"{chance.getrandbits(128):032x}",
        status=status,
        provider_status="0" if code == "" else "1",
        recipient=f"+86138{chance.randrange(10**8):08d}",
        error_code=code,
        error_category=category,
        occurred_at=now - chance.randrange(1_000_000, 30_000_000),
        segments=chance.choice((1, 1, 1, 2)),
    )
