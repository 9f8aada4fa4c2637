from typing import Any

from hub.cli.terminal.output import AsJson, print_json, print_table


def settings(as_json: AsJson = False) -> None:
    """List every setting: its variable, what it holds now, its default, what it is for."""
    rows = _rows()
    if as_json:
        print_json(rows)
        return
    print_table(
        ("variable", "value", "default", "what it is"),
        [(row["variable"], row["value"], row["default"], row["description"]) for row in rows],
        empty="",
    )


def shown(value: object) -> str:
    """*value* as a variable would hold it; empty for none."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _rows() -> list[dict[str, Any]]:
    from hub.settings import Settings, load, variable

    now = load()
    return [
        {
            "variable": variable(name),
            "value": _safe(name, shown(getattr(now, name))),
            "default": shown(field.default),
            "description": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]


def _safe(name: str, value: str) -> str:
    """*value* without the password that a database URL may hold."""
    if name != "database_url" or not value:
        return value
    from sqlalchemy.engine import make_url

    url = make_url(value)
    if "password" in url.query:
        url = url.update_query_dict({"password": "***"})
    return url.render_as_string(hide_password=True)
