"""Which core does what: the server has one to itself, the load generator another."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

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
