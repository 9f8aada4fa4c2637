import asyncio
from typing import TYPE_CHECKING

from hub.cli.terminal.output import AsJson, print_json, print_line

if TYPE_CHECKING:
    from hub.settings import Settings


def migrate(as_json: AsJson = False) -> None:
    """Bring the database to the schema of this program; `hub serve` does so by itself."""
    from hub.settings import load

    before, after = asyncio.run(_migrate(load()))
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        print_line(f"The schema is up to date ({after}).")
    else:
        print_line(f"The schema went from {before or 'nothing'} to {after}.")


async def _migrate(settings: "Settings") -> tuple[str | None, str]:
    from hub.database.schema import migrate
    from hub.database.store import dialect_of

    dialect = dialect_of(settings)
    engine = dialect.writer(settings)
    try:
        return await migrate(engine, dialect)
    finally:
        await engine.dispose()
