"""What providers do: single receipts, batches and repetitions, sent until they are answered."""

import asyncio
import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

Mark = tuple[str, str]
"""What tells one receipt from another here: its message id and its raw status."""

_SUCCESS = b'{"respCode":"00000"}'


@dataclass
class Journal:
    """What was sent and what was answered, written down as it happened."""

    sent: set[Mark] = field(default_factory=set)
    acknowledged: set[Mark] = field(default_factory=set)
    callbacks: int = 0
    """Posts that were answered with success."""
    unanswered: int = 0
    """Posts that ended without an answer, or with 503."""
    repeated: int = 0
    """Receipts that were acknowledged, sent again, and acknowledged again."""
    odd: list[str] = field(default_factory=list)
    """Answers that a provider should never get."""


class Load:
    """Several connections to the callback URLs of hubs that share a log."""

    def __init__(self, urls: list[str], seed: int) -> None:
        self.journal = Journal()
        self._urls = urls
        self._chance = random.Random(seed)
        self._numbers = itertools.count()
        self._enough = asyncio.Event()
        self._known: list[Mark] = []

    async def run(self, connections: int, batch: int) -> None:
        """Send until `stop`: a third of the *connections* each singles, batches, repetitions."""
        kinds = itertools.cycle((self._singles(), self._batches(batch), self._again(batch)))
        async with asyncio.TaskGroup() as senders:
            for bodies in itertools.islice(kinds, connections):
                senders.create_task(self._send_all(bodies))

    def stop(self) -> None:
        """Let each connection bring what it has under way to its end."""
        self._enough.set()

    async def _send_all(self, bodies: Iterator[list[Mark]]) -> None:
        async with httpx.AsyncClient(timeout=20) as client:
            while not self._enough.is_set():
                if marks := next(bodies):
                    await self._send(client, marks)
                else:
                    await asyncio.sleep(0.01)

    async def _send(self, client: httpx.AsyncClient, marks: list[Mark]) -> None:
        """Send until there is an answer, as a provider does; give up one in ten."""
        self.journal.sent.update(marks)
        while not await self._post(client, marks):
            if self._chance.random() < 0.1:
                return
            await asyncio.sleep(0.05)

    async def _post(self, client: httpx.AsyncClient, marks: list[Mark]) -> bool:
        journal = self.journal
        known = [mark for mark in marks if mark in journal.acknowledged]
        try:
            url = self._chance.choice(self._urls)
            response = await client.post(url, content=body(marks))
        except httpx.TransportError:
            journal.unanswered += 1
            return False
        if response.status_code == 503 and "retry-after" in response.headers:
            journal.unanswered += 1
            return False
        if (response.status_code, response.content) != (200, _SUCCESS):
            journal.odd.append(f"{response.status_code} {response.text}")
            return True
        journal.callbacks += 1
        journal.repeated += len(known)
        journal.acknowledged.update(marks)
        self._known += [mark for mark in marks if mark not in known]
        return True

    def _singles(self) -> Iterator[list[Mark]]:
        while True:
            yield [self._new()]

    def _batches(self, size: int) -> Iterator[list[Mark]]:
        while True:
            yield [self._new() for _ in range(size)]

    def _again(self, size: int) -> Iterator[list[Mark]]:
        """Old receipts, some of them in the company of new ones and twice in one body."""
        while True:
            if not self._known:
                yield []
                continue
            marks = self._chance.choices(self._known, k=self._chance.randint(1, size))
            yield [*marks, self._new()] if self._chance.random() < 0.5 else marks

    def _new(self) -> Mark:
        """A receipt that was never sent; every third one is the second of its message."""
        number = next(self._numbers)
        status = "1" if number % 3 == 2 else "0"
        return f"{number - number % 3 // 2:032x}", status


def body(marks: list[Mark]) -> bytes:
    """A callback with the receipts *marks*."""
    items = [
        {
            "smsId": message_id,
            "phone": f"138{int(message_id, 16) % 10**8:08d}",
            "status": status,
            "respMessage": "UNDELIV" if status == "1" else "",
            "receiveTime": "2026-11-20 10:00:00",
            "chargingNum": "1",
        }
        for message_id, status in marks
    ]
    return json.dumps({"smsResult": items}).encode()
