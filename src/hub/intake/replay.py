"""
Reading kept bytes again with today's adapters: what is in quarantine, and stored callbacks.

What becomes readable is appended as ordinary receipts; what reads differently is appended as a
correction, which takes the effect of the receipt that it corrects.  History stays, the time of
arrival is that of the original, and doing it again changes nothing more.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from functools import partial

from hub.accounts import Account, Accounts
from hub.database import Store
from hub.errors import NotFound
from hub.intake.adapters import all_adapters
from hub.intake.adapters.adapter import Adapter, Reason
from hub.intake.codes import Codes
from hub.intake.reading import BodyReader, Reading
from hub.log import Arrival, Committer, QuarantineItem, ReceiptLog, Writer, stored
from hub.receipt import Entry, Micros, Receipt, Status
from hub.telemetry import Metrics

_PAGE = 100
_BODIES = 10
"""Callbacks that are held at once, with their bodies."""
_IDENTITY = {"message_id", "recipient", "raw_time", "raw_segments", "corrects"}
"""Fields that tell which receipt it is."""
COMPARED = tuple(one.name for one in fields(Receipt) if one.name not in _IDENTITY)
"""Fields in which today's reading of a receipt may differ from the log's."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became, or would become, of one thing in quarantine.  Holds no part of the data."""

    id: int
    provider: str
    reason: str
    """Why it is in quarantine."""
    problem: str = ""
    """Why it, or too much of it, still cannot be read; empty where it can."""
    receipts: int = 0
    """Receipts that the log did not have."""
    known: int = 0
    """Receipts that the log had already."""
    unread: int = 0
    """
    Items of a body that still cannot be read: each is in quarantine for itself then, or the body
    stays there where they are too many.
    """
    statuses: Mapping[Status, int] = field(default_factory=dict)
    """Of all its receipts."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One receipt that reads differently today."""

    position: int | None
    """The receipt as the log has it, or its last correction; None for one that it does not have."""
    before: Status | None
    after: Status
    fields: tuple[str, ...]
    """Which fields differ; empty for a receipt that the log does not have."""


@dataclass(frozen=True, slots=True)
class Reread:
    """What reading one stored callback again showed."""

    callback: int
    received_at: Micros
    problem: str
    """Why today's adapter cannot read it; empty where it can."""
    differences: list[Difference]


