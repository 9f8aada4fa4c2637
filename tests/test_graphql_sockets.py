"""graphql-transport-ws: the protocol, closing codes, tokens on open sockets."""

import asyncio
import time
from typing import Any

import pytest
import websockets

from hub.accounts.administration import Administration
from hub.graphql.transport import sockets
from hub.receipt import Status
from hub.settings import Settings
from tests.asking import WAIT, Asking, Socket, asking
from tests.conftest import quick_settings
from tests.making import receipt

LIVE = """subscription Live($after: Cursor, $filter: ReceiptFilter, $batchSize: Int = 100) {
  receipts(after: $after, filter: $filter, batchSize: $batchSize) {
    cursor lag caughtUp receipts { position messageId recipient }
  }
}"""
MESSAGE = """subscription Message($k: String, $p: String, $m: String, $r: String) {
  message(messageKey: $k, provider: $p, messageId: $m, recipient: $r) { status receiptCount }
}"""


async def test_a_subscription_meets_the_present_and_goes_on(any_settings: Settings) -> None:
    five = [receipt(f"m{n}") for n in range(5)]
    async with asking(any_settings, five) as hub, hub.socket() as socket:
        await socket.subscribe(LIVE, after=await hub.cursor(0), batchSize=2)
        assert await socket.positions(5) == [1, 2, 3, 4, 5]
        await hub.post(receipt("m5"))
        batch = await socket.next()
        assert [r["messageId"] for r in batch["receipts"]] == ["m5"]
        assert batch["cursor"] == await hub.cursor(6)
        assert (batch["lag"], batch["caughtUp"]) == ("0", True)


async def test_without_a_cursor_it_starts_now_and_the_first_batch_comes_at_once(
    settings: Settings,
) -> None:
    async with asking(settings, [receipt("old")]) as hub, hub.socket() as socket:
        await socket.subscribe(LIVE)
        first = await socket.next()
        assert first["receipts"] == []
        assert first["cursor"] == await hub.cursor(1)
        await hub.post(receipt("new"))
        assert await socket.positions(1) == [2]


async def test_a_filter_that_matches_nothing_still_moves_the_cursor(settings: Settings) -> None:
    async with asking(settings) as hub, hub.socket() as socket:
        await socket.subscribe(LIVE, filter={"statuses": ["EXPIRED"]})
        await hub.post(receipt("m1"))
        while (batch := await socket.next())["cursor"] != await hub.cursor(1):
            assert batch["receipts"] == []


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"after": "nonsense"}, "CURSOR_INVALID"),
        ({"after": ""}, "CURSOR_INVALID"),
        ({"after": "other:0"}, "CURSOR_FOREIGN"),
        ({"batchSize": 0}, "BAD_USER_INPUT"),
        ({"batchSize": 1001}, "BAD_USER_INPUT"),
        ({"after": 5}, "BAD_USER_INPUT"),
    ],
)
async def test_an_operation_that_cannot_start_ends_with_an_error(
    settings: Settings, variables: dict[str, Any], code: str
) -> None:
    async with asking(settings) as hub, hub.socket() as socket:
        await socket.subscribe(LIVE, **variables)
        assert (await socket.error())["code"] == code
        await socket.subscribe("{ viewer { name } }")
        assert (await socket.next("viewer"))["name"] == "all"


async def test_a_cursor_ahead_of_the_log_is_refused_live(settings: Settings) -> None:
    async with asking(settings) as hub, hub.socket() as socket:
        await socket.subscribe(LIVE, after=await hub.cursor(1))
        assert (await socket.error())["code"] == "CURSOR_INVALID"


async def test_an_invalid_document_ends_with_its_errors(settings: Settings) -> None:
    async with asking(settings) as hub, hub.socket() as socket:
        await socket.subscribe("subscription { receipts { nonsense } }")
        assert (await socket.error())["code"] == "BAD_USER_INPUT"
        await socket.subscribe("subscription {")
        assert (await socket.error())["code"] == "BAD_USER_INPUT"


async def test_a_query_over_a_socket_is_answered_once(settings: Settings) -> None:
    async with asking(settings) as hub, hub.socket() as socket:
        await socket.subscribe("{ log { head } }")
        assert (await socket.next("log"))["head"] == await hub.cursor(0)
        assert await socket.receive() == {"type": "complete", "id": "1"}


async def test_several_operations_share_a_socket_until_each_is_completed(
    settings: Settings,
) -> None:
    async with asking(settings) as hub, hub.socket() as socket:
        for number in ("a", "b"):
            await socket.subscribe(LIVE, number)
            assert (await socket.receive())["id"] == number
        await socket.send({"type": "complete", "id": "a"})
        await socket.subscribe("{ viewer { name } }", "c")
        while (await socket.receive())["id"] != "c":
            pass
        await hub.post(receipt("m1"))
        while True:
            message = await socket.receive()
            assert message["id"] in {"b", "c"}
            if message["id"] == "b" and message["payload"]["data"]["receipts"]["receipts"]:
                break


