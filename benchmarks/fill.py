"""Makes a large log by the hub's own writer, spread over the last thirty days."""

import random
import time
from functools import partial
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
_CHECKPOINT = 50_000
"""Receipts after which the write-ahead log starts anew; no hub does it here."""
FAILURES = (
    (Status.UNDELIVERED, "MK:0001", ErrorCategory.INVALID_NUMBER),
    (Status.UNDELIVERED, "MK:0024", ErrorCategory.ABSENT),
    (Status.EXPIRED, "EXPIRED", ErrorCategory.EXPIRED),
    (Status.REJECTED, "DB:0141", ErrorCategory.BLOCKED),
)


async def fill(
    folder: Path, count: int, *, per_callback: int = PER_CALLBACK, body: bytes = b"{}"
) -> None:
    """A log of *count* receipts in *folder*, *per_callback* together, each time with *body*."""
    chance = random.Random(count)
    end = time.time_ns() // 1000
    begin = end - DAYS * 86_400_000_000
    async with opened(Settings(data_dir=folder)) as store:
        await Administration(store).add_provider(NewProvider(name="filled", adapter="lushang"))
        committer = Committer(store)
        step = PER_CALLBACK * PER_COMMIT
        arrivals = step // per_callback
        for done in range(0, count, step):
            now = begin + (end - begin) * done // count
            commit._now = partial(int, now)  # noqa: SLF001  thirty days in a minute
            made = ([_receipt(now, chance) for _ in range(per_callback)] for _ in range(arrivals))
            await committer.commit(
                [Arrival(1, "filled", "lushang/1", now, body, receipts=each) for each in made]
            )
            if not done % _CHECKPOINT:
                await store.checkpoint()


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
