"""Values that are true or false: SQLite would keep any number for one."""

from sqlalchemy import Boolean, Integer, func, select, type_coerce
from sqlmodel import SQLModel

from hub.upkeep.checks.moment import Moment


def check(moment: Moment) -> None:
    """Check every such column of every table."""
    if moment.connection.dialect.name != "sqlite":
        return  # there the type itself holds it
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Boolean):
                odd = type_coerce(column, Integer).not_in((0, 1))
                count = select(func.count()).select_from(table).where(odd)
                if wrong := moment.connection.execute(count).scalar_one():
                    moment.problem(
                        f"{wrong} rows of {table.name} have a {column.name} that is neither true"
                        " nor false"
                    )
