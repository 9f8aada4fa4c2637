"""`hub verify` and `hub backup` call no damaged database good."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

from hub.accounts.administration import Administration, NewProvider
from hub.database.store import opened
from hub.errors import StoreUnavailable
from hub.log.read.log import ReceiptLog
from hub.upkeep.backups import backup
from hub.upkeep.verification import verify
from tests.conftest import PostgresServer, quick_settings
from tests.engines import execute
from tests.making import OpenLog, receipt, working

INDEXES = sorted(
    str(index.name) for every in SQLModel.metadata.sorted_tables for index in every.indexes
)


@pytest.mark.parametrize("index", [*INDEXES, "sqlite_autoindex_message_1"])
async def test_one_flipped_byte_of_an_index_is_found(
    populated: Path, tmp_path: Path, index: str
) -> None:
    copy = Path(shutil.copy(populated, tmp_path / "hub.db"))
    flip_byte(copy, index)

    async with opened(quick_settings(tmp_path)) as store:
        report = await verify(store)

    assert [each for each in report.problems if f"index {index}" in each]


async def test_a_copy_with_a_flipped_byte_is_no_backup(populated: Path, tmp_path: Path) -> None:
    copy, target = Path(shutil.copy(populated, tmp_path / "hub.db")), tmp_path / "backup.db"
    flip_byte(copy, "receipt_by_message")

    report = await backup(quick_settings(tmp_path), target, lambda _done, _total: None)

    assert not report.clean
    assert not target.exists()


async def test_a_file_that_cannot_be_read_is_not_called_clean(
    populated: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copy(populated, tmp_path / "hub.db"))
    blank_last_page(copy, "receipt")

    async with opened(quick_settings(tmp_path)) as store:
        with pytest.raises(StoreUnavailable) as failed:
            await verify(store)

    assert "restore a backup" in failed.value.advice


def flip_byte(file: Path, index: str) -> None:
    """Flip the last bit of a page of *index*, which is in the number of a row."""
    _, end = page_of(file, index)
    content = bytearray(file.read_bytes())
    content[end - 1] ^= 1
    file.write_bytes(content)


def blank_last_page(file: Path, name: str) -> None:
    """Blank the last page of the table *name*, whose number stands in the first one."""
    start, end = page_of(file, name)
    content = bytearray(file.read_bytes())
    last = int.from_bytes(content[start + 8 : start + 12]) * (end - start)
    content[last - (end - start) : last] = bytes(end - start)
    file.write_bytes(content)


def page_of(file: Path, name: str) -> tuple[int, int]:
    """Where the first page of the table or index *name* begins and ends."""
    with closing(sqlite3.connect(file)) as database:
        [(page,)] = database.execute(f"SELECT rootpage FROM sqlite_master WHERE name = '{name}'")
        [(size,)] = database.execute("PRAGMA page_size")
    return (page - 1) * size, page * size


async def test_an_index_of_postgresql_that_misses_a_row_is_found(
    postgres_server: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    async with opened(quick_settings(tmp_path, database_url=postgres_url)) as store:
        async with working(store, store.settings) as writer:
            hub = OpenLog(store, ReceiptLog(store), writer)
            await Administration(store).add_provider(NewProvider(name="p1", adapter="lushang"))
            await hub.post(receipt("seen"))
            whole = await verify(store)
            await ready(hub, is_ready=False)
            await hub.post(receipt("missed"))
            await ready(hub, is_ready=True)

            report = await verify(store)

    assert whole.problems == []
    assert [each for each in report.problems if "index receipt_by_message is damaged" in each]


async def ready(hub: OpenLog, *, is_ready: bool) -> None:
    """Let PostgreSQL add rows to the index of receipts by message, or not."""
    await execute(
        hub.store,
        text(
            f"UPDATE pg_index SET indisready = {is_ready}, indisvalid = {is_ready}"
            " WHERE indexrelid = 'receipt_by_message'::regclass"
        ),
    )
    await hub.store.reconnect()


async def test_amcheck_is_asked_where_there_is_one(postgres_url: str, tmp_path: Path) -> None:
    async with opened(quick_settings(tmp_path, database_url=postgres_url)) as store:
        await execute(store, text(_ALWAYS_DAMAGED))

        report = await verify(store)

    damaged = {"alembic_version_pkc", "receipt_by_kind", "message_key_key"}
    assert {f"the index {name} is damaged: run REINDEX INDEX {name}" for name in damaged} <= set(
        report.problems
    )


_ALWAYS_DAMAGED = """
CREATE FUNCTION bt_index_check(regclass, boolean) RETURNS void LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'damaged' USING ERRCODE = 'index_corrupted'; END $$
"""
