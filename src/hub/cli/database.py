"""Runs one piece of work on the database of the settings."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from hub.log.register import Register
    from hub.log.store import Store
    from hub.settings import Settings

Result = TypeVar("Result")


def on_store(work: Callable[["Store"], Awaitable[Result]]) -> Result:
    """What *work* makes of the store, which is opened and migrated before."""
    from hub.log.store import opened
    from hub.settings import load

    async def run(settings: "Settings") -> Result:
        async with opened(settings) as store:
            return await work(store)

    return asyncio.run(run(load()))


def on_register(work: Callable[["Register"], Awaitable[Result]]) -> Result:
    """What *work* makes of the register of accounts."""
    from hub.log.register import Register

    return on_store(lambda store: work(Register(store)))
