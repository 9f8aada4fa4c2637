from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from hub.cli.terminal.output import AsJson, print_json, print_line

if TYPE_CHECKING:
    from hub.cli.terminal.quickstart import Urls
    from hub.cli.terminal.secrets import Secrets
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
    as_json: AsJson = False,
) -> None:
    """
    Run the hub until SIGTERM or Ctrl-C; a second one stops it at once.

    With --json it prints one line once it is ready: where it is reached, and with --quickstart the
    callback URL and the token, each null where it cannot be shown again.
    """
    from hub.cli.terminal.running import run_until_signal
    from hub.settings import load, unknown
    from hub.telemetry import configure_logging

    settings = load()
    configure_logging(settings.log_level, settings.log_format)
    for sentence in unknown():
        structlog.stdlib.get_logger(__name__).warning("unknown variable", problem=sentence)
    secrets = _prepared(settings) if quickstart else None

    def ready(hub: "Hub") -> None:
        if secrets:
            secrets.save(settings.data_dir, _urls(hub).callback(secrets))
        if as_json:
            print_json(_shown(_urls(hub), secrets))
        elif secrets:
            _greet(hub, secrets)

    run_until_signal(settings, ready)


def _prepared(settings: "Settings") -> "Secrets":
    """Secrets that open the first accounts, saved before anything else can fail."""
    from hub.cli.terminal.database import on_store
    from hub.cli.terminal.quickstart import Urls, prepare
    from hub.cli.terminal.secrets import Secrets

    saved = Secrets.load(settings.data_dir)
    secrets = on_store(lambda store: prepare(store, saved), create=True)
    secrets.save(settings.data_dir, Urls("", settings.callback_base, "").callback(secrets))
    return secrets


def _greet(hub: "Hub", secrets: "Secrets") -> None:
    from hub.cli.terminal.quickstart import greeting
    from hub.cli.terminal.secrets import FILE

    print_line(greeting(_urls(hub), secrets, hub.settings.data_dir / FILE))


def _shown(urls: "Urls", secrets: "Secrets | None") -> dict[str, str | None]:
    shown: dict[str, str | None] = {
        "http": urls.http,
        "grpc": urls.grpc,
        "graphql": f"{urls.http}/graphql",
    }
    if secrets:
        shown |= {"callback_url": urls.callback(secrets) or None, "token": secrets.token or None}
    return shown


def _urls(hub: "Hub") -> "Urls":
    from hub.cli.terminal.quickstart import Urls

    http, callbacks, grpc = map(
        _callable, (hub.http_url, hub.callbacks_url, f"//{hub.grpc_address}")
    )
    public = hub.settings.public_url.rstrip("/") or callbacks
    return Urls(http, public, grpc.removeprefix("//"))


def _callable(url: str) -> str:
    for everywhere in _EVERYWHERE:
        url = url.replace(everywhere, "//127.0.0.1")
    return url
