"""`hub parked`: receipts that readers of subscriptions have set aside."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.commands.subscriptions import Consumer, Name, owner_of
from hub.cli.terminal.database import on_store
from hub.cli.terminal.output import AsJson, print_json, print_line, print_table
from hub.cli.terminal.values import LARGEST_ID, when
from hub.errors import BadInput

if TYPE_CHECKING:
    from hub.database import Store

    Change = Callable[[Store, str, str, Sequence[int] | None], Awaitable[int]]

app = typer.Typer(
    help="Receipts that readers could not process and set aside.", no_args_is_help=True
)

Positions = Annotated[
    list[int],
    typer.Option(
        "--position",
        metavar="NUMBER",
        min=1,
        max=LARGEST_ID,
        default_factory=list,
        show_default=False,
        help="Only this one. Repeatable.",
    ),
]
All = Annotated[bool, typer.Option("--all", help="All that the subscription has set aside.")]


@app.command("list")
def list_(
    subscription: Annotated[str, typer.Option(help="Only of this subscription.")] = "",
    consumer: Annotated[str, typer.Option(help="Only of this consumer.")] = "",
    as_json: AsJson = False,
) -> None:
    """List what is set aside, and why."""
    from hub.subscriptions import listing

    found = on_store(lambda store: listing(store, consumer or None, subscription or None))
    rows = [
        {
            "consumer": parked.consumer,
            "subscription": parked.subscription,
            "position": parked.position,
            "reason": parked.reason,
            "parked_at": when(parked.parked_at),
            "replay": parked.replay,
        }
        for parked in found
    ]
    if as_json:
        print_json(rows)
        return
    columns = ("consumer", "subscription", "position", "parked_at", "replay", "reason")
    cells = [[row[column] for column in columns] for row in rows]
    print_table(columns, cells, empty="Nothing is set aside.")


@app.command()
def replay(
    *, name: Name, positions: Positions, everything: All = False, consumer: Consumer = "",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Send parked receipts again, to whoever reads the subscription."""
    from hub.subscriptions import parked

    count = _change(parked.replay, name, consumer, positions, everything=everything)
    line = f"{count} will be sent again."
    print_json({"name": name, "replayed": count}) if as_json else print_line(line)


@app.command()
def drop(
    *, name: Name, positions: Positions, everything: All = False, consumer: Consumer = "",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Forget parked receipts; the log keeps them."""
    from hub.subscriptions import parked

    count = _change(parked.drop, name, consumer, positions, everything=everything)
    print_json({"name": name, "dropped": count}) if as_json else print_line(f"{count} dropped.")


def _change(
    change: "Change", name: str, consumer: str, positions: list[int], *, everything: bool
) -> int:
    if bool(positions) == everything:
        message = "say which: --position N, or --all"
        raise BadInput(message)

    async def work(store: "Store") -> int:
        owner = await owner_of(store, name, consumer)
        return await change(store, owner, name, positions or None)

    return on_store(work)
