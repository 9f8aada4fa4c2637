"""How fast callbacks are taken while old receipts are purged, beside the rate without."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load, receipts
from hub.settings import Settings
from tests.chaos.memory import Watched, watched

CONNECTIONS, BATCH = 8, 100
ALL_OF_IT = 1e-5
"""A retention, in days, that everything is past within a second."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Receipts a second, and rows that went meanwhile."""

    without: float
    during: float
    purged: int


async def rates(settings: Settings, folder: Path, old: int, seconds: float) -> Rates:
    """Fill a log with *old* receipts; then post to two copies of it, one of which is purged."""
    async with watched(settings, folder) as there:
        await there.fill(old)
        callback = there.secrets.callback
    measured = []
    for name, retention in (("kept", None), ("purged", ALL_OF_IT)):
        copy = _copied(folder, name)
        changed = {"data_dir": copy, "retention_days": retention, "retention_hold_days": 0.0}
        changed = {key: value for key, value in changed.items() if value is not None}
        async with watched(settings.model_copy(update=changed), copy, callback) as there:
            measured.append((await _rate(there, seconds), await there.figure("hub_purged_total")))
    (without, _), (during, purged) = measured
    return Rates(without, during, int(purged))


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
