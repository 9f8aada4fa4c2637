"""Corrections of messages whose first receipts are purged."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.filter import Filter
from hub.log.derive.corrections import derive_state, left_by_purged
from hub.log.derive.state import MessageState, PartState
from hub.receipt import Entry, Message, Receipt, Status
from hub.settings import Settings
from hub.telemetry import Metrics
from hub.upkeep.retention import Retention
from tests.making import OpenLog, open_log, receipt
from tests.test_state import REPORTS, part

DELIVERED, SENT, UNKNOWN = Status.DELIVERED, Status.SENT, Status.UNKNOWN
FAILED, EXPIRED = Status.UNDELIVERED, Status.EXPIRED


@pytest.mark.parametrize(
    ("purged", "kept", "corrected", "status", "conflict"),
    [
        (DELIVERED, UNKNOWN, EXPIRED, DELIVERED, True),
        (DELIVERED, UNKNOWN, SENT, DELIVERED, False),
        (FAILED, SENT, Status.ACCEPTED, FAILED, False),
        (FAILED, SENT, DELIVERED, DELIVERED, True),
        (SENT, DELIVERED, FAILED, FAILED, False),
        (FAILED, DELIVERED, DELIVERED, DELIVERED, True),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
async def test_a_correction_keeps_what_purged_receipts_made_of_their_message(
    any_settings: Settings, *, purged: Status, kept: Status, corrected: Status, status: Status,
    conflict: bool,
) -> None:  # fmt: skip
    async with open_log(any_settings) as hub:
        await hub.post(receipt(status=purged))
        await purge_behind(hub, any_settings, receipt(status=kept, segments=3))
        await hub.post(
            receipt(status=corrected, provider_status="read again", segments=3, corrects=2)
        )
        message = await only_message(hub)
        assert (message.status, message.conflict) == (status, conflict)
        assert (message.receipt_count, message.segments) == (3, 3)
        assert (await hub.entries())[-1].message_status is status


async def test_a_correction_keeps_parts_whose_receipts_are_purged(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await hub.post(part(1, DELIVERED, of=2))
        await purge_behind(hub, any_settings, part(2, UNKNOWN, of=2))
        again = receipt(
            status=DELIVERED, provider_status="0", part=2, part_count=2, segments=1, corrects=2
        )
        await hub.post(again)
        message = await only_message(hub)
        assert (message.status, message.segments) == (DELIVERED, 2)


def coded(one: Receipt) -> Receipt:
    """A code stands only where it can be a reason."""
    may = one.status.failed or one.status is UNKNOWN
    return one if may else replace(one, error_code="")


@settings(max_examples=500)
@given(st.lists(REPORTS.map(coded), min_size=2, max_size=8), st.data())
def test_a_correction_that_says_the_same_again_changes_nothing(
    said: list[Receipt], data: st.DataObject
) -> None:
    state, entries = logged(said)
    first_kept = data.draw(st.integers(1, len(said) - 1))
    rest = entries[first_kept:]
    corrected = data.draw(st.sampled_from(rest))
    history = [(e.position, e.corrects, e, 1000, 2000) for e in rest]
    history.append((len(said) + 1, corrected.position, corrected, 1000, 2000))

    again = derive_state(history, left_by_purged(state, rest))

    assert again.receipt_count == len(said) + 1
    for name in ("status", "conflict", "segments"):
        assert getattr(again.whole, name) == getattr(state.whole, name), name
    assert bool(again.whole.error_code) == bool(state.whole.error_code)


def logged(said: list[Receipt]) -> tuple[MessageState, list[Entry]]:
    """The state after *said* as it is read from its row, and the entries of the log."""
    state, entries = MessageState(PartState()), []
    for position, one in enumerate(said, 1):
        applied = state.fold(one, 1000, 2000)
        entries.append(entry(one, position, state.status, applied=applied))
    if state.parts is None:
        state.whole.turn = 0
    return state, entries


def entry(one: Receipt, position: int, message_status: Status, *, applied: bool) -> Entry:
    given = {name: getattr(one, name) for name in Entry._fields if hasattr(one, name)}
    where = {"position": position, "key": b"", "message": 1, "provider": "p1", "corrects": None}
    times = {"received_at": 1000, "recorded_at": 2000}
    return Entry(**given | where | times, applied=applied, message_status=message_status)


async def purge_behind(hub: OpenLog, settings: Settings, kept: Receipt) -> None:
    """Post *kept*; purge what was recorded before."""
    await hub.post(kept)
    first, second = await hub.entries()
    assert first.recorded_at < second.recorded_at
    kept_for = settings.model_copy(update={"retention_days": 30.0})
    sweep = Retention(hub.log, kept_for, Metrics()).sweep
    await sweep(second.recorded_at + 30 * 86_400_000_000)
    assert [each.position for each in await hub.entries()] == [2]


async def only_message(hub: OpenLog) -> Message:
    [message] = (await hub.log.messages(Filter(), limit=2)).messages
    return message
