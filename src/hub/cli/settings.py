from typing import Annotated, Any

import typer

from hub.cli.output import AsJson, print_json, print_line, print_table


def settings(
    as_json: AsJson = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page docs/settings.md.")
    ] = False,
) -> None:
    """List every setting: its variable, what it holds now, its default, what it is for."""
    if markdown:
        print_line(page())
        return
    rows = _rows()
    if as_json:
        print_json(rows)
        return
    print_table(
        ("variable", "value", "default", "what it is"),
        [(row["variable"], row["value"], row["default"], row["description"]) for row in rows],
        empty="",
    )


def page() -> str:
    """The text of docs/settings.md, which a test holds against this."""
    from hub.settings import Settings, variable

    lines = [
        f"| `{variable(name)}` | {_code(_shown(field.default))} | {_escaped(field.description)} |"
        for name, field in Settings.model_fields.items()
    ]
    return _PAGE + "\n".join(lines)


_PAGE = """\
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


def _rows() -> list[dict[str, Any]]:
    from hub.settings import Settings, load, variable

    now = load()
    return [
        {
            "variable": variable(name),
            "value": _safe(name, _shown(getattr(now, name))),
            "default": _shown(field.default),
            "description": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _safe(name: str, value: str) -> str:
    """*value* without the password that a database URL may hold."""
    if name != "database_url" or not value:
        return value
    from sqlalchemy.engine import make_url

    url = make_url(value)
    if "password" in url.query:
        url = url.update_query_dict({"password": "***"})
    return url.render_as_string(hide_password=True)


def _code(text: str) -> str:
    return f"`{text}`" if text else "–"


def _escaped(text: str | None) -> str:
    return (text or "").replace("|", "\\|")
