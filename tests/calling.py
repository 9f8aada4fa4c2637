"""A running hub, called over gRPC as a service would call it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from hub.access import Scope
from hub.accounts.administration import Administration, NewConsumer, NewProvider
from hub.receipt import Receipt
from hub.service import Hub, running
from hub.settings import Settings
from hub.v1 import receipts_pb2 as pb
from hub.v1 import receipts_pb2_grpc
from tests.making import arrival

PATIENCE = 15.0
"""Seconds that a test waits for something before it fails."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a call failed, as a program sees it."""

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: dict[str, str]
    fields: list[str]
    retry: bool


def refusal(error: grpc.RpcError) -> Refusal:
    """What *error* says in its details."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    kinds = [detail.TypeName() for detail in status.details] if status else []
    for detail in status.details if status else ():
        detail.Unpack(info)
        detail.Unpack(bad)
    return Refusal(
        error.code(),
        error.details() or "",
        info.reason,
        dict(info.metadata),
        [violation.field for violation in bad.field_violations],
        "google.rpc.RetryInfo" in kinds,
    )


async def refused(call: Any) -> Refusal:
    """How *call*, a call or a stream, fails."""
    try:
        async with asyncio.timeout(PATIENCE):
            if hasattr(call, "read"):
                while await call.read() is not grpc.aio.EOF:
                    pass
            else:
                await call
    except grpc.RpcError as error:
        return refusal(error)
    msg = "the call was not refused"
    raise AssertionError(msg)


class Caller:
    """One consumer and its channel."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self.token = token
        self.auth = (("authorization", f"Bearer {token}"),)
        self.stub = receipts_pb2_grpc.ReceiptServiceStub(channel)

    async def page(self, **fields: Any) -> pb.ListReceiptsResponse:
        """The answer of ListReceipts."""
        request = pb.ListReceiptsRequest(**fields)
        return await self.stub.ListReceipts(request, metadata=self.auth)  # type: ignore[no-any-return]

    def stream(self, **fields: Any) -> Any:
        """A call of StreamReceipts."""
        return self.stub.StreamReceipts(pb.StreamReceiptsRequest(**fields), metadata=self.auth)

    async def stored(self, **fields: Any) -> list[pb.StreamReceiptsResponse]:
        """All frames up to the head, from the earliest if nothing else is said."""
        if not {"after", "since", "start_at"} & set(fields):
            fields["start_at"] = pb.START_AT_EARLIEST
        async with asyncio.timeout(PATIENCE):
            return [frame async for frame in self.stream(stop_at_head=True, **fields)]


async def read(call: Any) -> Any:
    """The next message of the stream *call*."""
    async with asyncio.timeout(PATIENCE):
        return await call.read()


async def read_receipts(call: Any, count: int) -> list[pb.Receipt]:
    """The next *count* receipts of the stream *call*, however they are framed."""
    found: list[pb.Receipt] = []
    until = asyncio.get_running_loop().time() + PATIENCE
    while len(found) < count:
        assert asyncio.get_running_loop().time() < until, f"only {len(found)} receipts came"
        found += (await read(call)).receipts
    return found


def positions(frames: Sequence[Any]) -> list[int]:
    """The positions in *frames*, in their order."""
    return [receipt.position for frame in frames for receipt in frame.receipts]


@dataclass(frozen=True, slots=True)
class Running:
    """A hub with the provider accounts p1 and p2."""

    hub: Hub

    async def post(self, *receipts: Receipt, provider: int = 1) -> None:
        """Commit one callback."""
        await self.hub.writer.write(arrival(*receipts, provider=provider, name=f"p{provider}"))

    async def seen(self, head: int) -> None:
        """Wait until readers can have the log up to *head*."""
        async with asyncio.timeout(PATIENCE):
            while self.hub.feed.head < head:
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def caller(
        self, *scopes: Scope, providers: tuple[str, ...] | None = None, name: str = "service"
    ) -> AsyncIterator[Caller]:
        """A new consumer with a channel; with `receipts:read` if no scope is named."""
        token = await Administration(self.hub.store).add_consumer(
            NewConsumer(name=name, scopes=scopes or (Scope.RECEIPTS_READ,), providers=providers)
        )
        async with grpc.aio.insecure_channel(self.hub.grpc_address) as channel:
            yield Caller(channel, token)


@asynccontextmanager
async def run(settings: Settings) -> AsyncIterator[Running]:
    """Run a hub."""
    async with running(settings) as hub:
        register = Administration(hub.store)
        taken = {row.name for row in await register.providers()}
        for name in sorted({"p1", "p2"} - taken):
            await register.add_provider(NewProvider(name=name, adapter="lushang"))
        await hub.accounts.load()
        yield Running(hub)
