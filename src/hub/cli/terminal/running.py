"""Runs a hub in this process until a signal ends it."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
import uvloop

if TYPE_CHECKING:
    from hub.service import Hub
    from hub.settings import Settings

_OVERTIME_SECONDS = 5.0
logger = structlog.stdlib.get_logger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_until_signal(settings: "Settings", ready: Callable[["Hub"], None]) -> None:
    """Start a hub, call *ready* with it, and drain it at the first SIGTERM or SIGINT."""
    uvloop.run(_run(settings, ready))


async def _run(settings: "Settings", ready: Callable[["Hub"], None]) -> None:
    from hub.service import running

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, _stop, stopping, number, settings.drain_seconds)
    is_ready = False
    try:
        async with running(settings) as hub:
            is_ready = True
            ready(hub)
            await stopping.wait()
    except Exception:
        if is_ready:  # an operator needs more than the line that a user gets
            logger.exception("the hub stops: a part of it died")
        raise


def _stop(stopping: asyncio.Event, number: signal.Signals, drain_seconds: float) -> None:
    if stopping.is_set():  # a second signal: whoever sends it does not want to wait for the drain
        os._exit(128 + number)
    # Whatever is in the way: all that was acknowledged is on disk, so an alarm may end it.
    signal.setitimer(signal.ITIMER_REAL, drain_seconds + _OVERTIME_SECONDS)
    stopping.set()
