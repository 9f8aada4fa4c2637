"""A copy of an embedded database, made while the hub runs, and what follows a restore."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlmodel import Session, select

from hub.database import Log, Store, new_epoch, opened, sqlite
from hub.errors import BadInput, StoreUnavailable
from hub.settings import Settings
from hub.upkeep.verification import Progress, Report, verify


async def backup(settings: Settings, target: Path, progress: Progress) -> Report:
    """
    Copy the database to the new file *target* and verify the copy.  The hub may run.  Raises
    `BadInput` where there is nothing to copy, *target* stands already or its folder is missing.
    """
    source = _source(settings, target)
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        await asyncio.to_thread(_copy, source, unfinished)
        report = await _verified(settings, unfinished, progress)
        if report.clean:
            unfinished.replace(target)
    except (sqlite3.Error, OSError) as error:
        message = f"the backup failed: {sqlite.advice(error)}"
        raise StoreUnavailable(message) from error
    finally:
        for left in unfinished.parent.glob(f"{unfinished.name}*"):
            left.unlink()
    return report


async def renew_epoch(store: Store) -> str:
    """
    Give the log a new name and return it, so that cursors from before a restore are refused
    rather than misread.
    """
    epoch = new_epoch()

    def work(session: Session) -> None:
        session.exec(select(Log)).one().epoch = epoch

    await store.write(work)
    return epoch


def _source(settings: Settings, target: Path) -> Path:
    if not settings.embedded:
        message = "PostgreSQL has its own tools: use pg_dump, or the archiving of its write log"
        raise BadInput(message)
    source = sqlite.file(settings)
    if not source.exists():
        message = f"there is no database at {source}"
        raise BadInput(message)
    if not target.parent.is_dir():
        message = f"there is no folder {target.parent}; make it first"
        raise BadInput(message)
    if target.exists():
        message = f"{target} exists already; backups overwrite nothing"
        raise BadInput(message)
    return source


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)  # one read transaction: writers are not stopped
    with target.open("rb") as copied:
        os.fsync(copied.fileno())


async def _verified(settings: Settings, copy: Path, progress: Progress) -> Report:
    changes = {"database_url": f"sqlite:///{copy}", "database_password_file": None}
    async with opened(settings.model_copy(update=changes)) as store:
        return await verify(store, progress)
