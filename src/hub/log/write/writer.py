"""
Group commit without a clock.

While one batch commits, the next gathers.  Load makes batches larger and idleness makes them
one, so there is no delay to tune.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from itertools import islice

import structlog

from hub.errors import Draining, Overloaded, StoreUnavailable
from hub.log.write.arrival import Arrival, Outcome, Unreadable
from hub.log.write.commit import Committed, Committer
from hub.log.write.quarantine import QuarantineFull
from hub.telemetry import Metrics

PROBE_SECONDS = 1.0
"""How often a store that failed is tried again while nothing arrives."""

REFUSED = "REFUSED_BY_STORE"
"""Why a body is quarantined that was readable and that the database still refuses."""

_FULL = "the quarantine is full: replay or drop what it holds, or raise its limit"

logger = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class _Waiting:
    arrival: Arrival
    done: asyncio.Future[Outcome]


class Writer:
    """Commits arrivals in batches; there is one per process."""

    def __init__(self, committer: Committer, *, batch: int, queue: int, metrics: Metrics) -> None:
        self._committer = committer
        self._batch, self._queue_limit = batch, queue
        self._metrics = metrics
        self._queue: deque[_Waiting] = deque()
        self._committing: list[_Waiting] = []
        self._weight = 0
        self._in_parts = 0
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = self._ended = False
        self.available = True
        """Whether the store took the last thing it was given."""
        self.committed = asyncio.Event()
        """Set at each commit; whoever waits for receipts clears it."""

    async def write(self, arrival: Arrival) -> Outcome:
        """
        Return when *arrival* is durable.  Raises `Overloaded`, `StoreUnavailable` or `Draining`,
        and then nothing of it was taken, unless it has more receipts than a batch: it is committed
        in parts, between those of others, and what was taken of it is known when it comes again.
        """
        if self._closed:
            raise Draining
        if len(arrival.receipts) > self._batch:
            return await self._write_parts(arrival)
        if self._weight and self._weight + arrival.weight > self._queue_limit:
            raise Overloaded
        return await self._put(arrival)

    async def _write_parts(self, arrival: Arrival) -> Outcome:
        """
        Write one part after the other.  Only the present one stands in the queue, or others would
        be told that it is full; all of them have a limit of their own, of the same size.
        """
        weight = arrival.weight
        if self._in_parts and self._in_parts + weight > self._queue_limit:
            raise Overloaded
        self._in_parts += weight
        try:
            whole = Outcome(0, 0, 0)
            for part in arrival.parts(self._batch):
                part.callback = whole.callback or arrival.callback
                whole += await self._put(part)
            return whole
        finally:
            self._in_parts -= weight
            self._rest()

    async def _put(self, arrival: Arrival) -> Outcome:
        if self._ended:
            raise StoreUnavailable
        waiting = _Waiting(arrival, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._weight += arrival.weight
        self._idle.clear()
        self._arrived.set()
        return await waiting.done

    async def run(self) -> None:
        """Commit batch after batch, until cancelled."""
        try:
            while True:
                await self._wait()
                self._committing = self._gather()
                if self._committing:
                    await self._commit(self._committing)
                self._rest()
        finally:
            self._give_up()

    async def drain(self) -> None:
        """Take nothing more; return when all that was taken is answered."""
        self._closed = True
        await self._idle.wait()

    def _give_up(self) -> None:
        """Nobody commits any more, so nobody may wait for it."""
        self._closed = self._ended = True
        for waiting in (*self._committing, *self._queue):
            _answer(waiting, StoreUnavailable())
        self._queue.clear()
        self._idle.set()

    def _rest(self) -> None:
        """Note whether anything is left to commit."""
        if not self._queue and not self._in_parts:
            self._idle.set()

    async def _wait(self) -> None:
        while not self._queue:
            self._arrived.clear()
            if self.available:
                await self._arrived.wait()
            else:
                await self._probe()

    async def _probe(self) -> None:
        try:
            await asyncio.wait_for(self._arrived.wait(), PROBE_SECONDS)
        except TimeoutError:
            try:
                await self._committer.probe()
            except StoreUnavailable as error:
                logger.debug("store still away", advice=error.advice)
            else:
                self._recovered()

    def _gather(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        weight = 0
        while self._queue and (not batch or weight + self._queue[0].arrival.weight <= self._batch):
            waiting = self._queue.popleft()
            weight += waiting.arrival.weight
            if not waiting.done.done():
                batch.append(waiting)
        self._weight -= weight
        self._metrics.queue.set(self._weight)
        return batch

    async def _commit(self, batch: list[_Waiting]) -> None:
        started = time.perf_counter()
        try:
            committed = await self._committer.commit([waiting.arrival for waiting in batch])
        except StoreUnavailable as error:
            await self._unavailable(batch, error)
        except Exception as error:  # noqa: BLE001  # whatever the data may cause
            await self._failed(batch, error)
        else:
            self._recovered()
            self._count(committed, time.perf_counter() - started)
            for waiting, outcome in zip(batch, committed.outcomes, strict=True):
                _answer(waiting, outcome)
            self.committed.set()

    async def _failed(self, batch: list[_Waiting], error: Exception) -> None:
        if len(batch) > 1:
            await self._halves(batch)
        elif isinstance(error, QuarantineFull):
            _answer(batch[0], StoreUnavailable(_FULL))
        else:
            await self._quarantine(batch[0], error)

    async def _halves(self, batch: list[_Waiting]) -> None:
        middle = len(batch) // 2
        await self._commit(batch[:middle])
        await self._commit(list(islice(batch, middle, None)))

    async def _unavailable(self, batch: list[_Waiting], error: StoreUnavailable) -> None:
        """
        Answer all that wait, those in the queue too: each would wait as long again for its own
        turn to fail, and the provider would have given up by then.
        """
        self.available = False
        self._metrics.commit_failures.labels("unavailable").inc()
        logger.error(
            "store unavailable: callbacks get 503", advice=error.advice, error=_name(error)
        )
        for waiting in (*batch, *self._queue):
            _answer(waiting, StoreUnavailable())
        self._queue.clear()
        self._weight = 0
        await self._committer.reconnect()

    async def _quarantine(self, waiting: _Waiting, error: Exception) -> None:
        """One readable callback that the database refuses is kept whole, like an unreadable one."""
        arrival = waiting.arrival
        self._metrics.commit_failures.labels("data").inc()
        logger.error("readable callback refused by the store", error=_name(error))
        if any(unreadable.reason == REFUSED for unreadable in arrival.unreadable):
            _answer(waiting, error)
            return
        waiting.arrival = Arrival(
            arrival.provider_id,
            arrival.provider,
            arrival.adapter,
            arrival.received_at,
            arrival.body,
            arrival.headers,
            unreadable=[Unreadable(REFUSED, arrival.body, whole=True)],
        )
        await self._commit([waiting])

    def _recovered(self) -> None:
        if not self.available:
            logger.info("store available again")
        self.available = True

    def _count(self, committed: Committed, seconds: float) -> None:
        metrics, batch = self._metrics, committed.batch
        metrics.commit_seconds.observe(seconds)
        metrics.commit_receipts.observe(len(batch.receipt_rows))
        metrics.head.set(committed.head)
        for (provider, status), count in batch.counts.items():
            metrics.receipts.labels(provider, status.name).inc(count)
        for arrival, outcome in zip(batch.arrivals, batch.outcomes, strict=True):
            if outcome.duplicates:
                metrics.duplicates.labels(arrival.provider).inc(outcome.duplicates)
            for unreadable in arrival.unreadable:
                metrics.quarantined.labels(arrival.provider, unreadable.reason).inc()


def _answer(waiting: _Waiting, result: Outcome | Exception) -> None:
    if waiting.done.done():  # the caller went away
        return
    if isinstance(result, Exception):
        waiting.done.set_exception(result)
    else:
        waiting.done.set_result(result)


def _name(error: BaseException) -> str:
    """What the driver calls *error*: its class, and PostgreSQL's code where it has one."""
    cause = error.__cause__ or error
    original = getattr(cause, "orig", None) or cause
    return " ".join(filter(None, (type(original).__name__, getattr(original, "sqlstate", None))))
