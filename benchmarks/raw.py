"""The bare limit of the database: the same rows again, by executemany alone."""

import sqlite3
import time
from pathlib import Path
from typing import Any

from benchmarks import cores

PER_TRANSACTION = 500
TABLES = ("receipt", "message")


def receipts_per_second(hub: Path, fresh: Path) -> float:
    """Put the receipts and messages of *hub* into the new database *fresh*; count receipts."""
    with sqlite3.connect(hub) as source:
        rows = {name: source.execute(f"SELECT * FROM {name}").fetchall() for name in TABLES}
        schema = _schema(source)
    with cores.on_server_core():
        started = time.perf_counter()
        _insert(fresh, schema, rows)
        return len(rows["receipt"]) / (time.perf_counter() - started)


def _insert(fresh: Path, schema: list[str], rows: dict[str, list[tuple[Any, ...]]]) -> None:
    """As many rows of each table per transaction as there are receipts in a large commit."""
    target = sqlite3.connect(fresh, isolation_level=None)
    target.execute("PRAGMA journal_mode=WAL")
    target.execute("PRAGMA synchronous=FULL")
    target.execute("PRAGMA cache_size=-65536")
    for statement in schema:
        target.execute(statement)
    for start in range(0, max(map(len, rows.values())), PER_TRANSACTION):
        target.execute("BEGIN IMMEDIATE")
        for name, all_rows in rows.items():
            part = all_rows[start : start + PER_TRANSACTION]
            if part:
                marks = ",".join("?" * len(part[0]))
                target.executemany(f"INSERT INTO {name} VALUES ({marks})", part)
        target.execute("COMMIT")
    target.close()


def _schema(source: sqlite3.Connection) -> list[str]:
    found = source.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name IN (?, ?) AND sql IS NOT NULL"
        " ORDER BY type DESC",
        TABLES,
    )
    return [sql for (sql,) in found]
