"""What is measured: a hub of its own in an empty folder, and a route that stores nothing."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import cores

READY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Hub:
    """A running hub."""

    callback_url: str
    token: str
    http_url: str
    grpc_address: str
    database: Path
    process: psutil.Process
    ready_seconds: float
    """From the start of the process to the first 200 of /readyz."""


@contextmanager
def hub(folder: Path, **variables: str) -> Iterator[Hub]:
    """A hub on SQLite in *folder*, with an account and a consumer."""
    http, grpc = _free_port(), _free_port()
    environment = {
        "HUB_DATA_DIR": str(folder),
        "HUB_HTTP_PORT": str(http),
        "HUB_GRPC_PORT": str(grpc),
        "HUB_LOG_LEVEL": "warning",
        **variables,
    }
    provider = _ask(environment, "provider", "add", "bench", "--adapter", "lushang")
    consumer = _ask(environment, "consumer", "add", "bench", "--scope", "receipts:read",
                    "--scope", "subscriptions:write", "--scope", "recipients:read")  # fmt: skip
    base = f"http://127.0.0.1:{http}"
    started = time.perf_counter()
    with cores.process([sys.executable, "-m", "hub", "serve"], environment) as process:
        _wait(f"{base}/readyz")
        yield Hub(
            callback_url=provider["callback_url"],
            token=consumer["token"],
            http_url=base,
            grpc_address=f"127.0.0.1:{grpc}",
            database=folder / "hub.db",
            process=psutil.Process(process.pid),
            ready_seconds=time.perf_counter() - started,
        )


@contextmanager
def bare() -> Iterator[str]:
    """The URL of a FastAPI route that reads the body and stores nothing."""
    port = _free_port()
    with cores.process([sys.executable, "-m", "benchmarks.bare", str(port)], {}):
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/readyz")
        yield f"{url}/callbacks/bench/secret"


def _ask(environment: dict[str, str], *arguments: str) -> dict[str, str]:
    answer = subprocess.run(
        [sys.executable, "-m", "hub", *arguments, "--json"],
        env=os.environ | environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    parsed: dict[str, str] = json.loads(answer.stdout)
    return parsed


def _wait(url: str) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.01)
    message = f"nothing answers at {url}"
    raise SystemExit(message)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
