"""
A check of a whole database: what is stored is dense, unique, complete and unchanged, and what is
derived from the log equals what the log says.  It holds a bounded number of rows, whatever the
size of the log.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import func
from sqlmodel import Session, select

from hub.database import Log, MessageRow, Provider, ReceiptRow, Store, read_kinds
from hub.errors import StoreUnavailable
from hub.log import Hashing
from hub.upkeep.checks import (
    accounts,
    booleans,
    callbacks,
    log,
    messages,
    quarantine,
    receipts,
    statistics,
    subscriptions,
)
from hub.upkeep.checks.moment import Moment

MOST_PROBLEMS = 100

Progress = Callable[[int, int], None]
"""Called with rows checked and rows in all."""

_STEP = 1000
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)
"""What comes of values that nobody can have stored, such as JSON that is none."""


def _unwatched(_done: int, _total: int) -> None:
    """Nobody watches."""


_CHECKS = (
    log,
    booleans,
    accounts,
    callbacks,
    receipts,
    messages,
    statistics,
    quarantine,
    subscriptions,
)


@dataclass(slots=True)
class Report:
    """What was checked and what is wrong."""

    receipts: int = 0
    messages: int = 0
    problems: list[str] = field(default_factory=list)
    """Sentences without any number or token of a person; at most `MOST_PROBLEMS`."""
    found: int = 0
    """Problems in all."""

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.found

    def problem(self, sentence: str) -> None:
        """Note what is wrong."""
        self.found += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(sentence)


async def verify(store: Store, progress: Progress = _unwatched) -> Report:
    """Check the whole database as of one moment.  Raises `StoreUnavailable`."""
    report = Report()

    def work(session: Session) -> None:
        for sentence in store.dialect.damage(session.connection()):
            report.problem(sentence)
        examine(session, report, progress)

    try:
        await store.read(work, unhurried=True)
    except StoreUnavailable:
        if report.clean:  # else that is why, and it is told already
            raise
    return report


def examine(session: Session, report: Report, progress: Progress = _unwatched) -> None:
    """Check all tables as *session* sees them, and tell *report*."""
    count = select(func.count())
    report.receipts = session.exec(count.select_from(ReceiptRow)).one()
    report.messages = session.exec(count.select_from(MessageRow)).one()
    total = report.receipts + report.messages
    done = itertools.count(1)

    def checked() -> None:
        if not (number := next(done)) % _STEP:
            progress(number, total)

    moment = _moment(session, report, checked)
    for check in _CHECKS if moment else ():
        try:
            check.check(moment)
        except _UNREADABLE as error:
            what = check.__name__.rpartition(".")[2]
            report.problem(f"{what} cannot be read: {type(error).__name__}")
    progress(total, total)


def _moment(session: Session, report: Report, checked: Callable[[], None]) -> Moment | None:
    rows = session.exec(select(Log)).all()
    if len(rows) != 1 or rows[0].id != 1:
        report.problem(f"{len(rows)} rows say where the log ends, instead of the one that may")
        return None
    try:
        kinds = read_kinds(session)
    except ValueError:
        report.problem("a kind has a status or category that there is not")
        return None
    return Moment(
        connection=session.connection(),
        log=rows[0],
        kinds=kinds,
        hashing=Hashing(rows[0].secret),
        providers=frozenset(row.id or 0 for row in session.exec(select(Provider))),
        problem=report.problem,
        checked=checked,
    )
