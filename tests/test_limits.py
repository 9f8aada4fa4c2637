"""Bounds that an operator sets, and what is said beyond them."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from hub.errors import StoreUnavailable
from hub.log.read import stored
from hub.log.write.arrival import Arrival, Unreadable
from hub.settings import Settings
from tests.conftest import quick_settings
from tests.making import OpenLog, open_log, receipt


def unreadable(number: int, size: int = 1000) -> Arrival:
    raw = f"{number:04d}".encode() * (size // 4)
    return Arrival(1, "p1", "test/1", number, raw, unreadable=[Unreadable("BAD", raw, whole=True)])


async def test_a_full_quarantine_refuses_what_it_cannot_keep_and_nothing_else(
    any_settings: Settings,
) -> None:
    full = any_settings.model_copy(update={"quarantine_max_bytes": 3000})
    async with open_log(full) as hub:
        for number in range(3):
            await hub.writer.write(unreadable(number))

        with pytest.raises(StoreUnavailable, match="quarantine is full"):
            await hub.writer.write(unreadable(4))
        again = await hub.writer.write(unreadable(1))
        taken = await hub.post(receipt("m1"))

        items = (await hub.log.quarantine(visible=None, limit=10)).items
        assert [item.count for item in items] == [1, 2, 1]
        assert (again.quarantined, taken.receipts) == (1, 1)
        assert hub.writer.available


async def resolve(hub: OpenLog, *items: int) -> None:
    for item in items:
        await stored.resolve(hub.store, item)


async def kept_items(hub: OpenLog) -> list[tuple[bytes, int, bool]]:
    """First bytes, count, and whether it is resolved, oldest first."""
    items = (await hub.log.quarantine(visible=None, limit=100)).items
    raw = await hub.log.raw_bytes([item.id for item in items])
    return [
        (raw[item.id][:4], item.count, item.resolved_at is not None) for item in reversed(items)
    ]


async def test_a_full_quarantine_drops_the_longest_resolved_and_no_more_than_needed(
    any_settings: Settings,
) -> None:
    full = any_settings.model_copy(update={"quarantine_max_bytes": 4000})
    async with open_log(full) as hub:
        for number in range(4):
            await hub.writer.write(unreadable(number))
        await resolve(hub, 3, 1, 4)

        await hub.writer.write(unreadable(5))

        assert await kept_items(hub) == [
            (b"0000", 1, True),
            (b"0001", 1, False),
            (b"0003", 1, True),
            (b"0005", 1, False),
        ]


async def test_what_comes_again_while_the_quarantine_is_full_is_counted_once(
    any_settings: Settings,
) -> None:
    full = any_settings.model_copy(update={"quarantine_max_bytes": 4000})
    async with open_log(full) as hub:
        for number in range(4):
            await hub.writer.write(unreadable(number))
        await resolve(hub, 1, 2)
        again, fresh = unreadable(0).unreadable, unreadable(5).unreadable

        await hub.writer.write(replace(unreadable(9), unreadable=[*again, *fresh]))

        assert await kept_items(hub) == [
            (b"0000", 2, False),
            (b"0002", 1, False),
            (b"0003", 1, False),
            (b"0005", 1, False),
        ]  # and `open_log` verifies that its bytes are counted right


def test_a_retention_below_the_floor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="HUB_RETENTION_FLOOR_DAYS"):
        quick_settings(tmp_path, retention_days=30, retention_floor_days=155)

    assert quick_settings(tmp_path, retention_days=155, retention_floor_days=155).retention_days
