"""Callback bodies as a real route would send them: outcomes, codes, duplicates, late ones."""

import json
import random
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
REPEATABLE = 1000
DELIVERED, FAILED, UNSURE = "0", "1", "2"

# Share of failures by the code a gateway gives, roughly as mainland routes report them.
FAILURE_CODES = {
    "UNDELIV": 16, "EXPIRED": 14, "MK:0001": 11, "MK:0024": 9, "MI:0024": 8, "MK:0005": 6,
    "REJECTD": 6, "MK:0004": 5, "DB:0141": 4, "MK:0017": 3, "MN:0001": 3, "MB:1042": 2,
    "ID:0076": 2, "IB:0008": 2, "BEYONDD": 2, "SIGFAIL": 1, "MB:1077": 1, "NOROUTE": 1,
    "12": 1, "00141": 1, "": 2,
}  # fmt: skip
_PREFIXES = ("134", "135", "138", "139", "150", "158", "186", "188", "177", "199")


@dataclass(frozen=True, slots=True)
class Mix:
    """Which share of the receipts is what, each from 0 to 1."""

    failures: float = 0.08
    unsure: float = 0.005
    duplicates: float = 0.02
    late: float = 0.03
    """Happened hours ago, at the earliest two days."""
    second_thoughts: float = 0.01
    """Of the failures: a delivery follows."""


@dataclass(frozen=True, slots=True)
class Post:
    """One body to send."""

    body: bytes
    receipts: int
    duplicates: int


class Traffic:
    """Posts of a *mix*, up to *batch* receipts each; the same *chance* draws the same ones."""

    def __init__(self, mix: Mix, batch: int, chance: random.Random) -> None:
        self._mix = mix
        self._batch = batch
        self._chance = chance
        self._earlier: deque[dict[str, str]] = deque(maxlen=REPEATABLE)

    def post(self, most: int | None = None) -> Post:
        """The next body, of *most* receipts where that is less than a batch."""
        size = self._chance.randint(1, min(self._batch, most or self._batch))
        items, repeats = [], 0
        for _ in range(size):
            repeated = bool(self._earlier) and self._chance.random() < self._mix.duplicates
            items.append(self._chance.choice(self._earlier) if repeated else self._fresh())
            repeats += repeated
        body = json.dumps({"smsResult": items}, ensure_ascii=False)
        return Post(body.encode(), size, repeats)

    def _fresh(self) -> dict[str, str]:
        item = _item(self._mix, self._chance)
        if self._chance.random() < self._mix.second_thoughts * self._mix.failures:
            failed = [earlier for earlier in self._earlier if earlier["status"] == FAILED]
            item = _delivered_after_all(self._chance.choice(failed)) if failed else item
        self._earlier.append(item)
        return item


def _item(mix: Mix, chance: random.Random) -> dict[str, str]:
    status = _status(mix, chance.random())
    code = ""
    if status == FAILED:
        [code] = chance.choices(list(FAILURE_CODES), list(FAILURE_CODES.values()))
    ago = timedelta(seconds=chance.uniform(1, 20))
    if chance.random() < mix.late:
        ago = timedelta(hours=chance.uniform(1, 48))
    return {
        "smsId": f"{chance.getrandbits(128):032x}",
        "phone": chance.choice(_PREFIXES) + f"{chance.randrange(10**8):08d}",
        "status": status,
        "respMessage": code,
        "receiveTime": _local(datetime.now(UTC) - ago) if status == DELIVERED else "",
        "chargingNum": str(chance.choices((1, 2, 3, 4), (70, 22, 6, 2))[0]),
    }


def _status(mix: Mix, drawn: float) -> str:
    if drawn < mix.failures:
        return FAILED
    return UNSURE if drawn < mix.failures + mix.unsure else DELIVERED


def _delivered_after_all(earlier: dict[str, str]) -> dict[str, str]:
    return earlier | {
        "status": DELIVERED,
        "respMessage": "",
        "receiveTime": _local(datetime.now(UTC)),
    }


def _local(moment: datetime) -> str:
    return moment.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")
