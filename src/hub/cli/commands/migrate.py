import asyncio

from hub.cli.terminal.output import AsJson, print_json, print_line


def migrate(as_json: AsJson = False) -> None:
    """Bring the database to the schema of this program; `hub serve` does so by itself."""
    from hub.database import migrated
    from hub.settings import load

    before, after = asyncio.run(migrated(load()))
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        print_line(f"The schema is up to date ({after}).")
    else:
        print_line(f"The schema went from {before or 'nothing'} to {after}.")
