"""How fast callbacks are taken while old receipts are purged, beside the rate without."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load, receipts
from hub.settings import Settings
from tests.chaos.memory import Watched, watched

CONNECTIONS, BATCH, ROUNDS = 8, 100, 4
ALL_OF_IT = 1e-5
"""A retention, in days, that everything is past within a second."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Receipts a second, and rows that went meanwhile."""

    without: float
    during: float
    purged: int


async def rates(settings: Settings, folder: Path, old: int, seconds: float) -> Rates:
    """
    Fill a log with *old* receipts; then post to copies of it, every other one of which is purged
    meanwhile, for *seconds* each.
    """
    async with watched(settings, folder) as there:
        await there.fill(old)
        callback = there.secrets.callback
    plain: list[tuple[float, float]] = []
    purged: list[tuple[float, float]] = []
    for number in range(ROUNDS):
        turns = [(plain, None), (purged, ALL_OF_IT)]
        for found, retention in turns if number % 2 else reversed(turns):
            copy = _copied(folder, f"{number}-{retention}")
            changed = {"data_dir": copy, "retention_days": retention, "retention_hold_days": 0.0}
            if retention is None:
                del changed["retention_days"]
            async with watched(settings.model_copy(update=changed), copy, callback) as there:
                found.append((await _rate(there, seconds), await there.figure("hub_purged_total")))
            shutil.rmtree(copy)
    return Rates(_mean(plain), _mean(purged), int(sum(rows for _, rows in purged)))


def _mean(found: list[tuple[float, float]]) -> float:
    return sum(rate for rate, _ in found) / len(found)


def _copied(folder: Path, name: str) -> Path:
    copy = folder / name
    copy.mkdir()
    for file in folder.glob("hub.db*"):
        shutil.copy(file, copy)
    return copy


async def _rate(there: Watched, seconds: float) -> float:
    url = there.hub.url + there.secrets.callback
    requests = receipts.prepared(url, BATCH, round(400 * seconds))
    result = await load.run(url, requests, CONNECTIONS, seconds)
    assert not result.refused
    return result.per_second * BATCH
