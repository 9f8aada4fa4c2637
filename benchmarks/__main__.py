"""`python -m benchmarks`: measure this machine, and print a table."""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import cores, ingest, live, pages, standing, streams
from benchmarks.row import Row

SCENARIOS: dict[str, Callable[[Path, float], list[Row]]] = {
    "singles": ingest.singles,
    "batches": ingest.batches,
    "full-read": streams.full_read,
    "readers": streams.many_readers,
    "latency": streams.latency,
    "live": live.many_readers,
    "pages": pages.growth,
    "standing": standing.standing,
}


def main() -> None:
    arguments = _arguments()
    cores.use_load_core()
    table = Table("what", "hub", "beside", "ratio", "p50 ms", "p99 ms")
    for name in arguments.only or SCENARIOS:
        with tempfile.TemporaryDirectory() as folder:
            for row in SCENARIOS[name](Path(folder), arguments.seconds):
                table.add_row(*row.cells())
    console = Console(width=120)
    console.print(table)
    if cores.ONE_ONLY:
        console.print("Only one core is here: the load took its time from the server's.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="how long each load lasts")
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="repeatable")
    return parser.parse_args()


if __name__ == "__main__":
    main()
