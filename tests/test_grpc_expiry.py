"""What gRPC readers see of a log whose oldest receipts were purged."""

import time
from pathlib import Path

import grpc

from hub.access import Scope
from hub.upkeep.retention import Retention
from hub.v1 import receipts_pb2 as pb
from tests.calling import Running, positions, read_receipts, refused, run
from tests.conftest import quick_settings
from tests.making import receipt
from tests.test_grpc_consume import consuming, refused_opening

_YEAR = 365 * 86_400_000_000


async def purge(hub: Running) -> None:
    """Purge all that is there."""
    settings = hub.hub.settings.model_copy(update={"retention_days": 1.0})
    retention = Retention(hub.hub.log, settings, hub.hub.metrics)
    await retention.sweep(time.time_ns() // 1000 + _YEAR)


async def test_an_expired_cursor_is_refused_unless_the_oldest_will_do(tmp_path: Path) -> None:
    async with run(quick_settings(tmp_path)) as hub, hub.caller() as caller:
        epoch = hub.hub.feed.epoch
        await hub.post(*(receipt(f"m{number}") for number in range(5)))
        await purge(hub)
        await hub.post(receipt("m5"), receipt("m6"))
        told = await refused(caller.stream(after=f"{epoch}:2"))
        assert (told.code, told.reason) == (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED")
        assert told.metadata == {"oldest": f"{epoch}:5", "head": f"{epoch}:7"}
        anyhow = await caller.stored(after=f"{epoch}:2", on_expired=pb.ON_EXPIRED_EARLIEST)
        assert positions(anyhow) == [6, 7]
        assert positions(await caller.stored(after=f"{epoch}:5")) == [6, 7]
        log = await caller.stub.GetLog(pb.GetLogRequest(), metadata=caller.auth)
        assert positions(await caller.stored(after=log.oldest)) == [6, 7]


async def test_a_page_token_whose_next_receipts_are_gone_is_refused(tmp_path: Path) -> None:
    async with run(quick_settings(tmp_path)) as hub, hub.caller() as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(5)))
        listing = {"page_size": 1, "order": pb.ORDER_OLDEST_FIRST}
        token = (await caller.page(**listing)).next_page_token
        await purge(hub)
        await hub.post(receipt("m5"))
        told = await refused(caller.page(**listing, page_token=token))
        assert (told.code, told.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])


async def test_a_subscription_that_missed_receipts_is_told_unless_the_oldest_will_do(
    tmp_path: Path,
) -> None:
    scopes = (Scope.RECEIPTS_READ, Scope.SUBSCRIPTIONS_WRITE)
    async with run(quick_settings(tmp_path)) as hub, hub.caller(*scopes) as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(5)))
        async with consuming(caller) as session:
            await session.receipts(5)
        await purge(hub)
        await hub.post(receipt("m5"), receipt("m6"))
        told = await refused_opening(caller)
        while told.reason != "CURSOR_EXPIRED":  # the former stream may still hold it
            told = await refused_opening(caller)
        assert told.code is grpc.StatusCode.OUT_OF_RANGE
        async with consuming(caller, on_expired=pb.ON_EXPIRED_EARLIEST) as session:
            found = await read_receipts(session.call, 2)
            assert [r.position for r in found] == [6, 7]
            await session.ack(f"{hub.hub.feed.epoch}:7")
            await session.until_acked(f"{hub.hub.feed.epoch}:7")
