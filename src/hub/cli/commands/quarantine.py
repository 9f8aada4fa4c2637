"""`hub quarantine`: what could not be read, with its bytes."""

import base64
import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.terminal.database import on_store
from hub.cli.terminal.output import AsJson, print_json, print_line, print_table
from hub.cli.terminal.values import LARGEST_ID, when
from hub.errors import BadInput, NotFound

if TYPE_CHECKING:
    from hub.database import Store
    from hub.intake import Replayed
    from hub.log import QuarantineItem, QuarantinePage

app = typer.Typer(help="What could not be read, kept with its bytes.", no_args_is_help=True)

Provider = Annotated[str, typer.Option(help="Only of this account.")]
Reason = Annotated[str, typer.Option(help="Only with this reason, such as BAD_TIME.")]
_DIGITS = re.compile(r"[0-9]{1,19}")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; write nothing.")]


@app.command("list")
def list_(
    provider: Provider = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most items.")] = 50,
    after: Annotated[
        int | None, typer.Option(min=1, max=LARGEST_ID, help="Go on behind this id.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what is in quarantine, newest first, without its bytes."""
    found = _page(provider, limit, after)
    rows = [_row(item) for item in found.items]
    if as_json:
        print_json(rows)
        return
    columns = (
        "id",
        "provider",
        "reason",
        "adapter",
        "bytes",
        "count",
        "last_seen_at",
        "resolved_at",
    )
    cells = [[row[column] for column in columns] for row in rows]
    print_table(columns, cells, empty="Nothing is in quarantine.")
    if found.more:
        print_line(f"There is more: --after {found.items[-1].id}")


@app.command()
def show(
    item: Annotated[
        str, typer.Argument(metavar="ID", help="The item's id, as `list` or as GraphQL shows it.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show one item with its bytes, which may hold phone numbers."""
    number = _number(item)
    found, raw = on_store(lambda store: _item(store, number))
    shown = _row(found) | {"headers": found.headers, **_raw(raw)}
    if as_json:
        print_json(shown)
        return
    from hub.cli.terminal.lines import printable

    for name, value in shown.items():
        print_line(f"{name:<14} {printable(str('–' if value is None else value))}")


@app.command()
def replay(
    provider: Provider = "", reason: Reason = "", dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Read what is in quarantine again with today's adapters; what can be read joins the log."""
    from hub.intake import replaying

    async def work(store: "Store") -> list["Replayed"]:
        await _check_provider(store, provider)
        await _check_reason(store, reason)
        async with replaying(store) as replay:
            results = replay.quarantine(provider=provider, reason=reason, dry_run=dry_run)
            return [each async for each in results]

    results = on_store(work)
    if as_json:
        print_json({"dry_run": dry_run, "items": [_outcome(each) for each in results]})
        return
    _print_results(results, dry_run=dry_run)


def _page(provider: str, limit: int, after: int | None) -> "QuarantinePage":
    from hub.log import ReceiptLog

    async def work(store: "Store") -> "QuarantinePage":
        await _check_provider(store, provider)
        log = ReceiptLog(store)
        return await log.quarantine(visible=None, provider=provider, limit=limit, after=after)

    return on_store(work)


async def _item(store: "Store", number: int) -> tuple["QuarantineItem", bytes]:
    from hub.log import ReceiptLog

    log = ReceiptLog(store)
    after = number + 1 if number < LARGEST_ID else None
    items = (await log.quarantine(visible=None, limit=1, after=after)).items
    raw = await log.raw_bytes([number])
    if number not in raw or items[0].id != number:
        message = f"nothing in quarantine has the id {number}"
        raise NotFound(message)
    return items[0], raw[number]


async def _check_provider(store: "Store", name: str) -> None:
    from hub.accounts import Administration

    if name:
        _check_known(
            "provider", name, [row.name for row in await Administration(store).providers()]
        )


async def _check_reason(store: "Store", reason: str) -> None:
    """Adapters of earlier versions may have known other reasons than today's."""
    from hub.intake import Reason
    from hub.log import reasons

    if reason and reason not in set(Reason):
        _check_known("reason", reason, {*Reason, *await store.read(reasons)})


def _check_known(what: str, name: str, known: Iterable[str]) -> None:
    if name not in set(known):
        there = ", ".join(sorted(known)) or "none"
        message = f"there is no {what} {name!r}; there are: {there}"
        raise BadInput(message, field=what)


def _number(text: str) -> int:
    """The number of the item that *text* names: itself, or what GraphQL made of it."""
    kind, _, number = _decoded(text).rpartition(":")
    if kind in {"", "QuarantineItem"} and _DIGITS.fullmatch(number):
        found = int(number)
        if 1 <= found <= LARGEST_ID:
            return found
    message = f"{text!r} is no id of an item; it takes 1 to {LARGEST_ID}, or the id of GraphQL"
    raise BadInput(message, field="id")


def _decoded(text: str) -> str:
    if _DIGITS.fullmatch(text):
        return text
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return text


def _row(item: "QuarantineItem") -> dict[str, Any]:
    return {
        "id": item.id,
        "provider": item.provider,
        "reason": item.reason,
        "adapter": item.adapter,
        "whole": item.whole,
        "bytes": item.size,
        "count": item.count,
        "first_seen_at": when(item.first_seen_at),
        "last_seen_at": when(item.last_seen_at),
        "resolved_at": when(item.resolved_at) or None,
    }


def _raw(raw: bytes) -> dict[str, str]:
    try:
        return {"raw": raw.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(raw).decode()}


def _outcome(result: "Replayed") -> dict[str, Any]:
    return {
        "id": result.id,
        "provider": result.provider,
        "reason": result.reason,
        "problem": result.problem or None,
        "receipts": result.receipts,
        "known": result.known,
        "unread": result.unread,
        "statuses": {status.name: count for status, count in result.statuses.items()},
    }


def _print_results(results: list["Replayed"], *, dry_run: bool) -> None:
    groups = Counter((each.provider, each.reason, each.problem) for each in results)
    rows = [(*group, count) for group, count in sorted(groups.items())]
    columns = ("provider", "reason", "cannot be read", "items")
    print_table(columns, rows, empty="Nothing in quarantine waits to be read.")
    if not results:
        return
    statuses = sum((Counter(each.statuses) for each in results), Counter[Any]())
    named = ", ".join(f"{count} {status.name}" for status, count in sorted(statuses.items()))
    will = "would be" if dry_run else "were"
    print_line(
        f"{sum(not each.problem for each in results)} of {len(results)} {will} resolved:"
        f" {sum(each.receipts for each in results)} receipts {will} new,"
        f" {sum(each.known for each in results)} are known already{f' ({named})' if named else ''}."
    )
