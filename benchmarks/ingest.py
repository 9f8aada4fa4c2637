"""How fast callbacks are taken, beside the bare limits of the framework and of the database."""

import asyncio
from pathlib import Path

from benchmarks import load, raw, receipts, servers
from benchmarks.row import Row

CONNECTIONS = 64
BATCH = 100
BATCH_CONNECTIONS = 8
PREPARED_PER_SECOND = {1: 12_000, BATCH: 400}


def singles(folder: Path, seconds: float) -> list[Row]:
    """Callbacks of one receipt, each answered after its commit."""
    with servers.bare() as url:
        limit = take(url, 1, CONNECTIONS, seconds)
    with servers.hub(folder) as hub:
        found = take(hub.callback_url, 1, CONNECTIONS, seconds)
    return [
        Row(
            what=f"durable POSTs a second, 1 receipt each, {CONNECTIONS} connections,"
            " beside a FastAPI route that stores nothing",
            hub=f"{found.per_second:,.0f}/s",
            beside=f"{limit.per_second:,.0f}/s",
            ratio=found.per_second / limit.per_second,
            p50=found.percentile(0.50),
            p99=found.percentile(0.99),
        )
    ]


def batches(folder: Path, seconds: float) -> list[Row]:
    """Callbacks of a hundred receipts."""
    with servers.hub(folder / "hub") as hub:
        found = take(hub.callback_url, BATCH, BATCH_CONNECTIONS, seconds)
    limit = raw.receipts_per_second(hub.database, folder / "raw.db")
    rate = found.per_second * BATCH
    return [
        Row(
            what=f"receipts a second, {BATCH} per POST, {BATCH_CONNECTIONS} connections,"
            f" beside sqlite3 executemany of the same rows, {raw.PER_TRANSACTION} per commit",
            hub=f"{rate:,.0f}/s",
            beside=f"{limit:,.0f}/s",
            ratio=rate / limit,
            p50=found.percentile(0.50),
            p99=found.percentile(0.99),
        )
    ]


def take(url: str, batch: int, connections: int, seconds: float) -> load.Result:
    """Post for *seconds*, every callback with success."""
    count = round(PREPARED_PER_SECOND[batch] * seconds)
    requests = receipts.prepared(url, batch, count)
    found = asyncio.run(load.run(url, requests, connections, seconds))
    if found.refused:
        message = f"{found.refused} of the callbacks were refused"
        raise SystemExit(message)
    return found
