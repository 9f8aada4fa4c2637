"""Runs a hub in this process until a signal ends it."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvloop

if TYPE_CHECKING:
    from hub.service import Hub
    from hub.settings import Settings

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_until_told(settings: "Settings", ready: Callable[["Hub"], None]) -> None:
    """Start a hub, call *ready* with it, and drain it at the first SIGTERM or SIGINT."""
    uvloop.run(_run(settings, ready))


async def _run(settings: "Settings", ready: Callable[["Hub"], None]) -> None:
    from hub.service import running

    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, _tell, told, number)
    async with running(settings) as hub:
        ready(hub)
        await told.wait()


def _tell(told: asyncio.Event, number: signal.Signals) -> None:
    if told.is_set():  # told twice: whoever asks does not want to wait for the drain
        os._exit(128 + number)
    told.set()
