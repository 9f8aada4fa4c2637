"""A first provider and consumer, and how to try the hub with them.  For quickstart only."""

import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hub.cli.terminal.secrets import Secrets
from hub.errors import Unauthenticated

if TYPE_CHECKING:
    from hub.accounts import Accounts, Administration
    from hub.database import Store

PROVIDER = "lushang"
CONSUMER = "quickstart"
SAMPLE = (
    '{"smsResult":[{"smsId":"624e76e6486648cd8be0dee3b5ccyyyy","phone":"138xxxxxxxx","status":"0",'
    '"respMessage":"","receiveTime":"2015-06-29 19:23:26","chargingNum":"2"},{"smsId":'
    '"624e76e6486648cd8be0dee3b5ccyyyy","phone":"139xxxxxxxx","status":"0","respMessage":"",'
    '"receiveTime":"2015-06-29 19:23:26","chargingNum":"2"}]}'
)
"""What the provider's page shows as an example: one message to two recipients."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the running hub is reached."""

    http: str
    """Where this machine reaches it, without a slash at its end."""
    public: str
    """Where providers reach it."""
    grpc: str

    def callback(self, secrets: Secrets) -> str:
        """The callback URL with its secret; empty where the secret is not known."""
        secret = secrets.provider_secret
        return f"{self.public}/callbacks/{PROVIDER}/{secret}" if secret else ""


async def prepare(store: "Store", saved: Secrets) -> Secrets:
    """Make what is missing; return the secrets that open what there is, *saved* where they do."""
    from hub.accounts import Accounts, Administration

    administration = Administration(store)
    accounts = Accounts(store, refresh_seconds=1)
    await accounts.load()
    return Secrets(
        await _provider_secret(administration, accounts, saved),
        await _token(administration, accounts, saved),
    )


async def _provider_secret(
    administration: "Administration", accounts: "Accounts", saved: Secrets
) -> str:
    from hub.accounts import NewProvider

    if not accounts.named():
        return await administration.add_provider(NewProvider(name=PROVIDER, adapter=PROVIDER))
    opened = await accounts.provider(PROVIDER, saved.provider_secret)
    return saved.provider_secret if opened else ""


async def _token(administration: "Administration", accounts: "Accounts", saved: Secrets) -> str:
    from hub.access import Scope
    from hub.accounts import NewConsumer

    if not await administration.consumers():
        return await administration.add_consumer(NewConsumer(name=CONSUMER, scopes=tuple(Scope)))
    try:
        await accounts.access(saved.token)
    except Unauthenticated:
        return ""
    return saved.token


def greeting(urls: Urls, secrets: Secrets, file: Path) -> str:
    """What quickstart prints once the hub is ready."""
    callback = urls.callback(secrets)
    lines = [
        "",
        "The hub is ready.",
        "",
        f"  Callback URL   {callback or _unknown('callback URL')}",
        f"  Token          {secrets.token or _unknown('token')}",
        f"  GraphQL        {urls.http}/graphql",
        f"  gRPC           {urls.grpc}",
        f"  HTTP           {urls.http}/docs",
        "",
    ]
    if callback:
        lines += ["Post the sample of the provider's page, two receipts:", "", _curl(callback), ""]
    if secrets.token:
        lines += ["Watch receipts come in:", "", _tail(urls.grpc, secrets.token), ""]
    lines += [*_remedies(secrets, file), "Ctrl-C stops the hub.", ""]
    return "\n".join(lines)


def _unknown(what: str) -> str:
    return f"(this {what} cannot be shown again; see below)"


def _remedies(secrets: Secrets, file: Path) -> list[str]:
    """What to do where accounts exist and their secrets are nowhere in clear."""
    remedies = []
    if not secrets.provider_secret:
        remedies.append(f"`{program()} provider rotate NAME` makes a new callback URL")
    if not secrets.token:
        remedies.append(f"`{program()} consumer add NAME` makes a new token")
    if not remedies:
        return []
    return [
        f"This database has accounts already, and {file} does not hold secrets that open them;",
        "the database keeps only their hashes.",
        *(f"  {remedy}" for remedy in remedies),
        "",
    ]


def _curl(callback: str) -> str:
    header = shlex.quote("Content-Type: application/json;charset=utf-8")
    return f"  curl -sS {shlex.quote(callback)} -H {header} -d {shlex.quote(SAMPLE)}"


def _tail(address: str, token: str) -> str:
    return f"  HUB_TOKEN={shlex.quote(token)} {program()} tail --from earliest --address {address}"


def program() -> str:
    """How to call this program from any folder."""
    called = Path(sys.argv[0]).absolute()
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m hub"
    found = shutil.which("hub")
    return "hub" if found and Path(found) == called else shlex.quote(str(called))
