"""The file `.env` and the names in the environment, looked at before settings are read."""

import difflib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from hub.errors import StartError

FILE = Path(".env")
"""In the folder the hub is started in."""

PREFIX = "HUB_"
OTHERS = frozenset({"HUB_TOKEN", "HUB_BIND"})
"""Variables that are no settings: of `hub tail`, and of the file for Docker Compose."""


def check(file: Path = FILE) -> None:
    """Raise `StartError` where *file* is there and has a line that cannot be read."""
    for binding in _bindings(file):
        if binding.error or (binding.key and binding.value is None):
            message = f"{file}, line {_line(binding)}, cannot be read; it takes NAME=VALUE"
            raise StartError(message)


def unknown(known: Collection[str], file: Path = FILE) -> list[str]:
    """A sentence on each variable of ours that nothing reads, with the nearest of *known*."""
    try:
        named = {binding.key.upper() for binding in _bindings(file) if binding.key}
    except StartError:  # reported by whoever needs the file
        named = set()
    named |= {name.upper() for name in os.environ}
    ours = {name for name in named if name.startswith(PREFIX)}
    return [_sentence(name, known) for name in sorted(ours - set(known) - OTHERS)]


def _bindings(file: Path) -> Iterator[Binding]:
    try:
        with file.open(encoding="utf-8") as stream:
            yield from parse_stream(stream)
    except (FileNotFoundError, IsADirectoryError):  # some call a virtual environment so
        return
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        message = f"cannot read {file}: {reason}"
        raise StartError(message) from None


def _line(binding: Binding) -> int:
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())]
    return binding.original.line + blank.count("\n")


def _sentence(name: str, known: Collection[str]) -> str:
    nearest = difflib.get_close_matches(name, known, 1)
    return f"{name} is no setting" + (f"; {nearest[0]} is" if nearest else " and does nothing")
