"""The hub's log against a model of the contract, through anything that can happen to it."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from hub.access import Access
from hub.accounts.directory import Accounts
from hub.errors import CursorExpired, CursorInvalid
from hub.feed.follower import Feed
from hub.feed.frame import Frame
from hub.feed.tail import Tail
from hub.filter import Filter
from hub.log.write.commit import lock
from hub.receipt import ErrorCategory, OnExpired, Order, Receipt, Status
from hub.settings import Settings
from hub.telemetry import Metrics
from hub.upkeep.retention import MESSAGE_GRACE_DAYS, Retention
from tests.conftest import PostgresServer, new_postgres_database, quick_settings
from tests.making import OpenLog, open_log
from tests.model import Model

DAYS = 30.0
DAY = 86_400_000_000

CODED = [
    *(Status.UNKNOWN, Status.EXPIRED, Status.REJECTED, Status.UNDELIVERED, Status.CANCELLED),
    Status.DELIVERED,  # some say that there was no error
]
FILTERS = [
    Filter(),
    Filter(providers=("p1",)),
    Filter(statuses=(Status.DELIVERED, Status.UNDELIVERED)),
    Filter(message_ids=("a",), applied_only=True),
    Filter(providers=("p2",), statuses=(Status.CANCELLED,)),
]


@st.composite
def receipts(draw: st.DrawFn, provider: str) -> Receipt:
    """Receipts of few messages, so that they repeat and contradict each other."""
    status = draw(st.sampled_from(list(Status)))
    code = draw(st.sampled_from(["", "X"])) if status in CODED else ""
    in_parts = provider == "p2"
    time = "" if in_parts else draw(st.sampled_from(["", "t"]))
    return Receipt(
        message_id=draw(st.sampled_from(["a", "b"])),
        recipient=draw(st.sampled_from(["", "+8613800138000"])),
        status=status,
        provider_status=status.name,
        error_code=code,
        error_category=ErrorCategory.NETWORK if code else None,
        raw_time=time,
        occurred_at=1_500_000_000_000_000 if time else None,
        segments=1,
        part=draw(st.sampled_from([None, 1, 2])) if in_parts else None,
        part_count=draw(st.sampled_from([None, 2])) if in_parts else None,
    )


CALLBACKS = st.sampled_from(["p1", "p2"]).flatmap(
    lambda provider: st.tuples(st.just(provider), st.lists(receipts(provider), max_size=5))
)
Callback = tuple[str, list[Receipt]]


class Reader:
    """A reader and what it should have got."""

    def __init__(self, wanted: Filter, position: int, batch_size: int) -> None:
        self.wanted, self.position, self.batch_size = wanted, position, batch_size
        self.expected_from = position
        self.seen: list[int] = []
        self.live: AsyncGenerator[Frame, None] | None = None

    def take(self, frame: Frame) -> None:
        self.seen += [entry.position for entry in frame.entries]
        assert len(frame.entries) <= self.batch_size
        assert frame.position >= self.position
        self.position = frame.position


class Machine(RuleBasedStateMachine):
    """Everything that can happen to a log, in any order."""

    database: ClassVar[Any]
    """Makes the settings of an empty database."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.posted: list[list[Callback]] = []
        self.readers: list[Reader] = []
        self.settings: Settings = self.database()
        self.run(self.start())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def start(self) -> None:
        self.stack = AsyncExitStack()
        self.hub: OpenLog = await self.stack.enter_async_context(open_log(self.settings))
        log, store = self.hub.log, self.hub.store
        accounts = Accounts(store, 1)
        self.access = Access("reader", frozenset({"receipts:read"}))
        accounts._consumers[b""] = self.access
        self.tail = Tail(
            log, window=100, poll_seconds=1, committed=asyncio.Event(), metrics=Metrics()
        )
        await self.tail.start()
        self.feed = Feed(log, self.tail, accounts, self.settings, Metrics())
        kept = self.settings.model_copy(update={"retention_days": DAYS})
        self.retention = Retention(log, kept, Metrics())

    async def stop(self) -> None:
        for reader in self.readers:
            if reader.live is not None:
                await reader.live.aclose()
                reader.live = None
        await self.stack.aclose()  # which verifies the database

    @rule(callbacks=st.lists(CALLBACKS, min_size=1, max_size=3))
    def post(self, callbacks: list[Callback]) -> None:
        self.posted.append(callbacks)
        self.run(self._post(callbacks))

    @precondition(lambda self: self.posted)
    @rule(data=st.data())
    def post_again(self, data: st.DataObject) -> None:
        self.run(self._post(data.draw(st.sampled_from(self.posted))))

    async def _post(self, callbacks: list[Callback]) -> None:
        outcomes = await asyncio.gather(
            *(self.hub.post(*sent, provider=int(name[1])) for name, sent in callbacks)
        )
        for (name, sent), outcome in zip(callbacks, outcomes, strict=True):
            stored = [self.model.take(name, receipt) for receipt in sent]
            assert outcome.receipts == stored.count(True)
            assert outcome.duplicates == stored.count(False)
        await self.tail._advance()

    @rule()
    def restart(self) -> None:
        self.run(self.stop())
        self.run(self.start())

    @rule(
        wanted=st.sampled_from(FILTERS), share=st.floats(0, 1), size=st.integers(1, 7),
        live=st.booleans(),
    )  # fmt: skip
    def open_reader(self, wanted: Filter, share: float, size: int, *, live: bool) -> None:
        position = round(share * self.model.head)
        cursor = f"{self.tail.epoch}:{position}"
        reader = Reader(wanted, position, size)
        if position < self.model.oldest - 1:
            with pytest.raises(CursorExpired):
                self.run(self.feed.start(after=cursor))
            earliest = self.feed.start(after=cursor, on_expired=OnExpired.EARLIEST)
            reader.position = reader.expected_from = self.run(earliest)
            assert reader.position == self.model.oldest - 1
        assert self.run(self.feed.start(after=f"{self.tail.epoch}:{reader.position}")) >= 0
        if live:
            reader.live = self._following(reader)
        self.readers.append(reader)

    @rule()
    def ask_for_what_is_not_there_yet(self) -> None:
        with pytest.raises(CursorInvalid):
            self.run(self.feed.start(after=f"{self.tail.epoch}:{self.model.head + 1}"))

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def read_on(self, data: st.DataObject) -> None:
        reader = data.draw(st.sampled_from(self.readers))
        expired = reader.position < self.model.oldest - 1
        try:
            self.run(self._read_to_the_head(reader))
        except CursorExpired:
            assert expired
            self.readers.remove(reader)
            return
        wanted = [
            e.position
            for e in self.model.entries[reader.expected_from :]
            if e.matches(reader.wanted)
        ]
        assert reader.seen == wanted
        assert reader.position == self.model.head

    async def _read_to_the_head(self, reader: Reader) -> None:
        if reader.live is None:
            async for frame in self._following(reader, stop_at_head=True):
                reader.take(frame)
            return
        while reader.position < self.model.head:
            reader.take(await anext(reader.live))

    def _following(
        self, reader: Reader, *, stop_at_head: bool = False
    ) -> AsyncGenerator[Frame, None]:
        return self.feed.follow(
            self.access,
            self.access.limit(reader.wanted),
            reader.position,
            batch_size=reader.batch_size,
            stop_at_head=stop_at_head,
        )

    @rule(wanted=st.sampled_from(FILTERS), order=st.sampled_from(Order), size=st.integers(1, 7))
    def page_through(self, wanted: Filter, order: Order, size: int) -> None:
        expected = self.model.after(0, wanted)
        if order is Order.NEWEST_FIRST:
            expected.reverse()
        assert self.run(self._pages(wanted, order, size)) == expected

    async def _pages(self, wanted: Filter, order: Order, size: int) -> list[int]:
        found: list[int] = []
        place: dict[str, int] = {}
        while True:
            page = await self.hub.log.page(wanted, order=order, limit=size, **place)
            found += [entry.position for entry in page.entries]
            if not page.more:
                return found
            place = {"after" if order is Order.OLDEST_FIRST else "before": page.resume}

    @precondition(lambda self: self.model.kept)
    @rule(share=st.floats(0, 1))
    def purge_receipts(self, share: float) -> None:
        kept = self.model.kept
        self.run(self._purge(kept[round(share * (len(kept) - 1))].position))

    async def _purge(self, position: int) -> None:
        """Purge what was recorded before the entry at *position*."""
        [entry] = await self.hub.log.read(position - 1, 1)
        await self.retention.sweep(entry.recorded_at + round(DAYS * DAY))
        first = await self.hub.log.position_at(entry.recorded_at) + 1
        assert first <= position
        self.model.oldest = max(self.model.oldest, first)
        await self.tail._advance()

    @precondition(lambda self: self.model.head)
    @rule()
    def purge_everything_with_its_messages(self) -> None:
        self.run(self._purge_all())

    async def _purge_all(self) -> None:
        await asyncio.sleep(0.001)
        now = round((DAYS + MESSAGE_GRACE_DAYS) * DAY)
        _, recorded_at = await self._newest()
        await self.retention.sweep(recorded_at + 1 + now)
        self.model.oldest = self.model.head + 1
        self.model.messages.clear()
        await self.tail._advance()

    async def _newest(self) -> tuple[int, int]:
        head, _ = await self.hub.store.write(lambda session: lock(session.connection()))
        return head.position, head.recorded_at

    @invariant()
    def the_log_is_what_the_model_says(self) -> None:
        entries = self.run(self.hub.log.read(self.model.oldest - 1, 10_000))
        found = [
            (
                e.position, (e.provider, e.message_id, e.recipient or ""), e.status.name,
                e.error_code or "", e.applied, e.message_status.name,
            )
            for e in entries
        ]  # fmt: skip
        assert found == [
            (e.position, e.name, e.status, e.code, e.applied, e.message_status)
            for e in self.model.kept
        ]
        bounds = self.run(self.hub.log.bounds())
        assert (bounds.oldest, bounds.head) == (self.model.oldest, self.model.head)

    @invariant()
    def the_messages_are_what_the_model_says(self) -> None:
        page = self.run(self.hub.log.messages(Filter(), limit=100))
        found = {
            (m.provider, m.message_id, m.recipient or ""): (
                m.id, m.status.name, m.error_code or "", m.conflict, m.receipt_count,
                m.delivered_at is not None,
            )
            for m in page.messages
        }  # fmt: skip
        assert found == {
            name: (
                m.first, m.now.status, m.now.code, m.now.conflict, len(m.said),
                m.now.status == "DELIVERED",
            )
            for name, m in self.model.messages.items()
        }  # fmt: skip

    def teardown(self) -> None:
        try:
            self.run(self.stop())
        finally:
            self.runner.close()


def _run(database: Any, *, examples: int, steps: int) -> None:
    machine = type("AnyLog", (Machine,), {"database": staticmethod(database)})
    run_machine(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> Any:
    """Makes settings of a copy of one migrated database."""
    made = quick_settings(tmp_path / "made")

    async def make() -> None:
        async with open_log(made):
            pass

    asyncio.run(make())

    def database() -> Settings:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        shutil.copy(tmp_path / "made" / "hub.db", folder)
        return quick_settings(folder, heartbeat_seconds=0.01)

    return database


@pytest.mark.timeout(300)  # a failure takes its time to become a small one
def test_the_log_on_sqlite_does_what_the_model_does(empty_sqlite: Any) -> None:
    _run(empty_sqlite, examples=10, steps=25)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_log_on_sqlite_does_what_the_model_does_a_thousand_times(empty_sqlite: Any) -> None:
    _run(empty_sqlite, examples=1000, steps=50)


@pytest.mark.timeout(300)
def test_the_log_on_postgresql_does_what_the_model_does(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    _run(
        lambda: quick_settings(
            tmp_path,
            database_url=new_postgres_database(postgres_server),
            heartbeat_seconds=0.01,
        ),
        examples=3,
        steps=20,
    )
