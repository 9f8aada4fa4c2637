"""Brings a database to this program's schema, and gives a new one its name."""

import secrets
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, text
from sqlmodel import SQLModel, col

from hub.database.columns import table
from hub.database.tables import Log
from hub.errors import StartError

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_206_001
"""Advisory lock that keeps replicas from migrating at the same time."""


def new_epoch() -> str:
    """A name for a log."""
    return secrets.token_hex(6)


def migrate(connection: Connection) -> tuple[str | None, str]:
    """Migrate; the revision before and after.  Raises `StartError` where it is a newer one."""
    from alembic import command  # noqa: PLC0415  # slow to import, and needed once
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes.update(connection=connection, metadata=SQLModel.metadata)
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    before = MigrationContext.configure(connection).get_current_revision()
    if before is not None and before not in known:
        message = (
            f"the database's schema is {before}, which is newer than this program;"
            " run the hub's newer version, or restore a backup from before the upgrade"
        )
        raise StartError(message)
    after = str(script.get_current_head())
    if before != after:
        command.upgrade(config, "head")
    _name(connection)
    return before, after


def _name(connection: Connection) -> None:
    if connection.execute(select(col(Log.id))).first() is None:
        connection.execute(insert(table(Log)).values(_first_row()))


def _first_row() -> dict[str, Any]:
    return {
        "id": 1,
        "epoch": new_epoch(),
        "head": 0,
        "oldest": 1,
        "recorded_at": 0,
        "callbacks": 0,
        "oldest_callback": 1,
        "emptied": 0,
        "swept": 0,
        "quarantine_bytes": 0,
        "kinds": 0,
        "secret": secrets.token_bytes(32),
        "created_at": time.time_ns() // 1000,
    }
