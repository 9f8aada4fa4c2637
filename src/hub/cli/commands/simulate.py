import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.terminal.output import AsJson, print_json, print_line, print_table
from hub.errors import BadInput

if TYPE_CHECKING:
    from hub.cli.terminal.posting import Plan, Tally
    from hub.cli.terminal.traffic import Mix

DEFAULT_SECONDS = 10.0


def simulate(
    url: Annotated[str, typer.Argument(help="The callback URL, as `hub provider add` printed it.")],
    rate: Annotated[
        float, typer.Option(min=0, help="Receipts per second; 0: as fast as answers come.")
    ] = 50,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="How long to send; 10 s if no --count is given.")
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="How many receipts to send.")] = None,
    batch: Annotated[int, typer.Option(min=1, max=1000, help="Most receipts in one post.")] = 5,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Most posts at once.")] = 32,
    failures: Annotated[float, typer.Option(min=0, max=1, help="Share that fails.")] = 0.08,
    duplicates: Annotated[float, typer.Option(min=0, max=1, help="Share sent again.")] = 0.02,
    late: Annotated[float, typer.Option(min=0, max=1, help="Share reported hours late.")] = 0.03,
    seed: Annotated[int | None, typer.Option(help="Draw the same receipts each time.")] = None,
    as_json: AsJson = False,
) -> None:
    """
    Post realistic receipts to a callback URL, in the dialect of the adapter lushang.

    Speaks to that URL only.  The exit code is 1 when a post was not acknowledged.
    """
    from hub.cli.terminal.posting import Plan
    from hub.cli.terminal.traffic import Mix

    if not url.startswith(("http://", "https://")):
        message = "the callback URL begins with http:// or https://"
        raise BadInput(message)
    if seconds is None and count is None:
        seconds = DEFAULT_SECONDS
    plan = Plan(rate=rate, connections=connections, seconds=seconds, count=count)
    mix = Mix(failures=failures, duplicates=duplicates, late=late)
    tally = _run(url, plan, mix, batch, seed)
    print_json(tally.summary()) if as_json else _print(tally.summary())
    if tally.acknowledged < tally.receipts:
        raise typer.Exit(1)


def _run(url: str, plan: "Plan", mix: "Mix", batch: int, seed: int | None) -> "Tally":
    import random

    from hub.cli.terminal.posting import Tally, send
    from hub.cli.terminal.progress import progress_bar
    from hub.cli.terminal.traffic import Traffic

    tally = Tally()
    traffic = Traffic(mix, batch, random.Random(seed))  # noqa: S311  test traffic, no secret
    expected = plan.count or (plan.rate * (plan.seconds or 0)) or None
    with progress_bar("receipts") as progress, suppress(KeyboardInterrupt):
        # What was sent until Ctrl-C is worth a summary.
        asyncio.run(send(url, traffic, plan, tally, lambda: progress(tally.receipts, expected)))
    return tally


def _print(summary: dict[str, Any]) -> None:
    print_line(
        f"{summary['receipts']} receipts in {summary['posts']} posts,"
        f" {summary['duplicates']} of them sent twice: {summary['acknowledged']} acknowledged"
        f" in {summary['seconds']} s ({summary['receipts_per_second']} a second)"
    )
    print_table(("answer", "posts"), summary["answers"].items(), empty="No post was sent.")
    if summary["latency_ms"]["max"] is not None:
        print_line(
            "Answered in ms: "
            + ", ".join(f"{name} {value}" for name, value in summary["latency_ms"].items())
        )
