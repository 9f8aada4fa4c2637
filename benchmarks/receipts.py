"""Callback bodies with ids that are new each time."""

import itertools
import json
import random
from collections.abc import Iterator

from benchmarks import load

_CODES = ("UNDELIV", "EXPIRED", "MK:0001", "MK:0024", "DB:0141", "REJECTD")


def requests(url: str, batch: int) -> Iterator[bytes]:
    """Requests without end, *batch* receipts each."""
    for number in itertools.count():
        chance = random.Random(number)
        yield load.render(url, body(batch, chance))


def prepared(url: str, batch: int, count: int) -> Iterator[bytes]:
    """*count* requests, made before the clock starts."""
    return iter(list(itertools.islice(requests(url, batch), count)))


def body(batch: int, chance: random.Random) -> bytes:
    """One body of the dialect lushang."""
    items = ",".join(_item(chance) for _ in range(batch))
    return f'{{"smsResult":[{items}]}}'.encode()


def _item(chance: random.Random) -> str:
    failed = chance.random() < 0.08
    return json.dumps(
        {
            "smsId": f"{chance.getrandbits(128):032x}",
            "phone": f"138{chance.randrange(10**8):08d}",
            "status": "1" if failed else "0",
            "respMessage": chance.choice(_CODES) if failed else "",
            "receiveTime": "" if failed else f"2026-11-20 10:{chance.randrange(60):02d}:00",
            "chargingNum": chance.choice("1112"),
        },
        separators=(",", ":"),
    )
