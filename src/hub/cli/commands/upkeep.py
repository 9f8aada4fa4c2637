"""`hub verify`, `hub backup` and `hub log`: the care of a database."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.terminal.output import AsJson, print_json, print_line

if TYPE_CHECKING:
    from hub.upkeep import Report

log = typer.Typer(help="The log as a whole.", no_args_is_help=True)


def verify(as_json: AsJson = False) -> None:
    """
    Check the whole database: order, uniqueness, and that what is derived equals the log.

    The hub may run meanwhile.  The exit code is 1 when something is wrong.
    """
    from hub.cli.terminal.database import on_store
    from hub.cli.terminal.progress import progress_bar
    from hub.upkeep import verify as check

    with progress_bar("checking") as progress:
        report = on_store(lambda store: check(store, progress))
    _print(report, as_json=as_json)


def backup(
    file: Annotated[Path, typer.Argument(help="The new file; nothing is overwritten.")],
    as_json: AsJson = False,
) -> None:
    """
    Copy the embedded database to a file and check the copy; the hub may run meanwhile.

    The exit code is 1, and no file is left, when something is wrong with the copy.
    """
    import asyncio

    from hub.cli.terminal.progress import progress_bar
    from hub.settings import load
    from hub.upkeep import backup as copy

    with progress_bar("checking the copy") as progress:
        report = asyncio.run(copy(load(), file, progress))
    _print(report, as_json=as_json, file=file)


@log.command("new-epoch")
def new_epoch(as_json: AsJson = False) -> None:
    """Give the log a new name after a restore, so that older cursors are refused, not misread."""
    from hub.cli.terminal.database import on_store
    from hub.upkeep import renew_epoch

    epoch = on_store(renew_epoch)
    print_json({"epoch": epoch}) if as_json else print_line(f"The log is named {epoch} now.")


def _print(report: "Report", *, as_json: bool, file: Path | None = None) -> None:
    if as_json:
        written = {} if file is None else {"file": str(file) if report.clean else None}
        print_json(
            {
                **written,
                "clean": report.clean,
                "receipts": report.receipts,
                "messages": report.messages,
                "problems": report.problems,
                "found": report.found,
            }
        )
    else:
        _tell(report, file)
    if not report.clean:
        raise typer.Exit(1)


def _tell(report: "Report", file: Path | None) -> None:
    print_line(f"{report.receipts} receipts of {report.messages} messages checked.")
    if report.clean:
        print_line("All is well." if file is None else f"The backup stands in {file}.")
        return
    for problem in report.problems:
        print_line(f"  {problem}")
    print_line(f"{report.found} problems." if file is None else "No backup was left.")
