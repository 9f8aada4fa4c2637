"""`hub verify` finds any change of any stored value."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, and_, select, update
from sqlmodel import Session, SQLModel

from tests.conftest import quick_settings
from tests.making import open_log
from tests.verifying import populate, problems, session_on

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


@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
@pytest.mark.parametrize("name", [name for name in columns() if name not in NOT_FOUND])
def test_a_change_of_any_column_is_found(populated: Path, name: str, *, last: bool) -> None:
    with session_on(populated) as session:
        assert changed(session, named(name), last=last)


async def test_a_change_in_any_table_is_found_on_postgresql(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_log(quick_settings(tmp_path, database_url=postgres_url)) as hub:
        await populate(hub, monkeypatch, rounds=1)

        def unseen(session: Session) -> list[str]:
            missed = problems(session)
            last = {name.partition(".")[0]: name for name in columns() if name not in NOT_FOUND}
            for name in last.values():
                with session.begin_nested() as change:
                    if not changed(session, named(name)):
                        missed.append(name)
                    change.rollback()
            return missed

        assert await hub.store.write(unseen, unhurried=True) == []


def named(name: str) -> Column[Any]:
    owner, _, column = name.partition(".")
    return SQLModel.metadata.tables[owner].columns[column]


@pytest.mark.parametrize("name", [name for name in columns() if name not in NOT_FOUND])
def test_a_change_of_any_column_is_found_after_a_purge(purged: Path, name: str) -> None:
    with session_on(purged) as session:
        assert changed(session, named(name), last=True)


def changed(session: Session, column: Column[Any], *, last: bool = False) -> list[str]:
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
