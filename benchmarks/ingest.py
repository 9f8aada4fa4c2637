"""How fast callbacks are taken, beside the bare limits of the framework and of the database."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load, raw, receipts, servers

CONNECTIONS = 64
BATCH = 100
BATCH_CONNECTIONS = 8
PREPARED_PER_SECOND = {1: 12_000, BATCH: 400}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    hub: str
    limit: str = ""
    ratio: float | None = None
    p50: float | None = None
    p99: float | None = None

    def cells(self) -> list[str]:
        """The line as text."""
        return [
            self.what,
            self.hub,
            self.limit,
            "" if self.ratio is None else f"{self.ratio:.2f}",
            "" if self.p50 is None else f"{self.p50:.1f}",
            "" if self.p99 is None else f"{self.p99:.1f}",
        ]


def singles(folder: Path, seconds: float) -> list[Row]:
    """Callbacks of one receipt, each answered after its commit."""
    with servers.bare() as url:
        limit = _load(url, 1, CONNECTIONS, seconds)
    with servers.hub(folder) as hub:
        found = _load(hub.callback_url, 1, CONNECTIONS, seconds)
    return [
        Row(
            what=f"durable POSTs a second, 1 receipt each, {CONNECTIONS} connections;"
            " limit: a FastAPI route that stores nothing",
            hub=f"{found.per_second:,.0f}/s",
            limit=f"{limit.per_second:,.0f}/s",
            ratio=found.per_second / limit.per_second,
            p50=found.percentile(0.50),
            p99=found.percentile(0.99),
        )
    ]


def batches(folder: Path, seconds: float) -> list[Row]:
    """Callbacks of a hundred receipts."""
    with servers.hub(folder / "hub") as hub:
        found = _load(hub.callback_url, BATCH, BATCH_CONNECTIONS, seconds)
    limit = raw.receipts_per_second(hub.database, folder / "raw.db")
    rate = found.per_second * BATCH
    return [
        Row(
            what=f"receipts a second, {BATCH} per POST, {BATCH_CONNECTIONS} connections;"
            f" limit: sqlite3 executemany of the same rows, {raw.PER_TRANSACTION} per commit",
            hub=f"{rate:,.0f}/s",
            limit=f"{limit:,.0f}/s",
            ratio=rate / limit,
            p50=found.percentile(0.50),
            p99=found.percentile(0.99),
        )
    ]


def _load(url: str, batch: int, connections: int, seconds: float) -> load.Result:
    count = round(PREPARED_PER_SECOND[batch] * seconds)
    requests = receipts.prepared(url, batch, count)
    found = asyncio.run(load.run(url, requests, connections, seconds))
    if found.refused:
        message = f"{found.refused} of the callbacks were refused"
        raise SystemExit(message)
    return found
