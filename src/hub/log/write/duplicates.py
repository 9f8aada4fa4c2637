"""Duplicates of such receipts as a message's row has no room for."""

from typing import Any

from sqlalchemy import Connection, and_, column, select, values

from hub.database import Fingerprint, table
from hub.log.write.batch import Batch

_PAIRS_AT_ONCE = 250
"""Fingerprints in one statement."""


def recognise(connection: Connection, batch: Batch) -> None:
    """Look up such fingerprints as a message's row has no room for: those that came, no others."""
    unsure = batch.unsure()
    pairs = list(unsure)
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        some = pairs[start : start + _PAIRS_AT_ONCE]
        for pair in connection.execute(_fingerprints_among(some)):
            message, mark = unsure[pair.message, pair.fingerprint]
            message.known.add(mark)


def _fingerprints_among(pairs: list[tuple[int, int]]) -> Any:
    rows = table(Fingerprint)
    names = [column(each.name, each.type) for each in rows.columns]
    asked = values(*names, name="asked").data(pairs).cte()  # SQLite scans for (a, b) IN (VALUES …)
    same = [asked.c[each.name] == each for each in rows.columns]
    return select(rows).join(asked, and_(*same))
