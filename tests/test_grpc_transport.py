"""Health, reflection, TLS, keepalive and sizes of the gRPC port."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from hub.accounts.administration import Administration, NewConsumer
from hub.errors import StartError
from hub.grpc.health import SERVICE
from hub.receipt import Status
from hub.service import running
from hub.settings import Settings
from hub.v1 import receipts_pb2 as pb
from tests.calling import Caller, Running, read, refused, run
from tests.certificates import authority
from tests.conftest import quick_settings
from tests.making import receipt

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="certificates are made with openssl"
)


@asynccontextmanager
async def plain(hub: Running) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(hub.hub.grpc_address) as channel:
        yield channel


@pytest.mark.parametrize("service", ["", SERVICE])
async def test_health_needs_no_token_and_says_first_that_the_hub_is_leaving(
    settings: Settings, service: str
) -> None:
    told: list[str] = []
    async with AsyncExitStack() as clients, asyncio.TaskGroup() as reading:
        async with run(settings) as hub:
            channel = await clients.enter_async_context(plain(hub))
            caller = await clients.enter_async_context(hub.caller())
            watch = health_pb2_grpc.HealthStub(channel).Watch(
                health_pb2.HealthCheckRequest(service=service)
            )
            stream = caller.stream()
            assert (await read(watch)).status == SERVING
            assert (await read(stream)).caught_up

            async def health() -> None:
                assert (await read(watch)).status == NOT_SERVING
                told.append("not serving")

            async def streams() -> None:
                assert (await refused(stream)).reason == "DRAINING"
                told.append("draining")

            reading.create_task(health())
            reading.create_task(streams())
    assert told == ["not serving", "draining"]


async def test_an_unknown_service_has_no_health(settings: Settings) -> None:
    async with run(settings) as hub, plain(hub) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            await stub.Check(health_pb2.HealthCheckRequest(service="nobody"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def reflection(channel: grpc.aio.Channel, version: str) -> Any:
    """The call that describes the server, as clients of *version* make it."""
    return channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_the_service_describes_itself_without_a_token(
    settings: Settings, version: str
) -> None:
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE)
    async with run(settings) as hub, plain(hub) as channel:
        call = reflection(channel, version)
        answer = await read(call(iter([request])))
        assert b"StreamReceiptsRequest" in b"".join(
            answer.file_descriptor_response.file_descriptor_proto
        )


async def test_reflection_can_be_switched_off(tmp_path: Path) -> None:
    async with run(quick_settings(tmp_path, grpc_reflection=False)) as hub, plain(hub) as channel:
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        with pytest.raises(grpc.RpcError) as caught:
            await read(reflection(channel, "v1alpha")(iter([request])))
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_port_in_use_is_named_by_its_variable(tmp_path: Path, settings: Settings) -> None:
    async with run(settings) as hub:
        port = int(hub.hub.grpc_address.rpartition(":")[2])
        other = quick_settings(tmp_path / "other", grpc_port=port)
        with pytest.raises(BaseExceptionGroup) as caught:
            async with running(other):
                pass
        [error] = caught.value.exceptions
        assert isinstance(error, StartError)
        assert "HUB_GRPC_PORT" in str(error)


async def test_clients_may_ping_every_ten_seconds_without_calls(settings: Settings) -> None:
    pings: list[tuple[str, Any]] = [
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    async with run(settings) as hub:
        token = await Administration(hub.hub.store).add_consumer(NewConsumer(name="pinging"))
        async with grpc.aio.insecure_channel(hub.hub.grpc_address, options=pings) as channel:
            caller = Caller(channel, token)
            await caller.stub.GetLog(pb.GetLogRequest(), metadata=caller.auth)
            idle_for_three_pings = 32
            states = asyncio.create_task(_first_other_state(channel))
            done, _ = await asyncio.wait({states}, timeout=idle_for_three_pings)
            states.cancel()
            assert not done
            await caller.stub.GetLog(pb.GetLogRequest(), metadata=caller.auth)


async def _first_other_state(channel: grpc.aio.Channel) -> None:
    await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)


async def test_a_request_over_the_limit_is_refused(tmp_path: Path) -> None:
    settings = quick_settings(tmp_path, grpc_max_message_bytes=65_536)
    async with run(settings) as hub, hub.caller() as caller:
        long = pb.ReceiptFilter(message_ids=["x" * 70_000])
        with pytest.raises(grpc.RpcError) as caught:
            await caller.page(filter=long)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_frames_and_pages_stay_below_what_clients_take(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        for _ in range(2):
            await hub.post(
                *(receipt(f"m{n}", Status.SENT, client_reference="x" * 9000) for n in range(400))
            )
        frames = await caller.stored(max_batch_size=1000)
        assert len(frames) > 1
        assert frames[-1].caught_up
        found: list[int] = []
        token = ""
        while token or not found:
            page = await caller.page(page_size=1000, page_token=token, order=pb.ORDER_OLDEST_FIRST)
            found += [r.position for r in page.receipts]
            token = page.next_page_token
        head = (await hub.hub.log.bounds()).head
        assert found == list(range(1, head + 1))
        assert [r.position for f in frames for r in f.receipts] == found


async def test_compressed_requests_are_taken(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        request = pb.ListReceiptsRequest(filter=pb.ReceiptFilter(message_ids=["x" * 500] * 10))
        page = await caller.stub.ListReceipts(
            request, metadata=caller.auth, compression=grpc.Compression.Gzip
        )
        assert not page.receipts


async def test_a_deadline_ends_a_stream(settings: Settings) -> None:
    async with run(settings) as hub, hub.caller() as caller:
        call = caller.stub.StreamReceipts(
            pb.StreamReceiptsRequest(), metadata=caller.auth, timeout=0.5
        )
        told = await refused(call)
        assert told.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_reader_that_takes_nothing_is_ended_and_told(tmp_path: Path) -> None:
    settings = quick_settings(tmp_path, slow_reader_seconds=0.5)
    async with run(settings) as hub, hub.caller() as caller:
        for batch in range(15):
            await hub.post(
                *(receipt(f"m{batch}-{n}", client_reference="x" * 9000) for n in range(100))
            )
        call = caller.stream(start_at=pb.START_AT_EARLIEST)
        await read(call)
        ended = hub.hub.metrics.streams_ended.labels("grpc", "SLOW_READER")
        async with asyncio.timeout(15):
            while not ended._value.get():
                await asyncio.sleep(0.05)
        told = await refused(call)
        assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER")
        assert told.retry
        assert await caller.stored()


@needs_openssl
async def test_tls_serves_those_who_trust_it_and_takes_new_certificates_at_once(
    tmp_path: Path,
) -> None:
    first, second = authority(tmp_path / "first"), authority(tmp_path / "second")
    certificate, key = tmp_path / "hub.pem", tmp_path / "hub.key"
    first.issue("hub", certificate, key)
    settings = quick_settings(tmp_path, grpc_tls_certificate=certificate, grpc_tls_key=key)
    async with run(settings) as hub:
        assert await _reaches(hub, first.certificate.read_bytes())
        assert not await _reaches(hub, second.certificate.read_bytes())
        key.write_text("half a file")
        assert await _reaches(hub, first.certificate.read_bytes())
        second.issue("hub", certificate, key)
        assert await _reaches(hub, second.certificate.read_bytes())
        assert not await _reaches(hub, first.certificate.read_bytes())


@needs_openssl
async def test_mutual_tls_takes_only_clients_of_its_authority(tmp_path: Path) -> None:
    ours, theirs = authority(tmp_path / "ours"), authority(tmp_path / "theirs")
    certificate, key = tmp_path / "hub.pem", tmp_path / "hub.key"
    ours.issue("hub", certificate, key)
    settings = quick_settings(
        tmp_path,
        grpc_tls_certificate=certificate,
        grpc_tls_key=key,
        grpc_tls_client_ca=ours.certificate,
    )
    roots = ours.certificate.read_bytes()
    async with run(settings) as hub:
        assert not await _reaches(hub, roots)
        for issuer, taken in ((ours, True), (theirs, False)):
            pem, pem_key = tmp_path / "client.pem", tmp_path / "client.key"
            issuer.issue("client", pem, pem_key)
            identity = (pem_key.read_bytes(), pem.read_bytes())
            assert await _reaches(hub, roots, *identity) is taken


@needs_openssl
async def test_a_certificate_that_does_not_fit_its_key_is_refused_at_start(tmp_path: Path) -> None:
    issuer = authority(tmp_path / "ca")
    certificate, key = tmp_path / "hub.pem", tmp_path / "hub.key"
    issuer.issue("hub", certificate, tmp_path / "another.key")
    issuer.issue("hub", tmp_path / "another.pem", key)
    settings = quick_settings(tmp_path, grpc_tls_certificate=certificate, grpc_tls_key=key)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with running(settings):
            pass
    assert "HUB_GRPC_TLS_CERTIFICATE" in str(caught.value.exceptions[0])


async def _reaches(
    hub: Running, roots: bytes, key: bytes | None = None, chain: bytes | None = None
) -> bool:
    credentials = grpc.ssl_channel_credentials(roots, key, chain)
    options = [("grpc.use_local_subchannel_pool", 1)]
    address = hub.hub.grpc_address
    async with grpc.aio.secure_channel(address, credentials, options=options) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        except grpc.RpcError:
            return False
        return True
