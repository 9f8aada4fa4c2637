"""Which core does what: the server has one to itself, the load generator another."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import psutil

_ALL = sorted(os.sched_getaffinity(0))
SERVER, LOAD = {_ALL[0]}, {_ALL[-1]}
ONE_ONLY = len(_ALL) < 2


def use_load_core() -> None:
    """Keep this process on the core of the load."""
    os.sched_setaffinity(0, LOAD)


@contextmanager
def on_server_core() -> Iterator[None]:
    """Run what follows, and what it starts, on the server's core."""
    os.sched_setaffinity(0, SERVER)
    try:
        yield
    finally:
        os.sched_setaffinity(0, LOAD)


@contextmanager
def process(
    arguments: Sequence[str], variables: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """A process on the server's core, ended at the end."""
    with on_server_core():
        started = subprocess.Popen(
            arguments, env=os.environ | variables, stdout=subprocess.DEVNULL, text=True
        )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(30)


class Busy:
    """How much processor time a process uses from now on."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._started, self._used = time.perf_counter(), self._so_far()

    def cores(self) -> float:
        """Cores used on average since the beginning."""
        return (self._so_far() - self._used) / (time.perf_counter() - self._started)

    def _so_far(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)
