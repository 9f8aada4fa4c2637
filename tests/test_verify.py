"""`hub verify` finds any change of any stored value, and what is lost or out of place."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Engine, and_, create_engine, insert, select, text, update
from sqlmodel import Session, SQLModel

from hub.accounts.administration import Administration, NewConsumer, NewProvider
from hub.database.columns import table
from hub.database.store import opened
from hub.database.tables import ParkedRow, QuarantineRow, SubscriptionRow
from hub.log.read.log import ReceiptLog
from hub.log.write.arrival import Arrival, Unreadable
from hub.receipt import ErrorCategory, Receipt, Status
from hub.upkeep.backup import backup
from hub.upkeep.verify import Report, examine, verify
from tests.conftest import PostgresServer, quick_settings
from tests.engines import execute, rows
from tests.making import OpenLog, arrival, open_log, receipt, working

HOUR = 3_600_000_000
ROUND = 1_700_000_000_000_000 - 1_700_000_000_000_000 % (6 * HOUR)

NOT_FOUND = {
    "provider.protocol": "any protocol can have been set",
    "quarantine.reason": "adapters may have any reason",
    "parked.reason": "readers may say anything",
    "parked.replay": "readers may want it or not",
}
"""Columns of which any value of their type may be right, and why."""

OTHERWISE_WRONG: dict[str, object] = {
    "log.epoch": "NO NAME",
    "log.created_at": 2**62,
    "provider.name": "no name",
    "provider.adapter": "No Adapter",
    "provider.timezone": "Europe/Atlantis",
    "provider.region": "Atlantis",
    "provider.allow_ips": ["atlantis"],
    "provider.credentials": {"key": 5},
    "provider.secret_hash": b"short",
    "provider.old_secrets": [{"hash": "00", "until": 5}],
    "provider.created_at": 2**62,
    "provider.disabled_at": 2**62,
    "provider.protocol": "no protocol",
    "consumer.name": "no name",
    "consumer.token_hash": b"short",
    "consumer.scopes": ["everything"],
    "consumer.providers": ["no name"],
    "consumer.created_at": 2**62,
    "consumer.expires_at": 2**62,
    "consumer.revoked_at": 2**62,
    "quarantine.id": -5,
    "quarantine.reason": "no reason",
    "quarantine.adapter": "No Adapter",
    "quarantine.headers": {"content-type": 5},
    "quarantine.last_seen_at": 2**62,
    "quarantine.resolved_at": 2**62,
    "quarantine.count": 0,
    "subscription.filter": {"no field": []},
    "subscription.acked": 10**9,
    "subscription.acked_at": 2**62,
    "subscription.unacked": -1,
    "subscription.holder": "no body",
    "subscription.renewed_at": 2**62,
    "subscription.created_at": 2**62,
    "parked.position": 10**9,
    "parked.parked_at": 2**62,
}
"""Columns that nothing else tells the value of: a value is found that nobody can have stored."""


def columns() -> list[str]:
    return [
        f"{each.table.name}.{each.name}"
        for every in SQLModel.metadata.sorted_tables
        for each in every.columns
    ]


def full(message_id: str, **fields: Any) -> Receipt:
    """A receipt with all that a provider can tell."""
    given: dict[str, Any] = {
        "error_code": "23",
        "error_category": ErrorCategory.ABSENT,
        "error_permanent": False,
        "occurred_at": ROUND + 5_000_000,
        "raw_time": "5",
        "segments": 2,
        "raw_segments": "2",
        "part": 1,
        "part_count": 3,
        "network": "460-00",
        "price": "0.045",
        "currency": "CNY",
        "client_reference": "order-7",
    }
    status = fields.pop("status", Status.UNDELIVERED)
    return receipt(message_id, status, **given | fields)


async def populate(hub: OpenLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that a log can hold, over some hours."""
    administration = Administration(hub.store)
    await administration.add_provider(NewProvider(name="p3", adapter="lushang"))
    await hub.post(receipt(), provider=3)
    await administration.rotate_provider("p3", HOUR)
    await administration.disable_provider("p3")
    for name in ("billing", "support"):
        await administration.add_consumer(
            NewConsumer(name=name, providers=("p1",), expires_at=2 * ROUND)
        )
        await administration.revoke_consumer(name)
    for hours in range(4):
        monkeypatch.setattr("hub.log.write.commit._now", lambda at=hours: ROUND + at * 2 * HOUR)
        await fill(hub, f"{hours}")
    await set_aside(hub)


