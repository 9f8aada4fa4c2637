import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from hub.accounts.directory import Accounts
from hub.database.columns import table
from hub.database.store import Store
from hub.database.tables import Provider
from hub.errors import NotFound
from hub.intake.adapters import lushang
from hub.intake.codes import Codes
from hub.intake.replay import Difference, Replayed, Reread, replaying
from hub.log.read.quarantine import QuarantineItem
from hub.log.write.arrival import Arrival, Unreadable
from hub.receipt import ErrorCategory, Status
from hub.settings import Settings
from tests.engines import execute
from tests.making import OpenLog, collected, open_log

ITEM = {
    "smsId": "m1",
    "phone": "13800138000",
    "status": "0",
    "respMessage": "",
    "receiveTime": "2015-06-29 19:23:26",
    "chargingNum": "2",
}
ARRIVED = 1_700_000_000_000_000
HOUR = 3_600_000_000


async def receive(hub: OpenLog, *items: Mapping[str, Any], at: int = ARRIVED) -> None:
    """Commit a callback of p1 as today's adapter reads it."""
    accounts = Accounts(hub.store, 1)
    await accounts.load()
    body = json.dumps({"smsResult": items}).encode()
    read = collected(lushang.read(body, {}, accounts.named()["p1"], Codes.load()))
    unreadable = read.unreadable(body)
    await hub.writer.write(Arrival(1, "p1", "lushang/1", at, body, {}, read.receipts, unreadable))


async def set_aside(hub: OpenLog, raw: bytes, reason: str = "OLD", *, whole: bool) -> None:
    """Quarantine what an adapter of former times could not read."""
    unreadable = [Unreadable(reason, raw, whole=whole)]
    await hub.writer.write(Arrival(1, "p1", "lushang/0", ARRIVED, raw, {}, [], unreadable))


async def replay(store: Store, *, dry_run: bool = False, **only: str) -> list[Replayed]:
    async with replaying(store) as work:
        return [told async for told in work.quarantine(dry_run=dry_run, **only)]


async def reread(
    store: Store, *, dry_run: bool = False, provider: str = "p1", since: int = 0
) -> list[Reread]:
    async with replaying(store) as work:
        found = work.callbacks(provider=provider, since=since, dry_run=dry_run)
        return [told async for told in found]


async def quarantine(hub: OpenLog) -> list[QuarantineItem]:
    return (await hub.log.quarantine(visible=None, limit=100)).items


async def move(hub: OpenLog, zone: str) -> None:
    """Correct the account's time zone."""
    await execute(hub.store, update(table(Provider)).values(timezone=zone))


