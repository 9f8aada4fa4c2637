"""Runs one piece of work on the database of the settings."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from hub.errors import StartError

if TYPE_CHECKING:
    from hub.accounts import Administration
    from hub.database import Store
    from hub.settings import Settings

Result = TypeVar("Result")


def on_store(work: Callable[["Store"], Awaitable[Result]], *, create: bool = False) -> Result:
    """
    What *work* makes of the store, which is opened and migrated before.  Raises `StartError` where
    there is no embedded database, unless it is to *create* one.
    """
    from hub.database import opened
    from hub.settings import load

    async def run(settings: "Settings") -> Result:
        async with opened(settings) as store:
            return await work(store)

    settings = load()
    if not create:
        _check_exists(settings)
    return asyncio.run(run(settings))


def on_accounts(
    work: Callable[["Administration"], Awaitable[Result]], *, create: bool = False
) -> Result:
    """What *work* makes of the administration of accounts; otherwise as `on_store`."""
    from hub.accounts import Administration

    return on_store(lambda store: work(Administration(store)), create=create)


def _check_exists(settings: "Settings") -> None:
    from hub.database import sqlite

    if settings.embedded and not sqlite.file(settings).exists():
        message = f"there is no database at {sqlite.file(settings)}; `hub serve` makes one"
        raise StartError(message)
