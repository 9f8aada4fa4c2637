"""Consume: durable subscriptions over real sockets, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from hub.access import Scope
from hub.accounts.administration import Administration
from hub.receipt import Status
from hub.settings import Settings
from hub.subscriptions import administration, lease, parked, reader
from hub.subscriptions.state import states
from hub.v1 import receipts_pb2 as pb
from tests.calling import PATIENCE, Caller, Running, read, read_receipts, refused, run
from tests.conftest import quick_settings
from tests.engines import held, statements, writer_of
from tests.making import receipt
from tests.waiting import until

WRITE = (Scope.RECEIPTS_READ, Scope.SUBSCRIPTIONS_WRITE)
OPEN: dict[str, Any] = {"subscription": "billing", "start_at": pb.START_AT_EARLIEST}


class Session:
    """One stream of Consume."""

    def __init__(self, caller: Caller, **fields: Any) -> None:
        self.call = caller.stub.Consume(metadata=caller.auth)
        self._opening = pb.ConsumeRequest(open=pb.Open(**(OPEN | fields)))

    async def open(self) -> "Session":
        await self.call.write(self._opening)
        return self

    async def ack(self, cursor: str) -> None:
        await self.call.write(pb.ConsumeRequest(ack=pb.Ack(cursor=cursor)))

    async def park(self, position: int, reason: str = "cannot read it") -> None:
        await self.call.write(pb.ConsumeRequest(park=pb.Park(position=position, reason=reason)))

    async def frame(self) -> pb.ConsumeResponse:
        response = await read(self.call)
        assert isinstance(response, pb.ConsumeResponse)
        return response

    async def receipts(self, count: int) -> list[int]:
        return [r.position for r in await read_receipts(self.call, count)]

    async def until_acked(self, cursor: str) -> pb.ConsumeResponse:
        frame = await self.frame()
        while frame.acked_cursor != cursor:
            assert not frame.receipts
            frame = await self.frame()
        return frame


@asynccontextmanager
async def consuming(caller: Caller, **fields: Any) -> AsyncIterator[Session]:
    """A stream that is broken off at the end."""
    session = await Session(caller, **fields).open()
    try:
        yield session
    finally:
        session.call.cancel()


async def refused_opening(caller: Caller, **fields: Any) -> Any:
    return await refused((await Session(caller, **fields).open()).call)


async def test_what_is_not_acknowledged_is_sent_again(any_settings: Settings) -> None:
    async with run(any_settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(5)))
        epoch = hub.hub.feed.epoch
        async with consuming(caller) as session:
            assert await session.receipts(5) == [1, 2, 3, 4, 5]
            await session.ack(f"{epoch}:3")
            await session.until_acked(f"{epoch}:3")
        async with consuming(caller) as session:
            assert await session.receipts(2) == [4, 5]


async def test_the_place_outlives_the_hub(any_settings: Settings) -> None:
    async with run(any_settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(5)))
        async with consuming(caller) as session:
            await session.receipts(5)
            await session.ack(f"{hub.hub.feed.epoch}:4")
            await session.until_acked(f"{hub.hub.feed.epoch}:4")
        token = caller.token
    async with run(any_settings) as hub:
        async with grpc.aio.insecure_channel(hub.hub.grpc_address) as channel:
            async with consuming(Caller(channel, token)) as session:
                assert await session.receipts(1) == [5]


async def test_the_last_acknowledgement_counts_when_a_reader_finishes(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(receipt("m1"), receipt("m2"))
        async with consuming(caller) as session:
            await session.receipts(2)
            await session.ack(f"{hub.hub.feed.epoch}:1")
            await session.call.done_writing()
            last = None
            while (frame := await read(session.call)) is not grpc.aio.EOF:
                last = frame
            assert last is not None
            assert last.acked_cursor == f"{hub.hub.feed.epoch}:1"
        async with consuming(caller) as session:
            assert await session.receipts(1) == [2]


async def test_no_more_is_sent_than_may_be_unacknowledged(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(10)))
        async with consuming(caller, max_unacked=3, max_batch_size=2) as session:
            assert await session.receipts(3) == [1, 2, 3]
            heartbeat = await session.frame()
            assert not heartbeat.receipts
            assert heartbeat.lag == 7
            assert not heartbeat.caught_up
            await session.ack(f"{hub.hub.feed.epoch}:2")
            assert await session.receipts(2) == [4, 5]


async def test_one_reader_is_active_and_another_takes_over_when_it_leaves(
    any_settings: Settings,
) -> None:
    async with run(any_settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(4)))
        epoch = hub.hub.feed.epoch
        async with consuming(caller) as active:
            assert await active.receipts(4) == [1, 2, 3, 4]
            async with consuming(caller) as standby:
                waiting = await standby.frame()
                assert waiting.standby
                assert waiting.cursor == waiting.acked_cursor == f"{epoch}:0"
                await active.ack(f"{epoch}:2")
                await active.until_acked(f"{epoch}:2")
                active.call.cancel()
                assert await standby.receipts(2) == [3, 4]


async def test_a_reader_that_lost_its_lease_is_fenced(any_settings: Settings) -> None:
    async with run(any_settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(4)))
        async with consuming(caller) as session:
            await session.receipts(4)
            await administration.reset(hub.hub.store, "service", "billing", 1)
            await session.ack(f"{hub.hub.feed.epoch}:4")
            told = await refused(session.call)
            assert (told.code, told.reason) == (grpc.StatusCode.ABORTED, "FENCED")
        async with consuming(caller) as session:
            assert await session.receipts(3) == [2, 3, 4]


async def test_a_reader_whose_lease_nobody_can_renew_is_silent_and_then_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (lease, reader):
        monkeypatch.setattr(module, "LEASE_SECONDS", 0.5)
    async with run(settings) as hub, hub.caller(*WRITE) as caller, consuming(caller) as session:
        await session.frame()
        async with held(hub.hub.store):
            told = await refused(session.call)
        assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")
        async with consuming(caller) as other:
            await other.frame()


async def test_an_acknowledgement_ahead_is_refused_and_one_behind_ignored(
    settings: Settings,
) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(4)))
        epoch = hub.hub.feed.epoch
        async with consuming(caller, max_unacked=2) as session:
            assert await session.receipts(2) == [1, 2]
            await session.ack(f"{epoch}:2")
            await session.ack(f"{epoch}:1")
            assert await session.receipts(2) == [3, 4]
            await session.ack(f"{epoch}:5")
            told = await refused(session.call)
            assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ACK_AHEAD")
            assert told.fields == ["ack.cursor"]


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [("nonsense", "CURSOR_INVALID"), ("", "CURSOR_INVALID"), ("another:1", "CURSOR_FOREIGN")],
)
async def test_an_acknowledgement_that_is_no_cursor_of_this_log_is_refused(
    settings: Settings, cursor: str, reason: str
) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller, consuming(caller) as session:
        await session.frame()
        await session.ack(cursor)
        assert (await refused(session.call)).reason == reason


async def test_what_was_fixed_at_creation_cannot_change(any_settings: Settings) -> None:
    wanted = pb.ReceiptFilter(statuses=[pb.STATUS_DELIVERED, pb.STATUS_EXPIRED])
    async with run(any_settings) as hub, hub.caller(*WRITE) as caller:
        shard = pb.Shard(index=0, count=2)
        async with consuming(caller, filter=wanted, shard=shard) as session:
            await session.frame()
        for fields in (
            {"filter": pb.ReceiptFilter(), "shard": shard},
            {"filter": wanted},
            {"filter": wanted, "shard": pb.Shard(index=0, count=3)},
            {"filter": pb.ReceiptFilter(applied_only=True), "shard": shard},
        ):
            told = await refused_opening(caller, **fields)
            assert told.code is grpc.StatusCode.FAILED_PRECONDITION
            assert told.reason == "SUBSCRIPTION_MISMATCH"
        same = pb.ReceiptFilter(statuses=[pb.STATUS_EXPIRED, pb.STATUS_DELIVERED])
        async with consuming(caller, filter=same, shard=pb.Shard(index=1, count=2)) as session:
            assert not (await session.frame()).standby


async def test_only_its_creation_needs_the_scope_and_names_belong_to_consumers(
    settings: Settings,
) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        async with hub.caller(name="reader") as reader:
            told = await refused_opening(reader)
            assert (told.code, told.reason) == (grpc.StatusCode.PERMISSION_DENIED, "FORBIDDEN")
        async with consuming(caller) as session:
            await session.frame()
            async with hub.caller(*WRITE, name="another") as another:
                async with consuming(another) as own:
                    assert not (await own.frame()).standby
        listed = await states(hub.hub.store)
        assert [(s.consumer, s.name) for s in listed] == [
            ("another", "billing"),
            ("service", "billing"),
        ]


async def test_a_start_counts_only_for_a_new_subscription(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(receipt("m1"))
        async with consuming(caller, start_at=pb.START_AT_LATEST) as session:
            await session.frame()
        await hub.post(receipt("m2"))
        async with consuming(caller) as session:
            assert await session.receipts(1) == [2]


async def test_a_parked_receipt_stops_nobody_and_can_be_replayed(any_settings: Settings) -> None:
    async with run(any_settings) as hub, hub.caller(*WRITE) as caller:
        store, epoch = hub.hub.store, hub.hub.feed.epoch
        await hub.post(*(receipt(f"m{number}") for number in range(3)))
        async with consuming(caller) as session:
            await session.receipts(3)
            await session.park(2, "a poison")
            await session.ack(f"{epoch}:1")
            async with asyncio.timeout(PATIENCE):
                while not await parked.listing(store):
                    await asyncio.sleep(0.05)
        [aside] = await parked.listing(store, "service", "billing")
        assert (aside.position, aside.reason, aside.replay) == (2, "a poison", False)
        async with consuming(caller) as session:
            assert await session.receipts(1) == [3]
            await session.ack(f"{epoch}:3")
            await session.until_acked(f"{epoch}:3")
            assert await parked.replay(store, "service", "billing") == 1
            assert await session.receipts(1) == [2]
        async with consuming(caller) as session:
            assert await session.receipts(1) == [2]
            await session.ack(f"{epoch}:3")
            async with asyncio.timeout(PATIENCE):
                while await parked.listing(store):
                    await asyncio.sleep(0.05)


async def aside(hub: Running, caller: Caller, count: int) -> str:
    """Set the first *count* receipts aside, acknowledge the rest; the cursor behind them."""
    async with consuming(caller) as session:
        seen = await session.receipts(hub.hub.feed.head)
        cursor = f"{hub.hub.feed.epoch}:{seen[-1]}"
        for position in range(1, count + 1):
            await session.park(position)
        await session.ack(cursor)
        await session.until_acked(cursor)
    return cursor


@pytest.mark.parametrize(("batch", "unacked", "most"), [(2, 10, 2), (10, 2, 2), (1, 10, 1)])
async def test_replays_come_in_frames_and_wait_for_acknowledgements_like_others(
    settings: Settings, batch: int, unacked: int, most: int
) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(6)))
        await hub.seen(6)
        cursor = await aside(hub, caller, 3)
        await parked.replay(hub.hub.store, "service", "billing")
        async with consuming(caller, max_batch_size=batch, max_unacked=unacked) as session:
            found: list[int] = []
            while len(found) < 3:
                frame = await session.frame()
                assert len(frame.receipts) <= most
                found += [sent.position for sent in frame.receipts]
                if frame.receipts:
                    if len(found) < 3:  # nothing more comes before these are done
                        assert not (await session.frame()).receipts
                    await session.ack(cursor)
            assert found == [1, 2, 3]
            await until(lambda: nothing_parked(hub))


async def nothing_parked(hub: Running) -> bool:
    return not await parked.listing(hub.hub.store)


async def test_a_replay_goes_to_the_shard_that_its_message_belongs_to(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(20)))
        await hub.seen(20)
        shares: list[set[int]] = []
        for index in range(2):
            async with consuming(caller, shard=pb.Shard(index=index, count=2)) as session:
                frame = await session.frame()
                while not frame.receipts:
                    frame = await session.frame()
                shares.append({sent.position for sent in frame.receipts})
                for position in shares[index]:
                    await session.park(position)
                await session.ack(frame.cursor)
                await session.until_acked(frame.cursor)
        assert await parked.replay(hub.hub.store, "service", "billing") == 20
        for index in range(2):
            async with consuming(caller, shard=pb.Shard(index=index, count=2)) as session:
                assert set(await session.receipts(len(shares[index]))) == shares[index]
                assert not (await session.frame()).receipts


@pytest.mark.parametrize(("batch", "unacked"), [(3, 10), (10, 3), (1, 1)])
async def test_replays_and_live_receipts_share_frames_and_credit(
    settings: Settings, batch: int, unacked: int
) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(6)))
        await hub.seen(6)
        await aside(hub, caller, 5)
        await parked.replay(hub.hub.store, "service", "billing")
        async with consuming(caller, max_batch_size=batch, max_unacked=unacked) as session:
            found: list[int] = []
            for number in range(6, 100):
                await hub.post(receipt(f"m{number}"))
                frame = await session.frame()
                assert len(frame.receipts) <= min(batch, unacked)
                found += [sent.position for sent in frame.receipts]
                if frame.receipts:
                    await session.ack(frame.cursor)
                if {1, 2, 3, 4, 5} <= set(found) and max(found) > 6:
                    break
            live = [position for position in found if position > 6]
            assert sorted(set(found) - set(live)) == [1, 2, 3, 4, 5]
            assert len(found) == len(set(found))
            assert live == list(range(7, 7 + len(live)))


async def test_only_what_is_being_read_can_be_parked(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller, consuming(caller) as session:
        await session.frame()
        await session.park(7)
        told = await refused(session.call)
        assert (told.code, told.fields) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            ["park.position"],
        )


async def test_shards_share_a_subscription_and_can_be_counted_anew(any_settings: Settings) -> None:
    async with run(any_settings) as hub, hub.caller(*WRITE) as caller:
        for status in (Status.SENT, Status.DELIVERED):
            await hub.post(*(receipt(f"m{number}", status) for number in range(20)))
        await hub.seen(40)
        epoch, seen = hub.hub.feed.epoch, []
        for index in range(2):
            async with consuming(caller, shard=pb.Shard(index=index, count=2)) as session:
                frame = await session.frame()
                seen.append([r.position for r in frame.receipts])
                await session.ack(f"{epoch}:{30 if index else 40}")
                while frame.acked_cursor == f"{epoch}:0":
                    frame = await session.frame()
        assert sorted(seen[0] + seen[1]) == list(range(1, 41))
        assert all(seen)
        least = await administration.reshard(hub.hub.store, "service", "billing", 1)
        assert least == 30
        async with consuming(caller) as session:
            assert await session.receipts(10) == list(range(31, 41))


async def test_a_filtered_subscription_is_not_behind_while_nothing_matches(
    any_settings: Settings,
) -> None:
    wanted = pb.ReceiptFilter(providers=["p2"])
    async with run(any_settings) as hub, hub.caller(*WRITE) as caller:
        async with consuming(caller, filter=wanted) as session:
            await session.frame()
            await hub.post(*(receipt(f"m{number}") for number in range(9)))
            async with asyncio.timeout(PATIENCE):
                while True:
                    [listed] = await states(hub.hub.store)
                    if listed.acked == 9:
                        break
                    await asyncio.sleep(0.05)
            assert (listed.lag, listed.lag_seconds, listed.unacked) == (0, 0, 0)
            assert listed.holder
            await hub.post(receipt("m1"), provider=2)
            await session.receipts(1)
            async with asyncio.timeout(PATIENCE):
                while not listed.unacked:
                    await asyncio.sleep(0.05)
                    [listed] = await states(hub.hub.store)
            assert listed.lag == 1
            assert listed.lag_seconds > 0
        async with asyncio.timeout(PATIENCE):
            while listed.holder:
                await asyncio.sleep(0.05)
                [listed] = await states(hub.hub.store)


async def test_a_deleted_subscription_is_gone_and_its_reader_told(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        async with consuming(caller) as session, consuming(caller) as other:
            await session.frame()
            await other.frame()
            await administration.remove(hub.hub.store, "service", "billing")
            reasons = {(await refused(s.call)).reason for s in (session, other)}
            assert reasons <= {"FENCED", "NOT_FOUND"}
        assert not await states(hub.hub.store)


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        pytest.param([pb.ConsumeRequest()], "open", id="nothing"),
        pytest.param([pb.ConsumeRequest(ack=pb.Ack(cursor="x:1"))], "open", id="ack first"),
        pytest.param(
            [pb.ConsumeRequest(open=pb.Open(subscription="a b"))], "open.subscription", id="name"
        ),
        pytest.param(
            [pb.ConsumeRequest(open=pb.Open(subscription="a", filter={"statuses": [0]}))],
            "open.filter.statuses[0]",
            id="filter",
        ),
        pytest.param(
            [pb.ConsumeRequest(open=pb.Open(subscription="a", shard={"index": 3, "count": 2}))],
            "open.shard",
            id="shard",
        ),
        pytest.param(
            [pb.ConsumeRequest(open=pb.Open(subscription="a"))] * 2, "open", id="open twice"
        ),
        pytest.param(
            [pb.ConsumeRequest(open=pb.Open(subscription="a", after=""))], "open.after", id="after"
        ),
        pytest.param(
            [pb.ConsumeRequest(open=pb.Open(subscription="a", after="nonsense"))],
            "open.after",
            id="a cursor that cannot be read",
        ),
    ],
)
async def test_what_cannot_be_read_is_named_by_its_field(
    settings: Settings, requests: list[pb.ConsumeRequest], field: str
) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        call = caller.stub.Consume(metadata=caller.auth)
        for request in requests:
            await call.write(request)
        told = await refused(call)
        assert (told.code, told.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_a_revoked_token_ends_a_subscription_that_waits_for_acknowledgements(
    settings: Settings,
) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(receipt("m1"), receipt("m2"))
        async with consuming(caller, max_unacked=1) as session:
            await session.receipts(1)
            async with consuming(caller) as standby:
                assert (await standby.frame()).standby
                await Administration(hub.hub.store).revoke_consumer("service")
                for each in (session, standby):
                    assert (await refused(each.call)).code is grpc.StatusCode.UNAUTHENTICATED


async def test_draining_ends_subscriptions_with_a_last_frame(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(receipt("m1"), receipt("m2"))
        async with consuming(caller, max_unacked=1) as session:
            await session.receipts(1)
            async with consuming(caller) as standby:
                assert (await standby.frame()).standby
                hub.hub.feed.drain()
                for each in (session, standby):
                    assert (await refused(each.call)).reason == "DRAINING"


async def test_acknowledgements_of_many_streams_are_few_transactions(tmp_path: Any) -> None:
    settings = quick_settings(tmp_path)
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(*(receipt(f"m{number}") for number in range(200)))
        with statements(writer_of(hub.hub.store)) as executed:
            async with consuming(caller) as session:
                await session.receipts(200)
                for position in range(1, 201):
                    await session.ack(f"{hub.hub.feed.epoch}:{position}")
                frame = await session.frame()
                while frame.acked_cursor != f"{hub.hub.feed.epoch}:200":
                    frame = await session.frame()
        prolonged = [each for each, _ in executed if each.startswith("UPDATE subscription")]
        assert 0 < len(prolonged) < 20
