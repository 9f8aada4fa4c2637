"""Which commands there are, and how each of them ends: a result, one clear line, or quietly."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from hub import __version__
from hub.cli.commands import (
    consumers,
    migrate,
    parked,
    providers,
    quarantine,
    replay,
    serve,
    settings,
    simulate,
    subscriptions,
    tail,
    upkeep,
)
from hub.errors import HubError, StoreUnavailable

FAULT_EXIT_CODE = 1
REFUSED_EXIT_CODE = 2
INTERRUPTED_EXIT_CODE = 130

app = typer.Typer(
    name="hub",
    help="Takes SMS delivery receipts once, keeps them in one order, hands them to all.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    serve.serve,
    migrate.migrate,
    settings.settings,
    tail.tail,
    simulate.simulate,
    replay.replay,
    upkeep.verify,
    upkeep.backup,
):
    app.command()(command)
for name, group in {
    "provider": providers.app,
    "consumer": consumers.app,
    "quarantine": quarantine.app,
    "subscription": subscriptions.app,
    "parked": parked.app,
    "log": upkeep.log,
}.items():
    app.add_typer(group, name=name)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; no fault reaches the user as a traceback."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # we say what it would say on stderr
    try:
        code = app(list(arguments), prog_name="hub", standalone_mode=False)
        sys.stdout.flush()
    except (TyperException, HubError) as error:
        return _explain(error)
    except BrokenPipeError:  # whoever reads our output has enough, as in `hub tail | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED_EXIT_CODE
    except Exception as error:  # noqa: BLE001  the last resort before a traceback
        return _explain(_cause(error))
    return code if isinstance(code, int) else 0


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"hub {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  it acts before
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand == "serve":
        return  # it logs them
    from hub.settings import unknown

    for sentence in unknown():
        sys.stderr.write(f"hub: note: {sentence}\n")


def _complain(sentence: str, code: int = REFUSED_EXIT_CODE) -> int:
    sys.stderr.write(f"hub: {sentence}\n")
    return code


def _explain(error: Exception) -> int:
    if isinstance(error, TyperException) and not error.format_message():
        return REFUSED_EXIT_CODE  # no command was given: the help stands there already
    if isinstance(error, TyperException | HubError):
        return _complain(_sentence(error))
    return _complain(_unexpected(error), FAULT_EXIT_CODE)


def _sentence(error: TyperException | HubError) -> str:
    if isinstance(error, HubError):
        words = error.advice if isinstance(error, StoreUnavailable) else str(error)
        return " ".join(words.split())
    return " ".join(error.format_message().split()) + " (see --help)"


def _cause(error: Exception) -> Exception:
    """The first single error of a group, as task groups raise it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _unexpected(error: Exception) -> str:
    if os.environ.get("HUB_LOG_LEVEL", "").lower() == "debug":
        import traceback

        traceback.print_exception(error)
    from hub.redaction import scrub

    words = scrub(" ".join(str(error).split())) or "no message"
    return f"{type(error).__name__}: {words} (HUB_LOG_LEVEL=debug shows where)"
