"""Durable subscriptions, to look at."""

import time
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from hub.log.log import ReceiptLog
from hub.log.tables import Consumer, SubscriptionRow
from hub.receipt import Micros


@dataclass(frozen=True, slots=True)
class Durable:
    """One shard of a durable subscription."""

    name: str
    consumer: str
    shard: int
    shards: int
    lag: int
    lag_seconds: float
    holder: str | None
    cursor: str


async def durable(log: ReceiptLog, consumer: str | None) -> list[Durable]:
    """The subscriptions of *consumer*, or of all, by consumer, name and shard."""
    row = SubscriptionRow
    statement = (
        select(
            col(Consumer.name),
            col(row.name),
            col(row.shard),
            col(row.shards),
            col(row.acked),
            col(row.scanned),
            col(row.holder),
            col(row.lease_until),
        )
        .join(Consumer, col(Consumer.id) == col(row.consumer))
        .order_by(col(Consumer.name), col(row.name), col(row.shard))
    )
    if consumer is not None:
        statement = statement.where(col(Consumer.name) == consumer)
    async with log.reading() as reading:
        rows = (await reading.connection.execute(statement)).all()
    now = time.time_ns() // 1000
    return [
        Durable(
            name=name,
            consumer=owner,
            shard=shard,
            shards=shards,
            lag=max(0, reading.bounds.head - acked),
            lag_seconds=await _age(log, max(acked, scanned), now),
            holder=holder if (lease or 0) > now else None,
            cursor=reading.bounds.cursor(acked),
        )
        for owner, name, shard, shards, acked, scanned, holder, lease in rows
    ]


async def _age(log: ReceiptLog, position: int, now: Micros) -> float:
    """How long ago the first entry after *position* was recorded; 0 where there is none."""
    following = await log.read(position, 1)
    return max(0.0, (now - following[0].recorded_at) / 1_000_000) if following else 0.0
