"""PostgreSQL's indexes held against their tables."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

_INDEXES = text("""
SELECT quote_ident(ours.relname) AS name,
       quote_ident(owner.relname) AS owner,
       coalesce(pg_get_expr(indpred, indrelid), 'true') AS condition,
       (SELECT string_agg(quote_ident(attname), ', ' ORDER BY place)
        FROM unnest(indkey) WITH ORDINALITY AS of_it (number, place)
        JOIN pg_attribute ON attrelid = indrelid AND attnum = number) AS columns
FROM pg_index
JOIN pg_class ours ON ours.oid = indexrelid
JOIN pg_class owner ON owner.oid = indrelid
WHERE ours.relnamespace = current_schema()::regnamespace
ORDER BY ours.relname
""")

_HAS_AMCHECK = text("""
SELECT coalesce(has_function_privilege(
    to_regprocedure('bt_index_check(regclass, boolean)'), 'execute'), false)
""")
_AMCHECK = text("SELECT bt_index_check(CAST(:name AS regclass), true)")
_CORRUPTED = "XX"
"""SQLSTATE: data or an index is corrupted."""

_BY_TABLE = ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan")
_BY_INDEX = ("enable_seqscan", "enable_indexscan", "enable_bitmapscan", "enable_sort")


def damage(connection: Connection) -> Iterator[str]:
    """
    A sentence for each index that is not what its table holds.  The extension amcheck looks at
    every page, where an administrator has created it; without it what is read by the index is
    compared with what is read past it.
    """
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    check = _checked if connection.execute(_HAS_AMCHECK).scalar_one() else _compared
    for index in connection.execute(_INDEXES).all():
        if not check(connection, index):
            yield f"the index {index.name} is damaged: run REINDEX INDEX {index.name}"


def _checked(connection: Connection, index: Any) -> bool:
    try:
        with connection.begin_nested():
            connection.execute(_AMCHECK, {"name": index.name})
    except DBAPIError as error:
        if not (getattr(error.orig, "sqlstate", None) or "").startswith(_CORRUPTED):
            raise
        return False
    return True


def _compared(connection: Connection, index: Any) -> bool:
    return bool(_sums(connection, index, _BY_TABLE) == _sums(connection, index, _BY_INDEX))


def _sums(connection: Connection, index: Any, disabled: tuple[str, ...]) -> Any:
    # All of the names are the database's own, which `quote_ident` made safe.  The comment makes two
    # statements of it: the plan of one that was prepared would serve again.
    found = (
        f"SELECT {index.columns} FROM {index.owner} WHERE {index.condition}"  # noqa: S608
        f" ORDER BY {index.columns}"
    )
    sums = "count(*), sum(hashtextextended(found::text, 0)::numeric)"
    statement = text(f"/* {disabled[0]} */ SELECT {sums} FROM ({found}) AS found")  # noqa: S608
    for name in disabled:
        connection.execute(text(f"SET LOCAL {name} = off"))
    row = connection.execute(statement).one()
    for name in disabled:
        connection.execute(text(f"SET LOCAL {name} = on"))
    return tuple(row)
