"""`python -m tests.chaos`: the figures of docs/reliability.md, made on this machine."""

import argparse
import asyncio
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hub.telemetry import configure_logging
from tests.chaos import hostile, purging
from tests.chaos.memory import Watched, come_and_go, stall, watched
from tests.chaos.siege import siege
from tests.chaos.streams import end_of_call, end_of_socket, open_calls, open_sockets
from tests.conftest import quick_settings
from tests.providing import providing

Rows = list[tuple[str, str]]


async def kills(folder: Path, size: float) -> Rows:
    """Kill -9 under load, again and again."""
    settings = quick_settings(folder)
    outcome = await siege(settings, folder, kills=round(100 * size), seed=1)
    journal, found = outcome.journal, Counter(mark for _, mark in outcome.log)
    there = sum(1 for mark in journal.acknowledged if found[mark])
    twice = sum(1 for count in found.values() if count > 1)
    return [
        ("kills survived", f"{outcome.kills:,}"),
        ("receipts acknowledged / found", f"{len(journal.acknowledged):,} / {there:,}"),
        ("posts cut off or refused, and sent again", f"{journal.unanswered:,}"),
        ("duplicates posted / in the log", f"{journal.repeated:,} / {twice:,}"),
        ("problems found afterwards", "; ".join(outcome.problems) or "none"),
    ]


async def bodies(folder: Path, size: float) -> Rows:
    """Bodies that nobody should send."""
    answers: Counter[tuple[int, str]] = Counter()
    async with providing(quick_settings(folder)) as at:
        for body in hostile.bodies(seed=1, count=round(20_000 * size)):
            answers[await at.post(body)] += 1
    told = ", ".join(f"{count:,} × {status} {code}" for (status, code), count in answers.items())
    faults = sum(count for got, count in answers.items() if got not in hostile.ANSWERS)
    return [
        ("hostile bodies tried", f"{answers.total():,}"),
        ("answers", told),
        ("answers that no body should get", f"{faults:,}"),
    ]


async def cancelled(folder: Path, size: float) -> Rows:
    """Streams that come and go."""
    async with watched(quick_settings(folder), folder) as there:
        weighed = await come_and_go(there, streams=round(10_000 * size), warm_up=500)
    what = f"memory before / after {round(10_000 * size):,} cancelled streams"
    return [(what, f"{weighed.before:.0f} / {weighed.after:.0f} MiB")]


async def stalled(folder: Path, size: float) -> Rows:
    """Readers that take nothing."""
    count = round(100_000 * size)
    rows = []
    for readers in (0, 50):
        place = folder / str(readers)
        settings = quick_settings(place, slow_reader_seconds=600)
        async with watched(settings, place) as there:
            weighed = await stall(there, readers=readers, receipts=count)
        what = f"memory before / after {count:,} receipts passed {readers} stalled readers"
        rows.append((what, f"{weighed.before:.0f} / {weighed.after:.0f} MiB"))
    return rows


async def drain(folder: Path, _size: float) -> Rows:
    """A stop with 300 open readers."""
    settings = quick_settings(folder, heartbeat_seconds=60, drain_seconds=10)
    async with watched(settings, folder) as there, AsyncExitStack() as open_things:
        await there.fill(5)
        calls = await open_calls(there.hub, there.secrets, 200, open_things)
        sockets = await open_sockets(there.hub, there.secrets, 100, open_things)
        seconds, reasons, code = await _stopped(
            there, [*map(end_of_call, calls), *map(end_of_socket, sockets)]
        )
    return [
        ("drain with 200 gRPC streams and 100 WebSockets open", f"{seconds:.1f} s"),
        ("how they ended", ", ".join(f"{n} × {reason}" for reason, n in reasons.items())),
        ("exit code", str(code)),
    ]


async def _stopped(
    there: Watched, ends: list[Awaitable[object]]
) -> tuple[float, Counter[str], int]:
    ending = asyncio.gather(*ends)
    started = time.perf_counter()
    code = await there.hub.stop(signal.SIGTERM)
    seconds = time.perf_counter() - started
    reasons = (getattr(end, "reason", None) for end in await ending)
    return seconds, Counter(_reason(reason) for reason in reasons), code


def _reason(reason: object) -> str:
    if isinstance(reason, tuple):
        return " ".join(getattr(part, "name", str(part)) for part in reason)
    return str(reason)


async def purge(folder: Path, size: float) -> Rows:
    """Ingest beside a purge."""
    settings = quick_settings(folder)
    rates = await purging.rates(settings, folder, old=round(200_000 * size), seconds=5)
    return [
        ("receipts a second without a purge", f"{rates.without:,.0f}"),
        ("receipts a second during a purge", f"{rates.during:,.0f}"),
        ("rows purged meanwhile", f"{rates.purged:,}"),
    ]


async def wait(folder: Path, size: float) -> Rows:
    """How long posts wait beside a purge."""
    count = round(1_000_000 * size)
    found = await purging.waits(quick_settings(folder), folder, callbacks=count, seconds=10)
    return [
        ("callbacks stored before", f"{count:,}"),
        ("p50 / p99 without a purge", " / ".join(f"{each:.1f} ms" for each in found.without)),
        ("p50 / p99 during a purge", " / ".join(f"{each:.1f} ms" for each in found.during)),
        ("p99 during / without", f"{found.ratio:.2f}"),
        ("rows purged meanwhile", f"{found.purged:,}"),
    ]


FIGURES: dict[str, Callable[[Path, float], Coroutine[Any, Any, Rows]]] = {
    "kills": kills,
    "bodies": bodies,
    "cancelled": cancelled,
    "stalled": stalled,
    "drain": drain,
    "purge": purge,
    "wait": wait,
}


def main() -> None:
    """Make the figures that are asked for; all of them if none is."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("figures", nargs="*", help=", ".join(FIGURES))
    parser.add_argument("--size", type=float, default=1.0, help="1 is what the page shows")
    arguments = parser.parse_args()
    configure_logging("error", "console")
    console = Console(width=110)
    for name in arguments.figures or FIGURES:
        with tempfile.TemporaryDirectory() as folder:
            rows = asyncio.run(FIGURES[name](Path(folder), arguments.size))
        table = Table("what", "seen", title=f"python -m tests.chaos {name}", title_justify="left")
        for row in rows:
            table.add_row(*row)
        console.print(table)


if __name__ == "__main__":
    main()
