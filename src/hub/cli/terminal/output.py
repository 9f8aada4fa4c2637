"""What commands print: tables for people, JSON for machines, marks only on a terminal."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

WIDTH_IN_A_PIPE = 250

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def print_json(value: Any) -> None:
    """Print *value* as JSON on one line, which is what machines and `jq` like best."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_line(text: str = "") -> None:
    """Print one line as it is: never wrapped, so that what it holds can be copied."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()  # whoever reads a pipe waits for it


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print *rows* under *columns*, or the sentence *empty* where there are none."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    console = Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_PIPE)
    with console.capture() as capture:
        console.print(table if table.row_count else empty)
    for line in capture.get().strip("\n").splitlines():
        print_line(line.rstrip())


def _cell(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(sorted(map(str, value))) or "–"
    return str(value)
