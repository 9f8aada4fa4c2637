"""Durable subscriptions and what they have set aside."""

import re
from itertools import groupby
from typing import Any

from sqlalchemy import and_, select
from sqlmodel import col

from hub.database import Consumer, ParkedRow, SubscriptionRow, table
from hub.filter import Filter
from hub.upkeep.checks.moment import Moment

_ROWS = table(SubscriptionRow)
_HOLDER = re.compile(r"[0-9a-z]+")


def check(moment: Moment) -> None:
    """Check all subscriptions, and all parked receipts."""
    consumer: Any = col(Consumer.id).label("reader")
    owned = select(_ROWS, consumer).outerjoin(Consumer, col(Consumer.id) == _ROWS.c.consumer)
    rows = moment.rows(owned, _ROWS.c.consumer, _ROWS.c.name, _ROWS.c.shard)
    for (_, name), shards in groupby(rows, lambda row: (row.consumer, row.name)):
        _subscription(moment, name, list(shards))
    _parked(moment)


def _subscription(moment: Moment, name: str, shards: list[Any]) -> None:
    first = shards[0]
    whole = [row.shard for row in shards] == list(range(first.shards))
    alike = {(row.shards, repr(row.filter)) for row in shards}
    if not whole or len(alike) > 1:
        moment.problem(f"subscription {name} is not whole: its shards do not belong together")
    if not set(first.filter) <= set(Filter.__dataclass_fields__):
        moment.problem(f"subscription {name} has a filter that is none")
    for row in shards:
        _shard(moment, f"subscription {name} shard {row.shard}", row)


def _shard(moment: Moment, what: str, row: Any) -> None:
    if row.reader is None:
        moment.problem(f"{what} has no consumer")
    if not 0 <= row.acked <= moment.log.head:
        moment.problem(f"{what} acknowledged {row.acked}, which is no position")
    if row.unacked < 0 or not _HOLDER.fullmatch(row.holder or "none"):
        moment.problem(f"{what} is held or read by nobody that there can be")
    moment.instants(what, row, "acked_at", "renewed_at", "created_at")


def _parked(moment: Moment) -> None:
    row = table(ParkedRow)
    its = and_(_ROWS.c.consumer == row.c.consumer, _ROWS.c.name == row.c.subscription)
    # Every subscription has a shard 0.
    owned = select(row, _ROWS.c.name).outerjoin(_ROWS, and_(its, _ROWS.c.shard == 0))
    for found in moment.rows(owned, row.c.consumer, row.c.subscription, row.c.position):
        what = f"receipt {found.position}, set aside by {found.subscription},"
        if found.name is None:
            moment.problem(f"{what} is of no subscription")
        if not 1 <= found.position <= moment.log.head:  # purged ones go a little later
            moment.problem(f"{what} never was")
        moment.instants(what, found, "parked_at")