class Replay:
    """Reads kept bytes again.  With *dry_run*, nothing is written."""

    def __init__(
        self, store: Store, writer: Writer, accounts: Mapping[str, Account], codes: Codes
    ) -> None:
        self._store, self._writer, self._accounts = store, writer, accounts
        self._reader = BodyReader(codes)
        self._log = ReceiptLog(store)
        self._adapters = all_adapters()

    async def quarantine(
        self, *, provider: str = "", reason: str = "", dry_run: bool
    ) -> AsyncIterator[Replayed]:
        """Replay what is in quarantine and not resolved, oldest first; empty names mean any."""
        after = 0
        while True:
            find = partial(
                stored.unresolved, provider=provider, reason=reason, after=after, limit=_PAGE
            )
            items = await self._log.snapshot(find)
            if not items:
                return
            for item in items:
                yield await self._replay(item, dry_run=dry_run)
            after = items[-1].id

    async def callbacks(
        self, *, provider: str, since: Micros, dry_run: bool
    ) -> AsyncIterator[Reread]:
        """
        Read the stored callbacks of *provider* received at *since* or later again, oldest first.
        Raises `NotFound` where there is no such provider.
        """
        account = self._accounts.get(provider)
        if account is None:
            message = f"there is no provider named {provider}"
            raise NotFound(message)
        after, seen = 0, set[int]()
        while True:
            find = partial(
                stored.callbacks, provider=account.id, since=since, after=after, limit=_BODIES
            )
            page = await self._log.snapshot(find)
            if not page:
                return
            for callback in page:
                yield await self._reread(account, callback, seen, dry_run=dry_run)
            after = page[-1].id

    async def _replay(self, item: QuarantineItem, *, dry_run: bool) -> Replayed:
        result = Replayed(item.id, item.provider, item.reason)
        account = self._accounts[item.provider]
        raw = (await self._log.raw_bytes([item.id])).get(item.id, b"")
        read = await self._read(account, raw, item.headers, whole=item.whole)
        if read.problem or (read.unread and not item.whole):
            problem = read.problem or read.unread[0].reason
            return replace(result, problem=problem.value)
        logged = await self._logged(account, read.receipts)
        fresh = [each for each, entry in zip(read.receipts, logged, strict=True) if entry is None]
        result = replace(
            result,
            problem=Reason.TOO_MANY.value if read.too_many_unread else "",
            receipts=len(fresh),
            known=len(logged) - len(fresh),
            unread=len(read.unread),
            statuses=Counter(receipt.status for receipt in read.receipts),
        )
        if not dry_run and not await self._append(account, item, raw, read, fresh):
            return replace(result, problem="REFUSED_BY_STORE")
        return result

    async def _append(
        self,
        account: Account,
        item: QuarantineItem,
        raw: bytes,
        read: Reading,
        fresh: list[Receipt],
    ) -> bool:
        """Append the *fresh* receipts of *item* and mark it; whether the store took them."""
        unreadable = [] if read.too_many_unread else read.unreadable(raw)
        if fresh or unreadable:
            outcome = await self._writer.write(
                Arrival(
                    provider_id=account.id,
                    provider=account.name,
                    adapter=self._adapter_name(account),
                    received_at=item.first_seen_at,
                    body=raw,
                    headers=item.headers,
                    receipts=fresh,
                    unreadable=unreadable,
                    callback=item.callback,
                )
            )
            if outcome.receipts + outcome.duplicates < len(fresh):
                return False
        if not read.too_many_unread:
            await stored.resolve(self._store, item.id)
        return True

    async def _reread(
        self, account: Account, callback: stored.StoredCallback, seen: set[int], *, dry_run: bool
    ) -> Reread:
        read = await self._read(account, callback.body, callback.headers, whole=True)
        if read.problem:
            return Reread(callback.id, callback.received_at, read.problem.value, [])
        logged = await self._logged(account, read.receipts)
        differences, receipts = [], []
        for receipt, entry in zip(read.receipts, logged, strict=True):
            if (difference := _difference(receipt, entry)) and difference.position not in seen:
                differences.append(difference)
                receipts.append(replace(receipt, corrects=difference.position))
                if difference.position is not None:
                    seen.add(difference.position)
        if receipts and not dry_run:
            await self._writer.write(
                Arrival(
                    provider_id=account.id,
                    provider=account.name,
                    adapter=self._adapter_name(account),
                    received_at=callback.received_at,
                    body=callback.body,
                    headers=callback.headers,
                    receipts=receipts,
                    callback=callback.id,
                )
            )
        return Reread(callback.id, callback.received_at, "", differences)

    async def _logged(self, account: Account, receipts: list[Receipt]) -> list[Entry | None]:
        find = partial(stored.as_logged, provider=account.id, receipts=receipts)
        return await self._log.snapshot(find)

    async def _read(
        self, account: Account, raw: bytes, headers: Mapping[str, str], *, whole: bool
    ) -> Reading:
        adapter: Adapter | None = self._adapters.get(account.adapter)
        if adapter is None:
            return Reading(problem=Reason.NO_ADAPTER)
        try:
            body = raw if whole else adapter.envelope(raw)
            return await self._reader.read(adapter, account, body, headers)
        except Exception:  # noqa: BLE001  one body must not end the replay of the others
            return Reading(problem=Reason.FAULT)

    def _adapter_name(self, account: Account) -> str:
        return f"{account.adapter}/{self._adapters[account.adapter].VERSION}"


@asynccontextmanager
async def replaying(store: Store) -> AsyncIterator[Replay]:
    """A replay on *store*, beside running hubs or without one; they see what it appends."""
    settings = store.settings
    accounts = Accounts(store, settings.account_refresh_seconds)
    await accounts.load()
    committer = Committer(store)
    writer = Writer(
        committer, batch=settings.commit_batch, queue=settings.commit_queue, metrics=Metrics()
    )
    codes = Codes.load(settings.codes_file)
    work = asyncio.create_task(writer.run())
    try:
        yield Replay(store, writer, accounts.named(), codes)
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


def _difference(receipt: Receipt, entry: Entry | None) -> Difference | None:
    if entry is None:
        return Difference(None, None, receipt.status, ())
    differing = tuple(
        name for name in COMPARED if _given(getattr(receipt, name)) != _given(getattr(entry, name))
    )
    return (
        Difference(entry.position, entry.status, receipt.status, differing) if differing else None
    )


def _given(value: object) -> object:
    return None if value == "" else value
