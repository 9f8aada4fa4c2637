"""`hub subscription`: cursors that the hub keeps for its readers."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.terminal.database import on_store
from hub.cli.terminal.output import AsJson, print_json, print_line, print_table
from hub.cli.terminal.values import when
from hub.errors import BadInput, NotFound

if TYPE_CHECKING:
    from hub.database import Store
    from hub.subscriptions import SubscriptionState

app = typer.Typer(help="Durable subscriptions: where each reader is.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The subscription's name.")]
Consumer = Annotated[
    str, typer.Option(help="Whose; needed where several consumers have one of this name.")
]


@app.command("list")
def list_(
    consumer: Annotated[str, typer.Option(help="Only of this consumer.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the subscriptions, one line per shard, with how far each is behind."""
    from hub.subscriptions import states

    found = on_store(lambda store: states(store, consumer or None))
    if as_json:
        print_json([_row(subscription) for subscription in found])
        return
    columns = ("consumer", "name", "shard", "lag", "behind", "unacked", "parked", "read", "cursor")
    print_table(columns, map(_cells, found), empty="No subscription yet; readers make them.")


@app.command()
def reset(
    name: Name,
    to: Annotated[
        str, typer.Option(help="A cursor; a time, or 15m for 15 minutes ago; earliest; latest.")
    ],
    consumer: Consumer = "",
    as_json: AsJson = False,
) -> None:
    """Let a subscription go on from elsewhere; its readers reconnect by themselves."""
    from hub.cli.terminal.positions import resolve_position
    from hub.log import ReceiptLog
    from hub.subscriptions import administration

    async def work(store: "Store") -> str:
        owner = await owner_of(store, name, consumer)
        log = ReceiptLog(store)
        position = await resolve_position(log, to)
        await administration.reset(store, owner, name, position)
        return (await log.bounds()).cursor(position)

    cursor = on_store(work)
    shown = {"name": name, "cursor": cursor}
    print_json(shown) if as_json else print_line(f"{name} goes on behind {cursor}.")


@app.command()
def reshard(
    name: Name,
    shards: Annotated[int, typer.Argument(min=1, max=1024, help="How many shards from now on.")],
    consumer: Consumer = "",
    as_json: AsJson = False,
) -> None:
    """Share a subscription among another number of readers, from the least cursor on."""
    from hub.subscriptions import administration

    async def work(store: "Store") -> int:
        owner = await owner_of(store, name, consumer)
        return await administration.reshard(store, owner, name, shards)

    position = on_store(work)
    shown = {"name": name, "shards": shards, "position": position}
    line = f"{name} has {shards} shards, each behind position {position}."
    print_json(shown) if as_json else print_line(line)


@app.command()
def delete(name: Name, consumer: Consumer = "", as_json: AsJson = False) -> None:
    """Delete a subscription, its cursor and what it set aside."""
    from hub.subscriptions import administration

    async def work(store: "Store") -> None:
        await administration.remove(store, await owner_of(store, name, consumer), name)

    on_store(work)
    print_json({"name": name, "deleted": True}) if as_json else print_line(f"{name} is deleted.")


async def owner_of(store: "Store", name: str, consumer: str) -> str:
    """The consumer that the subscription *name* belongs to, which *consumer* may tell."""
    from hub.subscriptions import states

    owners = {found.consumer for found in await states(store, consumer or None, name)}
    if not owners:
        message = f"there is no subscription named {name}"
        raise NotFound(message)
    if len(owners) > 1:
        message = f"{', '.join(sorted(owners))} have one of this name; say which with --consumer"
        raise BadInput(message)
    return owners.pop()


def _row(subscription: "SubscriptionState") -> dict[str, Any]:
    instants = {
        name: when(getattr(subscription, name)) or None for name in ("acked_at", "created_at")
    }
    filter_ = json.loads(json.dumps(dict(subscription.filter)))
    return {**asdict(subscription), "filter": filter_, **instants}


def _cells(subscription: "SubscriptionState") -> tuple[object, ...]:
    return (
        subscription.consumer,
        subscription.name,
        f"{subscription.shard}/{subscription.shards}",
        subscription.lag,
        f"{subscription.lag_seconds:.0f} s",
        subscription.unacked,
        subscription.parked,
        "yes" if subscription.holder else "no",
        subscription.cursor,
    )
