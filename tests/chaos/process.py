"""The real thing: `python -m hub serve` in a process of its own, started, killed, told to stop."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from hub.settings import Settings, variable
from tests.waiting import until

START_SECONDS = 30.0
"""Longest that a start may take on a busy machine."""


@dataclass
class Process:
    """One hub and its ports, which stay the same from start to start."""

    settings: Settings
    """What was set in it goes into the environment; ports must be set."""
    folder: Path
    """Where it runs, and where its log lines go."""
    wrapper: Sequence[str] = ()
    """A command that runs it, if any."""
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Where HTTP is."""
        return f"http://127.0.0.1:{self.settings.http_port}"

    @property
    def grpc_address(self) -> str:
        """Where gRPC is."""
        return f"127.0.0.1:{self.settings.grpc_port}"

    @property
    def lines(self) -> str:
        """What it logged so far, over all its starts."""
        return self._stderr.read_text()

    def start(self) -> None:
        """Start it; `ready` waits for it."""
        with self._stderr.open("ab") as stderr:
            self.child = subprocess.Popen(
                [*self.wrapper, sys.executable, "-m", "hub", "serve"],
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )

    async def ready(self) -> None:
        """Return once `/readyz` says so; fails where the process ends instead."""
        async with httpx.AsyncClient(timeout=5) as client, asyncio.timeout(START_SECONDS):
            while True:
                assert self.child is None or self.child.poll() is None, self.lines
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """End it as a power cut would, without a word."""
        assert self.child is not None
        self.child.kill()
        self.child.wait()
        self.child = None

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop; its exit code."""
        assert self.child is not None
        self.child.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        child = self.child
        assert child is not None
        await until(lambda: child.poll() is not None)
        self.child = None
        return child.wait()

    @property
    def _stderr(self) -> Path:
        return self.folder / "stderr"

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        given = self.settings.model_dump(exclude_unset=True)
        return clean | {
            variable("log_format"): "json",
            **{variable(name): str(value) for name, value in given.items()},
        }


@asynccontextmanager
async def process(
    settings: Settings, folder: Path, wrapper: Sequence[str] = ()
) -> AsyncIterator[Process]:
    """A hub on free ports, not yet started; whatever is left of it at the end is killed."""
    http_port, grpc_port = free_ports(2)
    ports = {"http_port": http_port, "grpc_port": grpc_port}
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240
    hub = Process(settings.model_copy(update=ports), folder, wrapper)
    try:
        yield hub
    finally:
        if hub.child is not None:
            hub.kill()


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, below those that outgoing connections are given."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found
