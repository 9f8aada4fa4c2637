from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.output import print_line

if TYPE_CHECKING:
    from hub.cli.quickstart import Urls
    from hub.cli.secrets import Secrets
    from hub.service import Hub
    from hub.settings import Settings

_EVERYWHERE = ("//0.0.0.0", "//[::]")  # all addresses of this machine; none to call


def serve(
    quickstart: Annotated[
        bool,
        typer.Option(
            "--quickstart",
            help="Make a first provider and consumer if there are none; print how to try it.",
        ),
    ] = False,
) -> None:
    """Run the hub until it is told to stop, by SIGTERM or Ctrl-C; told twice, it stops at once."""
    from hub.cli.running import run_until_told
    from hub.settings import load
    from hub.telemetry import configure_logging

    settings = load()
    configure_logging(settings.log_level, settings.log_format)
    if quickstart:
        secrets = _prepared(settings)
        run_until_told(settings, partial(_greet, secrets=secrets))
    else:
        run_until_told(settings, lambda _: None)


def _prepared(settings: "Settings") -> "Secrets":
    """Secrets that open the first accounts, kept before anything else can fail."""
    from hub.cli.database import on_store
    from hub.cli.quickstart import Urls, prepare
    from hub.cli.secrets import Secrets

    kept = Secrets.load(settings.data_dir)
    secrets = on_store(lambda store: prepare(store, kept))
    secrets.save(settings.data_dir, Urls("", settings.callback_base, "").callback(secrets))
    return secrets


def _greet(hub: "Hub", secrets: "Secrets") -> None:
    from hub.cli.quickstart import greeting
    from hub.cli.secrets import FILE

    urls = _urls(hub)
    secrets.save(hub.settings.data_dir, urls.callback(secrets))
    print_line(greeting(urls, secrets, hub.settings.data_dir / FILE))


def _urls(hub: "Hub") -> "Urls":
    from hub.cli.quickstart import Urls

    http, grpc = hub.http_url, f"//{hub.grpc_address}"
    for everywhere in _EVERYWHERE:
        http = http.replace(everywhere, "//127.0.0.1")
        grpc = grpc.replace(everywhere, "//127.0.0.1")
    return Urls(http, hub.settings.public_url.rstrip("/") or http, grpc.removeprefix("//"))
