"""The fingerprints that a message holds, in its row and in further ones, against its receipts."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from hub.database import Fingerprint
from hub.log import FINGERPRINT_BYTES, FINGERPRINTS_KEPT
from hub.upkeep.checks.moment import Moment

_BITS = 2**64
_AT_ONCE = 500


class Marks:
    """
    The fingerprints of one message's receipts, in order.  A receipt's is right only if nothing in
    its row was changed.

    However many they are, few are held: of those beyond the row only a count and a sum, which are
    those of its further rows, or where the first receipts are purged, some to be looked up.
    """

    def __init__(self, moment: Moment, row: Any, *, whole: bool) -> None:
        self._moment, self._row, self._whole = moment, row, whole
        self._count: int = row.receipt_count
        kept, size = row.fingerprints, FINGERPRINT_BYTES
        self._own = [
            int.from_bytes(kept[at : at + size], signed=True) for at in range(0, len(kept), size)
        ]
        self._seen = self._beyond = self._sum = 0
        self._asked: list[int] = []
        self._wrong = False

    def add(self, mark: int) -> None:
        """The next receipt that is kept has this one."""
        if not self._whole:
            self._look_up(mark)
        elif self._seen < FINGERPRINTS_KEPT:
            self._wrong |= self._own[self._seen : self._seen + 1] != [mark]
        else:
            self._wrong |= mark in self._own
            self._beyond, self._sum = self._beyond + 1, (self._sum + mark) % _BITS
        self._seen += 1

    def none(self) -> None:
        """No receipt is kept.  A purge takes the fingerprints before the message, in slices."""
        count, _ = self._stored()
        self._tell(count <= self._room() and self._enough())

    def end(self) -> None:
        """All receipts that are kept have been added."""
        count, total = self._stored()
        right = self._enough() and len(set(self._own)) == len(self._own)
        if self._whole:
            right &= (count, total) == (self._beyond, self._sum)
        else:
            right &= count == self._room() and self._found()
        self._tell(right and not self._wrong)

    def _enough(self) -> bool:
        """Whether the row holds as many as it should."""
        return len(self._own) == min(self._count, FINGERPRINTS_KEPT)

    def _room(self) -> int:
        return max(0, self._count - FINGERPRINTS_KEPT)

    def _look_up(self, mark: int) -> None:
        if mark not in self._own:
            self._asked.append(mark)
        if len(self._asked) == _AT_ONCE:
            self._wrong |= not self._found()

    def _found(self) -> bool:
        """Whether the message's further rows hold all that were asked for."""
        asked, self._asked = set(self._asked), []
        if not asked:
            return True
        mark = col(Fingerprint.fingerprint)
        of_it = col(Fingerprint.message) == self._row.id
        found = self._moment.connection.execute(select(mark).where(of_it, mark.in_(asked)))
        return len(found.all()) == len(asked)

    def _stored(self) -> tuple[int, int]:
        """How many further rows there are, and the sum of their fingerprints."""
        if self._count <= FINGERPRINTS_KEPT:
            return 0, 0
        mark, count, total = col(Fingerprint.fingerprint), 0, 0
        statement = select(mark).where(col(Fingerprint.message) == self._row.id)
        for row in self._moment.rows(statement, mark):
            count, total = count + 1, (total + row.fingerprint) % _BITS
        return count, total

    def _tell(self, right: bool) -> None:  # noqa: FBT001
        if not right:
            self._moment.problem(
                f"message {self._row.id} does not hold the fingerprints of its receipts, or one of"
                " these was changed"
            )
