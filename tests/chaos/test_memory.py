"""Promise 6: readers that leave cost nothing, and those that stall a bounded amount of memory."""

from pathlib import Path

import pytest

from tests.chaos.memory import come_and_go, stall, watched
from tests.conftest import quick_settings


async def test_streams_that_were_cancelled_leave_memory_where_it_was(tmp_path: Path) -> None:
    async with watched(quick_settings(tmp_path), tmp_path) as there:
        assert (await come_and_go(there, streams=450, warm_up=100)).grown < 8


async def test_readers_that_stall_cost_a_bounded_amount(tmp_path: Path) -> None:
    settings = quick_settings(tmp_path, feed_window=1000, slow_reader_seconds=600)
    async with watched(settings, tmp_path) as there:
        assert (await stall(there, readers=15, receipts=10_000)).grown < 60


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_ten_thousand_cancelled_streams_leave_memory_where_it_was(tmp_path: Path) -> None:
    async with watched(quick_settings(tmp_path), tmp_path) as there:
        assert (await come_and_go(there, streams=10_000, warm_up=500)).grown < 16


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_hundred_thousand_receipts_pass_fifty_stalled_readers(tmp_path: Path) -> None:
    settings = quick_settings(tmp_path, slow_reader_seconds=600)
    async with watched(settings, tmp_path) as there:
        assert (await stall(there, readers=50, receipts=100_000)).grown < 150
