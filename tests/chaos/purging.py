"""How fast callbacks are taken while old receipts are purged, beside the rate without."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks import load, receipts
from benchmarks.fill import fill
from hub.settings import Settings
from tests.chaos.memory import Watched, watched
from tests.chaos.process import process
from tests.chaos.siege import accounts

CONNECTIONS, BATCH, ROUNDS = 8, 100, 4
ALL_OF_IT = 1e-5
"""A retention, in days, that everything is past within a second."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Receipts a second, and rows that went meanwhile."""

    without: float
    during: float
    purged: int


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds that posts waited for their answer, and rows that went meanwhile."""

    without: list[float]
    """At the median, and within which 99 % came."""
    during: list[float]
    purged: int

    @property
    def ratio(self) -> float:
        """How much longer the slowest hundredth waited during a purge."""
        return self.during[1] / self.without[1]


async def waits(settings: Settings, folder: Path, callbacks: int, seconds: float) -> Waits:
    """
    Post single receipts to a log of *callbacks* of the last thirty days, which is purged during
    every other one of the turns, of *seconds* each.
    """
    secrets = await accounts(settings)
    await fill(folder, callbacks, per_callback=1, body=bytes(200))
    results: dict[bool, list[load.Result]] = {False: [], True: []}
    purged = 0.0
    for turn in range(2 * ROUNDS):
        purging = bool(turn % 2)
        retention = {"retention_days": ALL_OF_IT, "retention_hold_days": 0.0} if purging else {}
        async with process(settings.model_copy(update=retention), folder) as hub:
            hub.start()
            await hub.ready()
            url = hub.url + secrets.callback
            requests = receipts.prepared(url, 1, round(5000 * seconds))
            results[purging].append(await load.run(url, requests, CONNECTIONS, seconds))
            purged += await _purged(hub.url)
    return Waits(_percentiles(results[False]), _percentiles(results[True]), int(purged))


def _percentiles(results: list[load.Result]) -> list[float]:
    assert not any(result.refused for result in results)
    together = load.Result(latencies=[each for result in results for each in result.latencies])
    return [together.percentile(0.5), together.percentile(0.99)]


async def _purged(url: str) -> float:
    async with httpx.AsyncClient() as client:
        lines = (await client.get(f"{url}/metrics")).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("hub_purged_total"))


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
