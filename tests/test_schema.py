"""The migrations make exactly the tables that the code knows."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from hub.database.store import opened
from hub.errors import StartError
from hub.settings import Settings
from tests.engines import execute, rows


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), SQLModel.metadata))


async def test_migrations_make_the_tables_that_the_code_knows(any_settings: Settings) -> None:
    async with opened(any_settings) as store:
        assert await store.write(lambda session: _differences(session.connection())) == []


async def test_a_database_newer_than_the_program_is_refused(any_settings: Settings) -> None:
    async with opened(any_settings) as store:
        await execute(store, text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StartError, match="newer than this program"):
        async with opened(any_settings):
            pass


async def test_replicas_that_start_at_once_migrate_once(
    settings: Settings, postgres_url: str
) -> None:
    shared = settings.model_copy(update={"database_url": postgres_url})

    async def epoch() -> str:
        async with opened(shared) as store:
            return str(await rows(store, text("SELECT epoch FROM log")))

    assert len(set(await asyncio.gather(*(epoch() for _ in range(4))))) == 1
