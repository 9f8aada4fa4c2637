"""What people type, as values: durations, instants, credentials, scopes."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.errors import BadInput

LARGEST_ID = 2**63 - 1
"""The largest number that a row of the database may have."""
LONGEST = timedelta(days=36_500)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def duration(text: str) -> timedelta:
    """
    A length of time: a number and one of s, m, h, d, w.

    >>> duration("30d"), duration("1.5h")
    (datetime.timedelta(days=30), datetime.timedelta(seconds=5400))
    """
    match = _DURATION.fullmatch(text.strip())
    if not match:
        message = f"{text!r} is no duration; write for instance 90s, 15m, 12h, 30d or 2w"
        raise BadInput(message)
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > LONGEST.total_seconds():
        message = f"{text!r} is too long; the longest is {LONGEST.days}d"
        raise BadInput(message)
    return timedelta(seconds=seconds)


def instant(text: str, now: datetime | None = None) -> datetime:
    """
    A moment in UTC: ISO 8601 (UTC where it names no zone), or a duration before *now*.

    >>> instant("2026-11-23T19:00:00+08:00").isoformat()
    '2026-11-23T11:00:00+00:00'
    """
    if _DURATION.fullmatch(text.strip()):
        return (now or datetime.now(UTC)) - duration(text)
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        message = f"{text!r} is no time; write 2026-11-23T10:00:00Z, or 15m for 15 minutes ago"
        raise BadInput(message) from None
    return moment


def credential(text: str) -> tuple[str, str]:
    """A name and its value from NAME=VALUE, or from NAME=@FILE without the file's last newline."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        message = f"a credential is NAME=VALUE or NAME=@FILE, and {name!r} is not"
        raise BadInput(message)
    if not value.startswith("@"):
        return name, value
    try:
        return name, Path(value[1:]).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        message = f"cannot read the file of the credential {name}: {reason}"
        raise BadInput(message) from None


def when(micros: int | None) -> str:
    """An instant for people, in UTC to the second; empty where there is none."""
    if micros is None:
        return ""
    return datetime.fromtimestamp(micros / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
