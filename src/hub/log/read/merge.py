"""The first rows of several kinds together, each found by the index (kind, row)."""

from functools import lru_cache

from sqlalchemy import Connection, TextClause, text

_AT_ONCE = 100

# The pair is compared and ordered as a whole, so that no planner walks the primary key in search
# of a rare kind.
_ONE = """
    SELECT {row} FROM (
        SELECT {row} FROM {table}
        WHERE (kind, {row}) >= (:kind{n}, :low) AND (kind, {row}) <= (:kind{n}, :high)
        ORDER BY kind {way}, {row} {way} LIMIT :most
    ) AS kind_{n}"""


def merged(
    connection: Connection,
    columns: tuple[str, str],
    kinds: list[int],
    span: tuple[int, int],
    limit: int,
    *,
    newest_first: bool,
) -> list[int]:
    """
    At most *limit* rows of *kinds* in *span*, both ends included, from one end.  *columns* are
    the table and its row column.  Costs kinds x limit, whatever the size of the table.
    """
    found: list[int] = []
    for at in range(0, len(kinds), _AT_ONCE):
        some = kinds[at : at + _AT_ONCE]
        statement = _statement(*columns, len(some), "DESC" if newest_first else "ASC")
        values = {f"kind{n}": kind for n, kind in enumerate(some)}
        values |= {"low": span[0], "high": span[1], "most": limit}
        found += (connection.execute(statement, values)).scalars()
    return sorted(found, reverse=newest_first)[:limit]


@lru_cache(maxsize=512)
def _statement(table: str, row: str, kinds: int, way: str) -> TextClause:
    each = (_ONE.format(table=table, row=row, way=way, n=n) for n in range(kinds))
    return text(" UNION ALL ".join(each))
