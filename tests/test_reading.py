"""Bodies are read without holding up whoever posts meanwhile."""

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from hub.intake.adapters import lushang
from hub.intake.adapters.adapter import Reason, Unread
from hub.intake.adapters.envelope import json_texts
from hub.intake.reading import SLICE_ITEMS
from hub.receipt import Receipt
from hub.settings import Settings
from tests.providing import STORED, body, providing

EMPTY = 100_000
LARGE = b'{"smsResult":[' + b",".join([b"{}"] * EMPTY + [b'{"smsId":"last"}']) + b"]}"


class Watched:
    """The adapter lushang, watched while it reads: in which threads, how much between two turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.threads: set[int] = set()
        self.by_turn: Counter[int] = Counter()
        self._turns = 0
        self._read = lushang.read
        monkeypatch.setattr(lushang, "read", self.read)

    def read(self, *given: Any) -> Reason | Iterator[Receipt | Unread]:
        self.threads.add(threading.get_ident())
        read = self._read(*given)
        return read if isinstance(read, Reason) else self._each(read)

    def _each(self, items: Iterator[Receipt | Unread]) -> Iterator[Receipt | Unread]:
        for item in items:
            self.threads.add(threading.get_ident())
            self.by_turn[self._turns] += 1
            yield item

    async def count_turns(self) -> None:
        """Count the turns that the event loop gets."""
        while True:
            self._turns += 1
            await asyncio.sleep(0)


async def test_a_large_body_is_read_off_the_loop_in_slices_between_which_others_have_turns(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with providing(settings) as at:
        watched = Watched(monkeypatch)
        counting = asyncio.create_task(watched.count_turns())

        assert await at.post(LARGE) == STORED

        counting.cancel()
        assert threading.get_ident() not in watched.threads
        assert sum(watched.by_turn.values()) == EMPTY + 1
        assert max(watched.by_turn.values()) <= SLICE_ITEMS
        assert [entry.message_id for entry in await at.entries()] == ["last"]


async def test_others_are_answered_while_a_large_body_is_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with providing(settings) as at:
        opened, answered = threading.Event(), threading.Event()
        read = lushang.read

        def opening(raw: bytes, *given: Any) -> Reason | Iterator[Receipt | Unread]:
            if raw == LARGE:
                opened.set()
                assert answered.wait(30)
            return read(raw, *given)

        monkeypatch.setattr(lushang, "read", opening)
        large = asyncio.create_task(at.post(LARGE))
        assert await asyncio.to_thread(opened.wait, 30)

        assert await at.post(body({"smsId": "small"})) == STORED
        answered.set()

        assert await large == STORED
        assert [entry.message_id for entry in await at.entries()] == ["small", "last"]


async def test_a_small_body_is_read_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with providing(settings) as at:
        watched = Watched(monkeypatch)
        assert await at.post(body({"smsId": "small"})) == STORED
        assert watched.threads == {threading.get_ident()}


@pytest.mark.parametrize("form", [b"%", b"%41", b"%41a", b"a=%25"], ids=str)
def test_escapes_of_a_form_are_not_taken_one_by_one(form: bytes) -> None:
    steps = 0

    def step(*_event: Any) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(step)
    try:
        list(json_texts(form * (1_000_000 // len(form))))
    finally:
        sys.setprofile(None)
    assert steps < 1000
