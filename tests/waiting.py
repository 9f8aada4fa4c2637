"""Waiting for what another process or task does, with an end."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

PATIENCE = 30.0
"""Seconds after which a test fails instead."""


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = PATIENCE) -> None:
    """Return once *condition* holds."""
    async with asyncio.timeout(seconds):
        while True:
            held = condition()
            if await held if inspect.isawaitable(held) else held:
                return
            await asyncio.sleep(0.02)