async def fill(hub: OpenLog, mark: str) -> None:
    head = (await hub.log.bounds()).head
    first = replace(arrival(full(f"f{mark}")), headers={"content-type": "application/json"})
    await hub.writer.write(replace(first, unreadable=[Unreadable("OLD", mark.encode())]))
    await hub.post(full(f"f{mark}"), full(f"f{mark}", part=2))
    await hub.post(full(f"f{mark}", status=Status.DELIVERED, part=3, error_code=""))
    again = full(f"f{mark}", status=Status.SENT, corrects=head + 1, error_permanent=True)
    came = (await hub.entries())[head].received_at
    [(callback,)] = await rows(hub.store, text("SELECT max(callback) - 2 FROM receipt"))
    await hub.writer.write(replace(arrival(again), received_at=came, callback=callback))
    await hub.post(receipt(f"plain{mark}", recipient=""), provider=2)
    crowd = [receipt(f"c{mark}", Status.SENT, raw_time=str(n)) for n in range(40)]
    await hub.post(*crowd, full(f"last{mark}"), full(f"parts{mark}"))
    whole = Arrival(1, "p1", "lushang/1", ROUND, mark.encode(), {"a": "b"})
    whole.unreadable = [Unreadable("BAD_JSON", mark.encode(), whole=True)]
    await hub.writer.write(whole)


async def set_aside(hub: OpenLog) -> None:
    for consumer in (1, 2):
        given: dict[str, Any] = {"consumer": consumer, "name": "bills", "shards": 2}
        given |= {"filter": {}, "acked": 3, "acked_at": 1, "unacked": 0, "holder": "0" * 16}
        given |= {"renewed_at": 1, "created_at": 1}
        shards = [given | {"shard": shard} for shard in range(2)]
        await execute(hub.store, insert(table(SubscriptionRow)), shards)
        parked = {"consumer": consumer, "subscription": "bills", "reason": "odd", "parked_at": 1}
        await execute(hub.store, insert(table(ParkedRow)), parked | {"position": 5, "replay": True})
    await execute(hub.store, update(table(QuarantineRow)).values(resolved_at=ROUND))


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database that holds everything."""
    folder = tmp_path_factory.mktemp("populated")

    async def make() -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            async with open_log(quick_settings(folder)) as hub:
                await populate(hub, monkeypatch)

    asyncio.run(make())
    return folder / "hub.db"


@pytest.fixture
def database(populated: Path, tmp_path: Path) -> Iterator[Engine]:
    """A copy of it."""
    engine = create_engine(f"sqlite:///{shutil.copy(populated, tmp_path / 'hub.db')}")
    yield engine
    engine.dispose()


def problems(session: Session) -> list[str]:
    report = Report()
    examine(session, report)
    return report.problems


def changed(session: Session, column: Column[Any], *, last: bool) -> list[str]:
    """What is found of *column* changed in the first row, or the *last* one, that has a value."""
    rows = column.table
    key = list(rows.primary_key.columns)
    order = [each.desc() for each in key] if last else key
    row = (
        session.connection()
        .execute(select(rows).where(column.is_not(None)).order_by(*order))
        .first()
    )
    assert row is not None, "no row has a value"
    this = and_(*(each == getattr(row, each.name) for each in key))
    value = OTHERWISE_WRONG.get(
        f"{rows.name}.{column.name}", other(getattr(row, column.name), column)
    )
    session.connection().execute(update(rows).where(this).values({column: value}))
    return problems(session)


def other(value: Any, column: Column[Any]) -> object:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + (10_000 if column.primary_key else 1)
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if isinstance(value, str):
        return value + "x"
    return {**value, "x": "1"} if isinstance(value, dict) else [*value, "x"]


def test_a_log_that_nobody_changed_is_clean(database: Engine) -> None:
    with Session(database) as session:
        assert problems(session) == []


@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
@pytest.mark.parametrize("name", [name for name in columns() if name not in NOT_FOUND])
def test_a_change_of_any_column_is_found(database: Engine, name: str, *, last: bool) -> None:
    owner, _, column = name.partition(".")
    with Session(database) as session:
        assert changed(session, SQLModel.metadata.tables[owner].columns[column], last=last)


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


def flip_byte(file: Path, index: str) -> None:
    """Flip the last bit of a page of *index*, which is in the number of a row."""
    database = sqlite3.connect(file)
    [(page,)] = database.execute(f"SELECT rootpage FROM sqlite_master WHERE name = '{index}'")
    [(size,)] = database.execute("PRAGMA page_size")
    database.close()
    content = bytearray(file.read_bytes())
    content[page * size - 1] ^= 1
    file.write_bytes(content)


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
