from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.commands.quarantine import DryRun
from hub.cli.terminal.database import on_store
from hub.cli.terminal.output import AsJson, print_json, print_line, print_table
from hub.cli.terminal.values import instant, when

if TYPE_CHECKING:
    from hub.database import Store
    from hub.intake import Difference, Reread


def replay(
    provider: Annotated[str, typer.Option(help="The account whose callbacks are read again.")],
    since: Annotated[
        str, typer.Option(help="From when on: 2026-11-23T10:00:00Z, or 7d for 7 days ago.")
    ],
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """
    Read stored callbacks again with today's adapter, and append what reads differently.

    History stays: a correction is a receipt of its own that names the one it corrects.
    """
    from hub.intake import replaying

    start = int(instant(since).timestamp() * 1_000_000)

    async def work(store: "Store") -> list["Reread"]:
        async with replaying(store) as replay:
            callbacks = replay.callbacks(provider=provider, since=start, dry_run=dry_run)
            return [each async for each in callbacks]

    callbacks = on_store(work)
    if as_json:
        print_json(_report(callbacks, dry_run=dry_run))
    else:
        _print(callbacks, dry_run=dry_run)


def _report(callbacks: list["Reread"], *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "callbacks": len(callbacks),
        "unreadable": [
            {
                "callback": each.callback,
                "received_at": when(each.received_at),
                "problem": each.problem,
            }
            for each in callbacks
            if each.problem
        ],
        "differences": [_difference(one) for each in callbacks for one in each.differences],
    }


def _difference(difference: "Difference") -> dict[str, Any]:
    return {
        "position": difference.position,
        "before": difference.before.name if difference.before else None,
        "after": difference.after.name,
        "fields": list(difference.fields),
    }


def _print(callbacks: list["Reread"], *, dry_run: bool) -> None:
    changes = Counter(
        (
            difference.before.name if difference.before else "(not in the log)",
            difference.after.name,
            ", ".join(difference.fields),
        )
        for each in callbacks
        for difference in each.differences
    )
    rows = [(*change, count) for change, count in sorted(changes.items())]
    print_table(("before", "after", "what differs", "receipts"), rows, empty="Nothing differs.")
    unreadable = sum(bool(each.problem) for each in callbacks)
    will = "would be" if dry_run else "were"
    print_line(
        f"{len(callbacks)} callbacks read again, {unreadable} of them cannot be read;"
        f" {changes.total()} receipts {will} appended."
    )
