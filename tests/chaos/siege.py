"""A hub under load, killed again and again; afterwards everything is compared with the log."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.access import Scope
from hub.accounts.administration import Administration, NewConsumer, NewProvider
from hub.database.store import opened
from hub.log.read.log import ReceiptLog
from hub.settings import Settings
from hub.upkeep.verification import verify
from tests.chaos.load import Journal, Load
from tests.chaos.process import Process, process
from tests.chaos.readers import ConsumingReader, GraphqlReader, GrpcReader, Reader, Seen
from tests.waiting import until


@dataclass(frozen=True, slots=True)
class Secrets:
    """What opens the hub to its provider and its reader."""

    callback: str
    """Path of the callback URL."""
    token: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a siege came to."""

    kills: int
    journal: Journal
    log: list[Seen]
    readers: list[Reader]
    problems: list[str]
    """What is wrong; nothing should be."""


async def siege(
    settings: Settings, folder: Path, *, kills: int, seed: int, replicas: int = 1
) -> Outcome:
    """Kill hubs that share a log *kills* times at moments that *seed* chooses, then compare."""
    secrets = await accounts(settings)
    async with AsyncExitStack() as stack:
        places = [folder / f"hub-{number}" for number in range(replicas)]
        hubs = [await stack.enter_async_context(process(settings, place)) for place in places]
        load = Load([hub.url + secrets.callback for hub in hubs], seed)
        readers = await _readers(hubs, settings, secrets)
        async with _running(readers):
            await _under_fire(hubs, load, kills, random.Random(seed))
            await _caught_up(settings, readers)
        codes = [await hub.stop(signal.SIGTERM) for hub in hubs]
    log, problems = await examined(settings)
    problems += _compared(load.journal, log, readers)
    problems += [f"told to stop, a hub exited with {code}" for code in codes if code]
    return Outcome(kills, load.journal, log, readers, problems)


async def accounts(settings: Settings) -> Secrets:
    """Make the database, a provider and a consumer."""
    async with opened(settings) as store:
        register = Administration(store)
        secret = await register.add_provider(NewProvider(name="p1", adapter="lushang"))
        scopes = (Scope.RECEIPTS_READ, Scope.SUBSCRIPTIONS_WRITE)
        token = await register.add_consumer(NewConsumer(name="reader", scopes=scopes))
    return Secrets(f"/callbacks/p1/{secret}", token)


async def examined(settings: Settings) -> tuple[list[Seen], list[str]]:
    """The whole log, and what `verify` says of the database."""
    async with opened(settings) as store:
        found: list[Seen] = []
        log = ReceiptLog(store)
        while entries := await log.read(found[-1][0] if found else 0, 5000):
            found += [(e.position, (e.message_id, e.provider_status)) for e in entries]
        report = await verify(store)
        return found, list(report.problems)


async def _readers(hubs: list[Process], settings: Settings, secrets: Secrets) -> list[Reader]:
    grpc = [hub.grpc_address for hub in hubs]
    http = [hub.url.removeprefix("http://") for hub in hubs]
    readers = [
        GrpcReader(grpc, secrets.token),
        ConsumingReader(grpc, secrets.token),
        GraphqlReader(http, secrets.token),
    ]
    async with opened(settings) as store:
        readers[-1].cursor = (await ReceiptLog(store).bounds()).oldest_cursor
    return readers


@asynccontextmanager
async def _running(readers: list[Reader]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(reader.run()) for reader in readers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if not isinstance(end, asyncio.CancelledError):
            raise end if isinstance(end, BaseException) else AssertionError(end)


async def _under_fire(hubs: list[Process], load: Load, kills: int, chance: random.Random) -> None:
    sending = asyncio.create_task(load.run(connections=6, batch=40))
    try:
        for hub in hubs:
            hub.start()
        for number in range(kills):
            hub = chance.choice(hubs)
            if number % 4 != 3:  # else also while it starts
                await hub.ready()
            await asyncio.sleep(chance.uniform(0.0, 1.5))
            hub.kill()
            hub.start()
            if number % 5 == 4:  # and stopped as it should be, in between
                await hub.ready()
                await asyncio.sleep(chance.uniform(0.1, 1.5))
                assert await hub.stop() == 0, hub.lines
                hub.start()
        for hub in hubs:
            await hub.ready()
        await asyncio.sleep(0.5)
    finally:
        load.stop()
        await sending


async def _caught_up(settings: Settings, readers: list[Reader]) -> None:
    async with opened(settings) as store:
        head = (await ReceiptLog(store).bounds()).head
    await until(lambda: all(reader.position >= head for reader in readers))


def _compared(journal: Journal, log: list[Seen], readers: list[Reader]) -> list[str]:
    problems = [f"a provider was answered {answer}" for answer in set(journal.odd)]
    counts = Counter(mark for _, mark in log)
    if lost := journal.acknowledged - set(counts):
        problems.append(f"{len(lost)} acknowledged receipts are not in the log")
    if twice := [mark for mark, count in counts.items() if count > 1]:
        problems.append(f"{len(twice)} receipts are in the log more than once")
    if invented := set(counts) - journal.sent:
        problems.append(f"{len(invented)} receipts in the log were never sent")
    if [position for position, _ in log] != list(range(1, len(log) + 1)):
        problems.append("positions are not 1, 2, 3 …")
    problems += [
        f"{type(reader).__name__} saw another sequence than the log has"
        for reader in readers
        if reader.seen != log
    ]
    return problems
