"""Questions over GraphQL, on a log of a hundred thousand receipts and on one of a million."""

import asyncio
import json
import os
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import fill, servers
from benchmarks.row import Row, percentile

SIZES = tuple(int(size) for size in os.environ.get("SIZES", "100000,1000000").split(","))
QUESTIONS = 60
PAGE = (
    "{ receipts(first: 50) { head pageInfo { hasNextPage endCursor } nodes { position messageKey"
    " provider messageId recipient status errorCode errorCategory occurredAt recordedAt"
    " segments applied } } }"
)
FILTERED = PAGE.replace("first: 50", "first: 50, filter: {statuses: [UNDELIVERED, EXPIRED]}")
STATISTICS = (
    "query ($since: DateTime!, $until: DateTime!) { deliveryStats(since: $since, until: $until,"
    ' bucket: DAY, timeZone: "Asia/Shanghai", groupBy: [STATUS]) { bucketStart status receipts'
    " segments messages deliveredShare latencyP50Ms latencyP95Ms } }"
)  # fmt: skip


def growth(folder: Path, seconds: float) -> list[Row]:
    """The same questions on both logs."""
    del seconds  # a fixed number of questions
    found = [_asked(folder / str(size), size) for size in SIZES]
    small, large = found[0], found[-1]
    return [
        Row(
            what=f"ms for {what} at {SIZES[-1]:,} receipts; beside {SIZES[0]:,}",
            hub=f"{percentile(large[what], 0.5):.1f} ms",
            beside=f"{percentile(small[what], 0.5):.1f} ms",
            ratio=percentile(large[what], 0.5) / percentile(small[what], 0.5),
            p50=percentile(large[what], 0.5),
            p99=percentile(large[what], 0.99),
        )
        for what in large
    ]


def _asked(folder: Path, size: int) -> dict[str, list[float]]:
    asyncio.run(fill.fill(folder, size))
    now = datetime.now(UTC)
    month = {"since": (now - timedelta(days=30)).isoformat(), "until": now.isoformat()}
    with servers.hub(folder) as hub:
        return {
            "the newest page of 50": _times(hub, PAGE, {}),
            "a page of 50 failures": _times(hub, FILTERED, {}),
            "statistics of 30 days": _times(hub, STATISTICS, month),
        }


def _times(hub: servers.Hub, query: str, variables: dict[str, str]) -> list[float]:
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {hub.token}"}
    request = urllib.request.Request(f"{hub.http_url}/graphql", body, headers)
    taken = []
    for _ in range(QUESTIONS + 5):
        started = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = json.load(answer)
        taken.append(time.perf_counter() - started)
        assert "errors" not in content, content
    return taken[5:]  # the first ones open connections and fill caches
