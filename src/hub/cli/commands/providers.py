"""`hub provider`: accounts at SMS providers."""

from typing import Annotated, Any

import typer

from hub.cli.terminal.checks import NAME_HELP, check_name
from hub.cli.terminal.database import on_accounts
from hub.cli.terminal.output import AsJson, print_json, print_line, print_table
from hub.cli.terminal.values import credential, duration, when

app = typer.Typer(help="Accounts at SMS providers: who may call which URL.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The account's name.")]
Networks = Annotated[
    list[str],
    typer.Option(
        metavar="NETWORK",
        default_factory=list,
        show_default=False,
        help="Address or network that may call; any if none. Repeatable.",
    ),
]
Credentials = Annotated[
    list[str],
    typer.Option(
        "--credential",
        metavar="NAME=VALUE",
        default_factory=list,
        show_default=False,
        help="NAME=VALUE or NAME=@FILE for the signature check. Repeatable.",
    ),
]


@app.command()
def add(
    *,
    name: Annotated[str, typer.Argument(help=f"A name for the account: {NAME_HELP}.")],
    adapter: Annotated[
        str, typer.Option(help="Whose dialect it speaks; `hub provider adapters` lists them.")
    ],
    timezone: Annotated[
        str, typer.Option(help="IANA zone of the provider's local times.")
    ] = "Asia/Shanghai",
    region: Annotated[
        str, typer.Option(help="Where numbers without a country code are at home.")
    ] = "CN",
    allow_ip: Networks,
    credentials: Credentials,
    protocol: Annotated[
        str, typer.Option(help="Gateway protocol of bare numeric codes: SGIP or SMGP.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Add an account and print its callback URL, once: the secret in it is stored hashed."""
    from hub.accounts import NewProvider
    from hub.cli.terminal import checks

    new = NewProvider(
        name=check_name(name),
        adapter=checks.check_adapter(adapter),
        timezone=checks.check_timezone(timezone),
        region=checks.check_region(region),
        allow_ips=tuple(checks.check_network(text) for text in allow_ip),
        credentials=checks.check_credentials(adapter, dict(map(credential, credentials))),
        protocol=checks.check_protocol(protocol),
    )
    secret = on_accounts(lambda administration: administration.add_provider(new), create=True)
    shown = {"name": name, "adapter": adapter, "callback_url": callback_url(name, secret)}
    print_json(shown) if as_json else _print_url(shown["callback_url"])


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the accounts; secrets and credentials are not shown."""
    rows = [_row(row) for row in on_accounts(lambda administration: administration.providers())]
    if as_json:
        print_json(rows)
        return
    names = ("name", "adapter", "timezone", "region", "allow_ips", "credentials", "state")
    columns = [[row[name] for name in names] for row in rows]
    print_table(names, columns, empty="No provider yet; `hub provider add` makes one.")


@app.command()
def rotate(
    name: Name,
    grace: Annotated[str, typer.Option(help="How long the old URL works on.")] = "7d",
    as_json: AsJson = False,
) -> None:
    """Make a new callback URL and print it, once; the old one works on for a while."""
    micros = int(duration(grace).total_seconds() * 1_000_000)
    secret = on_accounts(lambda administration: administration.rotate_provider(name, micros))
    url = callback_url(name, secret)
    if as_json:
        print_json({"name": name, "callback_url": url})
        return
    _print_url(url)
    print_line(f"The old URL works for another {grace}.")


@app.command()
def disable(name: Name, as_json: AsJson = False) -> None:
    """Refuse the account's callbacks from now on; its receipts stay."""
    on_accounts(lambda administration: administration.disable_provider(name))
    print_json({"name": name, "disabled": True}) if as_json else print_line(f"{name} is disabled.")


@app.command()
def adapters(as_json: AsJson = False) -> None:
    """List the dialects that are spoken, and the credentials that their signature checks need."""
    from hub.intake import all_adapters as known

    rows = [
        {"name": name, "credentials": dict(adapter.CREDENTIALS)}
        for name, adapter in known().items()
    ]
    if as_json:
        print_json(rows)
        return
    shown = [(row["name"], _described(row["credentials"])) for row in rows]
    print_table(("adapter", "credentials"), shown, empty="")


def callback_url(name: str, secret: str) -> str:
    """The URL to give to the provider; it holds the secret."""
    from hub.settings import load

    return f"{load().callback_base}/callbacks/{name}/{secret}"


def _print_url(url: str) -> None:
    print_line("Callback URL, shown this once; give it to the provider:")
    print_line()
    print_line(f"  {url}")
    print_line()


def _described(credentials: Any) -> str:
    return "; ".join(f"{name}: {text}" for name, text in credentials.items())


def _row(row: Any) -> dict[str, Any]:
    return {
        "name": row.name,
        "adapter": row.adapter,
        "timezone": row.timezone,
        "region": row.region,
        "allow_ips": list(row.allow_ips),
        "credentials": sorted(row.credentials),
        "protocol": row.protocol or None,
        "created_at": when(row.created_at),
        "old_secrets_until": [when(old["until"]) for old in row.old_secrets],
        "disabled_at": when(row.disabled_at) or None,
        "state": "disabled" if row.disabled_at else "enabled",
    }
