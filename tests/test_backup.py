"""Backups are whole and verified, and a restored log refuses the cursors of the lost one."""

import asyncio
from pathlib import Path

import pytest

from hub.accounts.directory import Accounts
from hub.database.sqlite import file
from hub.errors import BadInput, CursorForeign
from hub.feed.follower import Feed
from hub.feed.tail import Tail
from hub.settings import Settings
from hub.telemetry import Metrics
from hub.upkeep.backups import backup, renew_epoch
from hub.upkeep.checkpoints import Upkeep, wal_file
from tests.making import open_log, receipt


def no_progress(_done: int, _total: int) -> None:
    """Nobody watches."""


async def test_a_backup_under_load_is_whole_and_verified(
    settings: Settings, tmp_path: Path
) -> None:
    target = tmp_path / "copy" / "hub.db"
    target.parent.mkdir()
    async with open_log(settings) as hub:
        await hub.post(*(receipt(f"m{n}") for n in range(500)))
        load = asyncio.gather(*(hub.post(receipt(f"n{n}")) for n in range(300)))
        report = await backup(settings, target, no_progress)
        await load

    assert report.clean
    assert report.receipts >= 500
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["hub.db"]


async def test_a_backup_overwrites_nothing(settings: Settings, tmp_path: Path) -> None:
    async with open_log(settings):
        await backup(settings, tmp_path / "copy.db", no_progress)

        with pytest.raises(BadInput, match="exists already"):
            await backup(settings, tmp_path / "copy.db", no_progress)


async def test_a_backup_makes_no_folder(settings: Settings, tmp_path: Path) -> None:
    async with open_log(settings):
        with pytest.raises(BadInput, match="there is no folder"):
            await backup(settings, tmp_path / "missing" / "copy.db", no_progress)

    assert not (tmp_path / "missing").exists()


async def test_a_restored_log_refuses_the_cursors_of_the_lost_one(
    settings: Settings, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    async with open_log(settings) as hub:
        await hub.post(receipt("m1"))
        await backup(settings, copy, no_progress)
        await hub.post(receipt("lost"))
        lost = (await hub.log.bounds()).head_cursor
    copy.replace(file(settings))

    async with open_log(settings) as hub:
        epoch = await renew_epoch(hub.store)
        await hub.post(receipt("other"))
        tail = Tail(
            hub.log,
            window=100,
            poll_seconds=0.1,
            committed=hub.writer.committed,
            metrics=Metrics(),
        )
        feed = Feed(hub.log, tail, Accounts(hub.store, 1), settings, Metrics())

        assert (await hub.log.bounds()).epoch == epoch
        with pytest.raises(CursorForeign):
            await feed.start(after=lost)


async def test_the_write_ahead_log_stays_bounded_while_many_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.upkeep.checkpoints.MOST_BYTES", 1_000_000)
    wal = wal_file(file(settings))
    largest = 0
    async with open_log(settings) as hub:
        upkeep = Upkeep(hub.store, Metrics())
        stop = asyncio.Event()

        async def read() -> None:
            while not stop.is_set():
                await hub.log.read(0, 500)

        readers = [asyncio.create_task(read()) for _ in range(100)]
        for start in range(0, 10_000, 500):
            await hub.post(*(receipt(f"m{n}") for n in range(start, start + 500)))
            await upkeep.look(file(settings))
            largest = max(largest, wal.stat().st_size)
        stop.set()
        await asyncio.gather(*readers)

    assert largest < 4_000_000
