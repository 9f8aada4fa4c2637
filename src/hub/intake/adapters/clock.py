"""Providers' clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hub.receipt import EARLIEST, LATEST, Micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SHORTEST = len("2015-06-29 19:23")
_LONGEST = 40
_GAP = 10
"""Where the date ends in `2015-06-29 19:23:26`."""


def instant(text: str, zone: ZoneInfo) -> Micros:
    """
    A date and time such as `2015-06-29 19:23:26` as an instant: local time of *zone* unless it
    carries an offset.  An hour that happens twice is its first one; one that is skipped is read
    by the clock before the change.  `ValueError` where it is no time, or in UTC not in one of the
    years 1 to 9999.
    """
    if not _SHORTEST <= len(text) <= _LONGEST or text[_GAP] not in " T":
        raise ValueError
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    micros = (moment - _EPOCH) // _MICROSECOND
    if not EARLIEST <= micros <= LATEST:
        raise ValueError
    return micros