async def test_a_message_is_followed_from_silence_to_its_final_status(
    any_settings: Settings,
) -> None:
    async with asking(any_settings) as hub, hub.socket() as socket:
        await socket.subscribe(MESSAGE, p="p1", m="m1")
        await hub.post(receipt("other"), receipt("m1", Status.SENT))
        assert await socket.next("message") == {"status": "SENT", "receiptCount": 1}
        await hub.post(receipt("m1", Status.BUFFERED))
        assert await socket.next("message") == {"status": "BUFFERED", "receiptCount": 2}
        await hub.post(receipt("m1", Status.DELIVERED))
        assert await socket.next("message") == {"status": "DELIVERED", "receiptCount": 3}
        assert (await socket.receive())["type"] == "complete"


async def test_a_message_that_is_final_completes_at_once(settings: Settings) -> None:
    async with asking(settings, [receipt("m1")]) as hub, hub.socket() as socket:
        shown = await hub.ask("{ receipts { nodes { messageKey } } }")
        await socket.subscribe(MESSAGE, k=shown["receipts"]["nodes"][0]["messageKey"])
        assert await socket.next("message") == {"status": "DELIVERED", "receiptCount": 1}
        assert (await socket.receive())["type"] == "complete"


async def test_another_providers_message_stays_silent(settings: Settings) -> None:
    async with asking(settings, [receipt("m1", Status.SENT)]) as hub:
        token = await hub.consumer(providers=("p2",))
        async with hub.socket(token) as socket:
            await socket.subscribe(MESSAGE, p="p1", m="m1")
            await socket.subscribe(LIVE, "live")
            await hub.post(receipt("m1"))
            await hub.post(receipt("m2"), provider=2)
            seen: list[Any] = []
            while not seen:
                message = await socket.receive()
                assert message["id"] == "live"
                seen = message["payload"]["data"]["receipts"]["receipts"]
            assert [r["messageId"] for r in seen] == ["m2"]


async def test_a_number_is_masked_on_a_socket_too(settings: Settings) -> None:
    async with asking(settings, [receipt("m1")]) as hub:
        async with hub.socket(await hub.consumer()) as socket:
            await socket.subscribe(LIVE, after=await hub.cursor(0))
            [shown] = (await socket.next())["receipts"]
            assert shown["recipient"] == "+86138****8000"
        async with hub.socket(await hub.consumer()) as socket:
            await socket.subscribe(LIVE, filter={"recipients": ["13800138000"]})
            assert (await socket.error())["code"] == "FORBIDDEN"


@pytest.mark.parametrize("token", [None, "unknown"])
async def test_a_socket_without_a_good_token_is_closed(
    settings: Settings, token: str | None
) -> None:
    async with asking(settings) as hub, hub.connected() as socket:
        payload = {"authorization": f"Bearer {token}"} if token else {}
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.closing() == 4403


async def test_the_token_of_the_handshake_will_do(settings: Settings) -> None:
    async with asking(settings) as hub:
        headers = {"authorization": f"Bearer {hub.token}"}
        async with hub.socket(None, additional_headers=headers) as socket:
            await socket.subscribe("{ viewer { name } }")
            assert (await socket.next("viewer"))["name"] == "all"


async def test_a_socket_without_connection_init_is_closed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sockets.INIT_SECONDS == 10
    monkeypatch.setattr("hub.graphql.transport.endpoint.INIT_SECONDS", 0.2)
    async with asking(settings) as hub, hub.connected() as socket:
        assert await socket.closing() == 4408


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("nonsense", 4400),
        ([], 4400),
        ({"type": []}, 4400),
        ({"type": "nonsense"}, 4400),
        ({"type": "connection_init"}, 4429),
        ({"type": "subscribe", "id": "1", "payload": {"query": 5}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}}, 4400),
        ({"type": "subscribe", "id": 1, "payload": {"query": "{ a }"}}, 4400),
        ({"type": "subscribe"}, 4400),
        ({"type": "complete"}, 4400),
    ],
)
async def test_what_is_not_of_the_protocol_closes_the_socket(
    settings: Settings, message: Any, code: int
) -> None:
    async with asking(settings) as hub, hub.socket() as socket:
        await socket.send(message)
        assert await socket.closing() == code


async def test_an_operation_before_the_init_or_under_a_used_id_closes_the_socket(
    settings: Settings,
) -> None:
    async with asking(settings) as hub:
        async with hub.connected() as socket:
            await socket.subscribe(LIVE)
            assert await socket.closing() == 4401
        async with hub.socket() as socket:
            await socket.subscribe(LIVE)
            await socket.subscribe(LIVE)
            assert await socket.closing() == 4409


