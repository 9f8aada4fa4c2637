"""Prints the page docs/settings.md: `python -m scripts.settings_page`."""

import sys

from hub.cli.commands.settings import shown
from hub.settings import Settings, variable

_HEAD = """\
# Settings

Environment variables, or lines of a file `.env` in the folder the hub is started in; the
environment wins. `hub settings` lists them with what they hold now, and `hub settings --json`
does so for machines. A bad value stops the hub with one line that names the variable, what it
holds and what it takes (exit code 2); so does a line of `.env` that cannot be read. A variable
`HUB_…` that is no setting is noted, with the nearest one that is. Lists are separated by
commas. This page is written by `make generate`.

| variable | default | what it is |
| --- | --- | --- |
"""


def page() -> str:
    """The whole text."""
    rows = [
        f"| `{variable(name)}` | {_code(shown(field.default))} | {_escaped(field.description)} |\n"
        for name, field in Settings.model_fields.items()
    ]
    return _HEAD + "".join(rows)


def _code(text: str) -> str:
    return f"`{text}`" if text else "–"


def _escaped(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
