"""`hub` in processes of its own, in a folder of its own."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

WAIT = 30.0
"""Seconds that a test waits for what must come."""


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Folder:
    """Where commands run, and with which variables."""

    path: Path
    variables: Mapping[str, str] = field(
        default_factory=lambda: {
            "HUB_HTTP_PORT": str(free_port()),
            "HUB_GRPC_PORT": str(free_port()),
        }
    )

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.variables['HUB_HTTP_PORT']}"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command, to its end."""
        return subprocess.run(
            _command(arguments), cwd=self.path, env=self._environment(),
            capture_output=True, text=True, timeout=WAIT, check=False,
        )  # fmt: skip

    def paste(self, lines: str) -> str:
        """What a shell shows for *lines*, each of which must succeed."""
        return subprocess.run(
            ["sh", "-ec", lines], cwd=self.path, env=self._environment(),
            capture_output=True, text=True, timeout=WAIT, check=True,
        ).stdout  # fmt: skip

    @contextmanager
    def start(self, *arguments: str) -> Iterator["Started"]:
        """A command that goes on until it is told to end."""
        child = subprocess.Popen(
            _command(arguments), cwd=self.path, env=self._environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started = Started(child)
        try:
            yield started
        finally:
            child.kill()
            child.wait()
            started.close()

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name[:4] != "HUB_"}
        return inherited | dict(self.variables)


class Started:
    """A command under way."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        self.out = _Lines(child.stdout)
        self.err = _Lines(child.stderr)

    def tell(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.child.send_signal(number)
        return self.child.wait(WAIT)

    def close(self) -> None:
        """Read what is left."""
        self.out.close()
        self.err.close()


class _Lines:
    """The lines of a pipe, read as they come so that it never fills up."""

    def __init__(self, pipe: IO[str] | None) -> None:
        assert pipe is not None
        self._pipe = pipe
        self._come: queue.Queue[str | None] = queue.Queue()
        self.seen: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def until(self, word: str) -> str:
        """The next line that holds *word*."""
        while (line := self._come.get(timeout=WAIT)) is not None:
            self.seen.append(line)
            if word in line:
                return line
        message = f"no line holds {word!r}: {self.seen}"
        raise AssertionError(message)

    def rest(self) -> str:
        """All there was, once the command has ended."""
        self._reader.join(WAIT)
        while not self._come.empty():
            line = self._come.get()
            if line is not None:
                self.seen.append(line)
        return "".join(self.seen)

    def close(self) -> None:
        self._reader.join(WAIT)
        self._pipe.close()

    def _read(self) -> None:
        for line in self._pipe:
            self._come.put(line)
        self._come.put(None)


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "hub", *arguments]
