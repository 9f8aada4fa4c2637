"""`hub consumer`: who reads, and what each may see."""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.terminal.checks import NAME_HELP, check_name
from hub.cli.terminal.database import on_accounts
from hub.cli.terminal.output import AsJson, print_json, print_line, print_table
from hub.cli.terminal.values import duration, when
from hub.errors import BadInput

if TYPE_CHECKING:
    from hub.accounts import Administration, NewConsumer

app = typer.Typer(help="Consumers: who reads, and what each may see.", no_args_is_help=True)


@app.command()
def add(
    *,
    name: Annotated[str, typer.Argument(help=f"A name for the consumer: {NAME_HELP}.")],
    scopes: Annotated[
        list[str],
        typer.Option(
            "--scope",
            metavar="SCOPE",
            default_factory=list,
            show_default=False,
            help="receipts:read (default), recipients:read, subscriptions:write,"
            " operations:read. Repeatable.",
        ),
    ],
    providers: Annotated[
        list[str],
        typer.Option(
            "--provider",
            metavar="NAME",
            default_factory=list,
            show_default=False,
            help="Sees only this account. Repeatable.",
        ),
    ],
    expires_in: Annotated[str, typer.Option(help="Lifetime of the token, such as 30d.")] = "",
    as_json: AsJson = False,
) -> None:
    """Add a consumer and print its token, once: it is stored hashed."""
    from hub.accounts import NewConsumer

    new = NewConsumer(
        name=check_name(name),
        scopes=_checked(scopes),
        providers=tuple(dict.fromkeys(providers)) or None,
        expires_at=_end(expires_in),
    )
    token = on_accounts(lambda administration: _add(administration, new), create=True)
    if as_json:
        print_json({"name": name, "token": token, "scopes": list(new.scopes)})
        return
    print_line(f"Token of {name}, shown this once:\n\n  {token}\n")
    print_line(f"Scopes: {', '.join(new.scopes)}")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the consumers; tokens are not shown."""
    rows = [_row(row) for row in on_accounts(lambda administration: administration.consumers())]
    if as_json:
        print_json(rows)
        return
    names = ("name", "scopes", "providers", "created_at", "expires_at", "state")
    columns = [
        [row[name] or ("all" if name == "providers" else "") for name in names] for row in rows
    ]
    print_table(names, columns, empty="No consumer yet; `hub consumer add` makes one.")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The consumer's name.")], as_json: AsJson = False
) -> None:
    """End a consumer's token, on open streams as well."""
    on_accounts(lambda administration: administration.revoke_consumer(name))
    print_json({"name": name, "revoked": True}) if as_json else print_line(f"{name} is revoked.")


async def _add(administration: "Administration", new: "NewConsumer") -> str:
    unknown = set(new.providers or ()) - {row.name for row in await administration.providers()}
    if unknown:
        names = ", ".join(sorted(unknown))
        sys.stderr.write(f"hub: note: there is no provider named {names} yet\n")
    return await administration.add_consumer(new)


def _checked(scopes: list[str]) -> tuple[str, ...]:
    from hub.access import Scope

    known = [scope.value for scope in Scope]
    for scope in scopes:
        if scope not in known:
            message = f"{scope!r} is no scope; there are {', '.join(known)}"
            raise BadInput(message, field="scope")
    return tuple(dict.fromkeys(scopes)) or (Scope.RECEIPTS_READ.value,)


def _end(expires_in: str) -> int | None:
    if not expires_in:
        return None
    lifetime = int(duration(expires_in).total_seconds() * 1_000_000)
    if not lifetime:
        message = f"--expires-in holds {expires_in!r}; it takes more than nothing, such as 30d"
        raise BadInput(message, field="expires_in")
    return time.time_ns() // 1000 + lifetime


def _row(row: Any) -> dict[str, Any]:
    expired = row.expires_at is not None and row.expires_at <= time.time_ns() // 1000
    return {
        "name": row.name,
        "scopes": list(row.scopes),
        "providers": row.providers,
        "created_at": when(row.created_at),
        "expires_at": when(row.expires_at) or None,
        "revoked_at": when(row.revoked_at) or None,
        "state": "revoked" if row.revoked_at else "expired" if expired else "valid",
    }
