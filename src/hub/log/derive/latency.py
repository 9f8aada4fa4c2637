"""
Latencies as a histogram of fixed buckets, 10 % wide, so that counts add up over any range.

Bucket 0 is below 1 ms, which includes clocks that run ahead; bucket n ends at 1.1^n ms.  A
percentile is the middle of its bucket: at most 5 % off.
"""

import math
from collections.abc import Iterable

from hub.receipt import Micros

GROWTH = 1.1
LAST_BUCKET = 300
"""Ends after 83 years."""


def bucket(occurred_at: Micros | None, recorded_at: Micros) -> int | None:
    """The bucket of a receipt's way from the event to the log; None if the event has no time."""
    if occurred_at is None:
        return None
    milliseconds = (recorded_at - occurred_at) / 1000
    if milliseconds < 1:
        return 0
    return min(LAST_BUCKET, 1 + int(math.log(milliseconds) / math.log(GROWTH)))


def percentile(counts: Iterable[tuple[int, int]], share: float) -> int | None:
    """Milliseconds that *share* of the messages took at most; *counts* is (bucket, messages)."""
    ordered = sorted((number, count) for number, count in counts if count > 0)
    wanted = math.ceil(share * sum(count for _, count in ordered))
    for number, count in ordered:
        wanted -= count
        if wanted <= 0:
            return round(_middle(number))
    return None


def _middle(number: int) -> float:
    return 0.0 if number == 0 else (GROWTH ** (number - 1) + GROWTH**number) / 2