async def test_a_socket_takes_no_more_operations_than_its_limit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "MOST_OPERATIONS", 2)
    async with asking(settings) as hub, hub.socket() as socket:
        for number in ("1", "2", "3"):
            await socket.subscribe(LIVE, number)
        assert (await socket.error())["code"] == "TOO_MANY_STREAMS"


async def test_a_consumer_opens_no_more_streams_than_its_limit(tmp_path: Any) -> None:
    settings = quick_settings(tmp_path, max_streams_per_consumer=1)
    async with asking(settings) as hub, hub.socket() as socket:
        await socket.subscribe(LIVE, "1")
        await socket.next()
        await socket.subscribe(LIVE, "2")
        assert (await socket.error())["code"] == "TOO_MANY_STREAMS"
        await socket.send({"type": "complete", "id": "1"})
        while True:
            await socket.subscribe(LIVE, "3")
            if (await socket.receive())["type"] == "next":
                break


async def test_the_old_protocol_is_not_spoken(settings: Settings) -> None:
    async with asking(settings) as hub, hub.connected(subprotocols=["graphql-ws"]) as socket:
        assert await socket.closing() == 4406


async def test_a_page_of_another_origin_opens_no_socket_unless_it_is_allowed(
    tmp_path: Any,
) -> None:
    settings = quick_settings(tmp_path, graphql_allowed_origins="https://app.example")
    async with asking(settings) as hub:
        own = hub.hub.http_url
        for origin in (own, "https://app.example"):
            async with hub.socket(origin=origin):
                pass
        with pytest.raises(websockets.InvalidStatus):
            async with hub.socket(origin="https://elsewhere.example"):
                pass


async def test_the_server_pings_and_answers_pings(settings: Settings) -> None:
    async with asking(settings) as hub, hub.socket() as socket:
        await socket.send({"type": "ping"})
        assert (await socket.receive())["type"] == "pong"
        async with asyncio.timeout(WAIT):
            assert '"ping"' in str(await socket.connection.recv())


async def test_a_revoked_token_closes_open_sockets(settings: Settings) -> None:
    async with asking(settings) as hub:
        token = await hub.consumer(name="gone")
        async with hub.socket(token) as idle, hub.socket(token) as busy:
            await busy.subscribe(LIVE)
            await busy.next()
            await Administration(hub.hub.store).revoke_consumer("gone")
            assert await busy.closing() == 4403
            assert await idle.closing() == 4403


async def test_an_expired_token_closes_open_sockets(settings: Settings) -> None:
    async with asking(settings) as hub:
        token = await hub.consumer(expires_at=time.time_ns() // 1000 + 2_000_000)
        async with hub.socket(token) as socket:
            await socket.subscribe(LIVE)
            assert await socket.closing() == 4403


async def test_a_refreshed_token_carries_on_at_the_cursor(settings: Settings) -> None:
    async with asking(settings, [receipt("m1")]) as hub:
        first = await hub.consumer(name="first")
        second = await hub.consumer(name="second", scopes=("receipts:read", "recipients:read"))
        async with hub.socket(first) as socket:
            await socket.subscribe(LIVE, after=await hub.cursor(0))
            [shown] = (await socket.next())["receipts"]
            assert shown["recipient"] == "+86138****8000"
            refresh = {"authorization": f"Bearer {second}"}
            await socket.send({"type": "ping", "payload": refresh})
            await _until_pong(socket)
            await Administration(hub.hub.store).revoke_consumer("first")
            await _noticed(hub, first)
            await hub.post(receipt("m2"))
            assert await socket.positions(1) == [2]
            await hub.post(receipt("m3"))
            [shown] = await _receipts(socket)
            assert (shown["position"], shown["recipient"]) == ("3", "+8613800138000")


async def _until_pong(socket: Socket) -> None:
    while (await socket.receive())["type"] != "pong":
        pass


async def _noticed(hub: Asking, token: str) -> None:
    """Wait until the hub no longer takes *token*."""
    while "errors" not in (await hub.send("{ viewer { name } }", token)).json():
        pass


async def _receipts(socket: Socket) -> Any:
    while not (shown := (await socket.next())["receipts"]):
        pass
    return shown


async def test_a_bad_token_in_a_ping_closes_the_socket(settings: Settings) -> None:
    async with asking(settings) as hub, hub.socket() as socket:
        await socket.send({"type": "ping", "payload": {"authorization": "Bearer nonsense"}})
        assert await socket.closing() == 4403


async def test_a_draining_hub_closes_sockets_after_a_last_batch(settings: Settings) -> None:
    async with asking(settings) as hub, hub.socket() as busy, hub.socket() as idle:
        await busy.subscribe(LIVE)
        await busy.next()
        hub.hub.feed.drain()
        assert await busy.closing() == 1012
        assert await idle.closing() == 1012