async def test_a_body_that_becomes_readable_is_appended_with_the_time_it_arrived(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        body = {"smsResult": [ITEM, ITEM | {"phone": "13900139000"}]}
        await set_aside(hub, json.dumps(body).encode(), whole=True)
        [told] = await replay(hub.store)
        assert (told.provider, told.reason, told.problem) == ("p1", "OLD", "")
        assert (told.receipts, told.known, told.statuses) == (2, 0, {Status.DELIVERED: 2})
        entries = await hub.entries()
        assert [entry.received_at for entry in entries] == [ARRIVED, ARRIVED]
        assert [entry.corrects for entry in entries] == [None, None]
        [item] = await quarantine(hub)
        assert item.resolved_at is not None


async def test_an_item_that_becomes_readable_belongs_to_its_callback(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        bad = ITEM | {"smsId": "m2", "receiveTime": "later"}
        await receive(hub, ITEM, bad)
        [item] = await quarantine(hub)
        assert item.callback == 1
        assert [told.problem for told in await replay(hub.store)] == ["BAD_TIME"]
        await set_aside(hub, json.dumps(ITEM | {"smsId": "m3"}).encode(), whole=False)
        assert [told.receipts for told in await replay(hub.store)] == [0, 1]
        assert [entry.message_id for entry in await hub.entries()] == ["m1", "m3"]
        assert [item.resolved_at is None for item in await quarantine(hub)] == [False, True]


async def test_a_replay_again_changes_nothing(any_settings: Settings) -> None:
    async with open_log(any_settings) as hub:
        await set_aside(hub, json.dumps({"smsResult": [ITEM]}).encode(), whole=True)
        await replay(hub.store)
        assert await replay(hub.store) == []
        assert len(await hub.entries()) == 1


async def test_what_came_again_in_the_meantime_is_not_appended_twice(settings: Settings) -> None:
    async with open_log(settings) as hub:
        await set_aside(hub, json.dumps({"smsResult": [ITEM]}).encode(), whole=True)
        await receive(hub, ITEM)
        [told] = await replay(hub.store)
        assert (told.receipts, told.known) == (0, 1)
        assert len(await hub.entries()) == 1
        [item] = await quarantine(hub)
        assert item.resolved_at is not None


async def test_a_dry_run_shows_what_would_change_and_writes_nothing(settings: Settings) -> None:
    async with open_log(settings) as hub:
        await set_aside(hub, json.dumps({"smsResult": [ITEM]}).encode(), whole=True)
        [told] = await replay(hub.store, dry_run=True)
        assert (told.receipts, told.statuses) == (1, {Status.DELIVERED: 1})
        assert await hub.entries() == []
        [item] = await quarantine(hub)
        assert item.resolved_at is None
        assert await replay(hub.store) == [told]


async def test_what_is_still_unreadable_stays_and_says_why(settings: Settings) -> None:
    async with open_log(settings) as hub:
        await set_aside(hub, b"{}", whole=True)
        await set_aside(hub, b'{"smsId":""}', whole=False)
        assert [told.problem for told in await replay(hub.store)] == ["NO_ENVELOPE", "NO_ID"]
        assert [item.resolved_at for item in await quarantine(hub)] == [None, None]


async def test_the_unreadable_items_of_a_readable_body_are_set_aside_each_for_itself(
    settings: Settings,
) -> None:
    async with open_log(settings) as hub:
        body = {"smsResult": [ITEM, {"smsId": ""}]}
        await set_aside(hub, json.dumps(body).encode(), whole=True)
        told, item = await replay(hub.store)
        assert (told.receipts, told.unread) == (1, 1)
        assert item.problem == "NO_ID"
        assert {(item.whole, item.resolved_at is None) for item in await quarantine(hub)} == {
            (True, False),
            (False, True),
        }


async def test_a_body_kept_in_the_stead_of_many_items_adds_what_the_log_lacks(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        good = [ITEM | {"smsId": f"good {number}"} for number in range(2)]
        late = [ITEM | {"smsId": f"late {number}"} for number in range(1100)]
        await receive(hub, *good)
        body = json.dumps({"smsResult": [*good, *late]}).encode()
        unreadable = [Unreadable("TOO_MANY", body, whole=True)]
        kept = Arrival(1, "p1", "lushang/0", ARRIVED, body, {}, [], unreadable, callback=1)
        await hub.writer.write(kept)
        [told] = await replay(hub.store)
        assert (told.receipts, told.known, told.problem) == (1100, 2, "")
        assert len(await hub.entries()) == 1102
        [item] = await quarantine(hub)
        assert (item.callback, item.resolved_at is None) == (1, False)


async def test_a_body_of_which_too_many_items_cannot_be_read_stays_with_all_of_them(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        body = json.dumps({"smsResult": [ITEM, *range(101)]}).encode()
        await set_aside(hub, body, whole=True)
        for expected in ((1, 0), (0, 1)):
            [told] = await replay(hub.store)
            assert (told.receipts, told.known, told.problem) == (*expected, "TOO_MANY")
        assert len(await hub.entries()) == 1
        [item] = await quarantine(hub)
        assert (item.whole, item.count, item.resolved_at) == (True, 1, None)


async def test_a_replay_may_be_limited_to_a_provider_and_a_reason(settings: Settings) -> None:
    async with open_log(settings) as hub:
        await set_aside(hub, b"{}", "ONE", whole=True)
        await set_aside(hub, b"[]", "OTHER", whole=True)
        assert len(await replay(hub.store, provider="p1")) == 2
        assert await replay(hub.store, provider="p2") == []
        assert [told.reason for told in await replay(hub.store, reason="OTHER")] == ["OTHER"]


async def test_stored_callbacks_that_read_the_same_show_no_difference(
    any_settings: Settings,
) -> None:
    async with open_log(any_settings) as hub:
        await receive(hub, ITEM, ITEM | {"smsId": "m2", "status": "1", "respMessage": "MK:0001"})
        assert await reread(hub.store) == [Reread(1, ARRIVED, "", [])]
        assert len(await hub.entries()) == 2


async def test_a_receipt_that_reads_differently_is_corrected_and_history_stays(
    any_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_log(any_settings) as hub:
        await receive(hub, ITEM | {"status": "2"}, ITEM | {"smsId": "other"})
        monkeypatch.setitem(lushang.STATUS, "2", Status.DELIVERED)
        difference = Difference(1, Status.UNKNOWN, Status.DELIVERED, ("status",))
        assert await reread(hub.store, dry_run=True) == [Reread(1, ARRIVED, "", [difference])]
        assert len(await hub.entries()) == 2
        assert await reread(hub.store) == [Reread(1, ARRIVED, "", [difference])]
        first, _other, correction = await hub.entries()
        assert (first.status, correction.status) == (Status.UNKNOWN, Status.DELIVERED)
        assert (correction.corrects, correction.received_at) == (1, ARRIVED)
        assert (correction.message, correction.message_status) == (1, Status.DELIVERED)
        assert await reread(hub.store) == [Reread(1, ARRIVED, "", [])]
        assert len(await hub.entries()) == 3


async def test_a_correction_takes_the_place_of_what_it_corrects(
    any_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_log(any_settings) as hub:
        await receive(hub, ITEM)
        monkeypatch.setitem(lushang.STATUS, "0", Status.UNDELIVERED)
        await reread(hub.store)
        assert (await hub.entries())[-1].message_status is Status.UNDELIVERED
        monkeypatch.setitem(lushang.STATUS, "0", Status.DELIVERED)
        [told] = await reread(hub.store)
        assert [difference.position for difference in told.differences] == [2]
        *_, last = await hub.entries()
        assert (last.corrects, last.message_status) == (2, Status.DELIVERED)
        message = (await hub.log.messages_by_key([last.key], None))[last.key]
        assert (message.status, message.receipt_count) == (Status.DELIVERED, 3)


async def test_a_corrected_time_zone_corrects_the_times(settings: Settings) -> None:
    async with open_log(settings) as hub:
        await receive(hub, ITEM)
        await move(hub, "UTC")
        [told] = await reread(hub.store)
        assert [difference.fields for difference in told.differences] == [("occurred_at",)]
        before, after = await hub.entries()
        assert before.occurred_at is not None
        assert after.occurred_at == before.occurred_at + 8 * HOUR


async def test_a_code_that_is_explained_at_last_corrects_what_came_before(
    settings: Settings, tmp_path: Path
) -> None:
    own = tmp_path / "codes.csv"
    own.write_text(
        "layer,pattern,category,permanent,status,meaning\n"
        "account:p1,XX:0001,CONTENT,true,REJECTED,their audit\n",
        encoding="utf-8",
    )
    async with open_log(settings) as hub:
        failed = ITEM | {"status": "1", "respMessage": "XX:0001"}
        await receive(hub, failed)
        await receive(hub, failed, at=ARRIVED + HOUR)
        hub.store.settings = settings.model_copy(update={"codes_file": own})
        expected = Difference(
            1,
            Status.UNDELIVERED,
            Status.REJECTED,
            ("status", "error_category", "error_permanent"),
        )
        for dry_run in (True, False):
            first, second = await reread(hub.store, dry_run=dry_run)
            assert (first.differences, second.differences) == ([expected], [])
        *_, last = await hub.entries()
        assert (last.error_category, last.error_permanent) == (ErrorCategory.CONTENT, True)


async def test_callbacks_are_read_again_from_a_time_and_of_one_provider(
    settings: Settings,
) -> None:
    async with open_log(settings) as hub:
        await receive(hub, ITEM)
        await receive(hub, ITEM | {"smsId": "m2"}, at=ARRIVED + HOUR)
        assert [told.callback for told in await reread(hub.store, since=ARRIVED + 1)] == [2]
        assert await reread(hub.store, provider="p2") == []
        with pytest.raises(NotFound, match="there is no provider named nobody"):
            await reread(hub.store, provider="nobody")


async def test_what_an_adapter_cannot_read_any_more_is_told_and_stays(
    settings: Settings,
) -> None:
    async with open_log(settings) as hub:
        await receive(hub, ITEM)
        await move(hub, "Nowhere/Land")
        assert await reread(hub.store) == [Reread(1, ARRIVED, "FAULT", [])]
        assert len(await hub.entries()) == 1
        await move(hub, "Asia/Shanghai")
