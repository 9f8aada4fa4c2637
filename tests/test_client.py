"""The client, against a real hub."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub import client as hub_client
from hub.access import Scope
from hub.accounts.administration import Administration, NewConsumer
from hub.client import Client, ReceiptFilter, Tls, Unavailable
from hub.client import blocking as blocking_client
from hub.client.errors import HubCallError
from hub.errors import HubError
from hub.grpc.errors import ANSWERS
from hub.settings import Settings
from hub.subscriptions import administration, parked
from hub.subscriptions.state import states
from tests.calling import PATIENCE, Running, run
from tests.certificates import authority
from tests.conftest import quick_settings
from tests.making import receipt
from tests.test_grpc_transport import needs_openssl

READ_WRITE = (Scope.RECEIPTS_READ, Scope.SUBSCRIPTIONS_WRITE)


@asynccontextmanager
async def connected(
    hub: Running, *scopes: Scope, name: str = "service", **options: Any
) -> AsyncIterator[Client]:
    token = await Administration(hub.hub.store).add_consumer(
        NewConsumer(name=name, scopes=scopes or READ_WRITE)
    )
    async with Client(hub.hub.grpc_address, token, **options) as client:
        yield client


async def take(receipts: Any, count: int) -> list[int]:
    async with asyncio.timeout(PATIENCE):
        return [(await anext(receipts)).position for _ in range(count)]


def test_every_reason_of_the_hub_is_an_exception_of_the_client() -> None:
    ours = {kind.reason for kind in ANSWERS} - {"START", "TOO_COMPLEX"}
    assert ours == {kind.reason for kind in _children(HubCallError) if kind.reason}
    assert HubError.reason in ours


def _children(kind: type[HubCallError]) -> set[type[HubCallError]]:
    return {kind}.union(*(_children(child) for child in kind.__subclasses__()))


def test_the_client_needs_nothing_of_the_server() -> None:
    code = (
        "import sys, hub.client, hub.client.blocking\n"
        "unwanted = {'fastapi', 'sqlalchemy', 'sqlmodel', 'strawberry', 'pydantic', 'uvicorn',"
        " 'typer', 'structlog', 'phonenumbers'}\n"
        "ours = {name for name in sys.modules if name.startswith('hub.')}\n"
        "print(sorted(unwanted & set(sys.modules)),"
        " sorted(n for n in ours if not n.startswith(('hub.client', 'hub.v1'))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout.strip() in {
        "[] []",
        "['structlog'] []",
    }  # stamina logs with it if it is there


async def test_a_stream_gives_each_receipt_once_across_restarts_of_the_hub(
    tmp_path: Path,
) -> None:
    settings = quick_settings(tmp_path)
    async with run(settings) as hub:
        port = int(hub.hub.grpc_address.rpartition(":")[2])
        token = await Administration(hub.hub.store).add_consumer(NewConsumer(name="service"))
        await hub.post(receipt("m1"), receipt("m2"))
        client = Client(hub.hub.grpc_address, token)
        batches = client.stream(start_at="earliest", max_batch_size=1)
        seen = [r.position for r in (await anext(batches)).receipts]
    async with run(quick_settings(tmp_path, grpc_port=port)) as hub:
        await hub.post(receipt("m3"))
        async with asyncio.timeout(PATIENCE):
            async for batch in batches:
                seen += [r.position for r in batch.receipts]
                if len(seen) == 3:
                    break
        await batches.aclose()
        await client.close()
    assert seen == [1, 2, 3]


async def test_a_batch_says_where_it_stands(settings: Settings) -> None:
    async with run(settings) as hub, connected(hub) as client:
        await hub.post(receipt("m1"), receipt("m2"))
        await hub.seen(2)
        batches = [
            batch
            async for batch in client.stream(
                start_at="earliest", stop_at_head=True, max_batch_size=1
            )
        ]
        assert [batch.cursor for batch in batches] == [f"{hub.hub.feed.epoch}:{n}" for n in (1, 2)]
        assert [batch.lag for batch in batches] == [1, 0]
        assert [batch.caught_up for batch in batches] == [False, True]
        assert batches[0].server_time.tzinfo is UTC


async def test_starts_and_filters_are_passed_on(settings: Settings) -> None:
    async with run(settings) as hub, connected(hub) as client:
        await hub.post(receipt("m1"), receipt("m2"))
        head = (await client.log()).head
        await hub.post(receipt("m3"), receipt("m4"))

        async def positions(**wanted: Any) -> list[int]:
            batches = client.stream(stop_at_head=True, **wanted)
            return [r.position async for batch in batches for r in batch.receipts]

        assert await positions(after=head) == [3, 4]
        assert await positions(since=datetime(2020, 1, 1, tzinfo=UTC)) == [1, 2, 3, 4]
        assert await positions(start_at="latest") == []
        wanted = ReceiptFilter(message_ids=["m2", "m3"])
        assert await positions(start_at="earliest", filter=wanted) == [2, 3]
        with pytest.raises(ValueError, match="time zone"):
            client.stream(since=datetime(2020, 1, 1))  # noqa: DTZ001
        with pytest.raises(ValueError, match="not both"):
            client.stream(after=head, since=datetime.now(UTC))


async def test_what_reconnecting_does_not_cure_is_raised(settings: Settings) -> None:
    async with run(settings) as hub, connected(hub) as client:
        with pytest.raises(hub_client.CursorForeign):
            await anext(client.stream(after="another:1"))
        with pytest.raises(hub_client.CursorInvalid) as invalid:
            await anext(client.stream(after="nonsense"))
        assert invalid.value.fields == ("after",)
        with pytest.raises(hub_client.Forbidden):
            await anext(client.stream(filter=ReceiptFilter(recipients=["13800138000"])))
        await Administration(hub.hub.store).revoke_consumer("service")
        with pytest.raises(hub_client.Unauthenticated):
            async with asyncio.timeout(PATIENCE):
                async for _ in client.stream():
                    pass


async def test_a_hub_that_does_not_answer_is_given_up_after_a_while() -> None:
    async with Client("127.0.0.1:1", "token", patience_seconds=0.5) as client:
        with pytest.raises(hub_client.Unavailable):
            await anext(client.stream())
        with pytest.raises(hub_client.Unavailable):
            await client.log()
        with pytest.raises(hub_client.Unavailable):
            await anext(client.subscription("billing"))


async def test_whoever_asks_is_told_why_a_stream_is_begun_again(tmp_path: Path) -> None:
    told: list[Unavailable] = []
    async with run(quick_settings(tmp_path)) as hub:
        port = int(hub.hub.grpc_address.rpartition(":")[2])
        token = await Administration(hub.hub.store).add_consumer(
            NewConsumer(name="service", scopes=READ_WRITE)
        )
        client = Client(hub.hub.grpc_address, token, on_unavailable=told.append)
        batches, receipts = client.stream(), client.subscription("billing", start_at="earliest")
        await hub.post(receipt("m1"))
        await anext(batches)
        assert await take(receipts, 1) == [1]
        assert told == []
    async with run(quick_settings(tmp_path, grpc_port=port)):
        async with asyncio.timeout(PATIENCE):
            while not told:  # frames from before the end may come first
                await anext(batches)
        told.clear()
        assert await take(receipts, 1) == [1]
        assert told
        await batches.aclose()
        await receipts.close()
        await client.close()


async def test_whoever_is_told_may_end_the_waiting() -> None:
    class Enough(Exception):
        pass

    def end(error: Unavailable) -> None:
        raise Enough from error

    async with Client("127.0.0.1:1", "token", patience_seconds=None, on_unavailable=end) as client:
        with pytest.raises(Enough):
            await anext(client.stream())
        with pytest.raises(Enough):
            await client.log()


async def test_a_stream_that_goes_silent_is_noticed_and_begun_again(tmp_path: Path) -> None:
    settings = quick_settings(tmp_path, heartbeat_seconds=60)
    async with run(settings) as hub, connected(hub, silence_seconds=0.5) as client:
        batches = client.stream()
        first = await anext(batches)
        async with asyncio.timeout(PATIENCE):
            again = await anext(batches)
        assert again.cursor == first.cursor
        await batches.aclose()


async def test_a_hub_that_says_nothing_at_all_is_silent() -> None:
    async def mute(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\0\0\0\4\0\0\0\0\0")  # HTTP/2 settings, and then nothing
        await over.wait()
        writer.close()
        await writer.wait_closed()

    over = asyncio.Event()
    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Client(
        f"127.0.0.1:{port}", "token", silence_seconds=0.3, patience_seconds=0.5
    ) as client:
        with pytest.raises(hub_client.SilentStream):
            await anext(client.stream())
    over.set()
    server.close()


async def test_a_subscription_goes_on_where_it_was_acknowledged(any_settings: Settings) -> None:
    async with run(any_settings) as hub, connected(hub) as client:
        await hub.post(*(receipt(f"m{number}") for number in range(5)))
        async with client.subscription("billing", start_at="earliest") as receipts:
            assert await take(receipts, 3) == [1, 2, 3]
            await receipts.ack()
            assert await take(receipts, 1) == [4]
        assert receipts.acked == f"{hub.hub.feed.epoch}:3"
        async with client.subscription("billing") as receipts:
            assert await take(receipts, 2) == [4, 5]
            await receipts.ack()


async def test_a_subscription_survives_a_restart_of_the_hub(tmp_path: Path) -> None:
    async with run(quick_settings(tmp_path)) as hub:
        port = int(hub.hub.grpc_address.rpartition(":")[2])
        token = await Administration(hub.hub.store).add_consumer(
            NewConsumer(name="service", scopes=READ_WRITE)
        )
        await hub.post(*(receipt(f"m{number}") for number in range(4)))
        client = Client(hub.hub.grpc_address, token)
        receipts = client.subscription("billing", start_at="earliest", max_unacked=2)
        assert await take(receipts, 2) == [1, 2]
        await receipts.ack()
        assert await take(receipts, 1) == [3]
        async with asyncio.timeout(PATIENCE):
            while (await states(hub.hub.store))[0].acked < 2:
                await asyncio.sleep(0.05)
    async with run(quick_settings(tmp_path, grpc_port=port)):
        await receipts.ack()  # of a stream that is gone: 3 comes again
        assert sorted(await take(receipts, 2)) == [3, 4]
        await receipts.close()
        await client.close()


async def test_a_receipt_that_cannot_be_processed_is_parked(settings: Settings) -> None:
    async with run(settings) as hub, connected(hub) as client:
        await hub.post(*(receipt(f"m{number}") for number in range(3)))
        async with client.subscription("billing", start_at="earliest") as receipts:
            async with asyncio.timeout(PATIENCE):
                async for each in receipts:
                    if each.message_id == "m1":
                        await receipts.park("no such order")
                    await receipts.ack()
                    if each.position == 3:
                        break
        [aside] = await parked.listing(hub.hub.store)
        assert (aside.position, aside.reason) == (2, "no such order")
        [listed] = await states(hub.hub.store)
        assert (listed.acked, listed.parked) == (3, 1)


async def test_a_second_reader_waits_and_takes_over(settings: Settings) -> None:
    async with run(settings) as hub, connected(hub) as client:
        await hub.post(*(receipt(f"m{number}") for number in range(2)))
        async with client.subscription("billing", start_at="earliest") as second:
            async with client.subscription("billing", start_at="earliest") as first:
                assert await take(first, 1) == [1]
                await first.ack()
                waiting = asyncio.create_task(anext(second))
                async with asyncio.timeout(PATIENCE):
                    while not second.standby:
                        await asyncio.sleep(0.05)
            async with asyncio.timeout(PATIENCE):
                assert (await waiting).position == 2


async def test_a_reader_that_was_replaced_is_told(settings: Settings) -> None:
    async with run(settings) as hub, connected(hub) as client:
        await hub.post(*(receipt(f"m{number}") for number in range(2)))
        async with client.subscription("billing", start_at="earliest") as receipts:
            await take(receipts, 2)
            await administration.reset(hub.hub.store, "service", "billing", 0)
            with pytest.raises(hub_client.Fenced):
                async with asyncio.timeout(PATIENCE):
                    while True:
                        await receipts.ack()
                        await asyncio.sleep(0.05)
        async with client.subscription("billing", start_at="earliest") as receipts:
            assert await take(receipts, 2) == [1, 2]


async def test_another_filter_than_at_creation_is_refused(settings: Settings) -> None:
    async with run(settings) as hub, connected(hub) as client:
        await hub.post(receipt("m1"))
        async with client.subscription("billing", start_at="earliest") as receipts:
            await take(receipts, 1)
        other = ReceiptFilter(applied_only=True)
        async with client.subscription("billing", filter=other) as receipts:
            with pytest.raises(hub_client.SubscriptionMismatch):
                await take(receipts, 1)


async def test_pages_and_messages_are_read(settings: Settings) -> None:
    async with run(settings) as hub, connected(hub) as client:
        await hub.post(*(receipt(f"m{number}") for number in range(150)))
        down = [r.position async for r in client.receipts()]
        assert down == list(range(150, 0, -1))
        up = [r.position async for r in client.receipts(oldest_first=True)]
        assert up == down[::-1]
        message = await client.message(provider="p1", message_id="m7")
        assert message is not None
        assert [r.position for r in message.receipts] == [8]
        assert await client.message(provider="p1", message_id="nobody") is None


async def test_the_blocking_face_reads_the_same(settings: Settings) -> None:
    async with run(settings) as hub:
        token = await Administration(hub.hub.store).add_consumer(
            NewConsumer(name="script", scopes=READ_WRITE)
        )
        await hub.post(*(receipt(f"m{number}") for number in range(3)))
        script = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _SCRIPT, hub.hub.grpc_address, token,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(30):
            out, _ = await script.communicate()
        assert out.decode().split("\n")[:-1] == ["1 2 3", "3 2 1", "1", "2 3", "None"]
    assert blocking_client.Client.__doc__


_SCRIPT = """
import sys
from hub.client.blocking import Client
with Client(*sys.argv[1:]) as client:
    batches = client.stream(start_at="earliest", stop_at_head=True)
    print(*(r.position for batch in batches for r in batch.receipts))
    print(*(r.position for r in client.receipts()))
    with client.subscription("script", start_at="earliest") as receipts:
        print(next(receipts).position)
        receipts.ack()
    with client.subscription("script") as receipts:
        print(next(receipts).position, next(receipts).position)
    print(client.message(provider="p1", message_id="nobody"))
"""


@needs_openssl
async def test_the_client_speaks_mutual_tls(tmp_path: Path) -> None:
    issuer = authority(tmp_path / "ca")
    files = {name: tmp_path / name for name in ("hub.pem", "hub.key", "me.pem", "me.key")}
    issuer.issue("hub", files["hub.pem"], files["hub.key"])
    issuer.issue("me", files["me.pem"], files["me.key"])
    settings = quick_settings(
        tmp_path,
        grpc_tls_certificate=files["hub.pem"],
        grpc_tls_key=files["hub.key"],
        grpc_tls_client_ca=issuer.certificate,
    )
    tls = Tls(issuer.certificate, files["me.pem"], files["me.key"])
    async with run(settings) as hub, connected(hub, tls=tls) as client:
        assert (await client.log()).epoch == hub.hub.feed.epoch
