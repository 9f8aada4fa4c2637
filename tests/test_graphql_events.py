"""Subscriptions as event streams: graphql-sse, distinct connections."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.accounts.administration import Administration
from hub.receipt import Status
from hub.settings import Settings
from tests.asking import asking
from tests.conftest import quick_settings
from tests.making import receipt

LIVE = """subscription($after: Cursor) {
  receipts(after: $after) { cursor caughtUp receipts { position } } }"""
MESSAGE = 'subscription { message(provider: "p1", messageId: "m1") { status } }'


def shown(payload: Any) -> list[int]:
    return [int(r["position"]) for r in payload["data"]["receipts"]["receipts"]]


async def test_a_stream_meets_the_present_and_goes_on(any_settings: Settings) -> None:
    async with (
        asking(any_settings, [receipt("m1"), receipt("m2")]) as hub,
        hub.events(LIVE, after=await hub.cursor(0)) as events,
    ):
        assert shown(await anext(events)) == [1, 2]
        await hub.post(receipt("m3"))
        assert shown(await anext(events)) == [3]


async def test_a_message_completes_its_stream(settings: Settings) -> None:
    async with (
        asking(settings, [receipt("m1", Status.SENT)]) as hub,
        hub.events(MESSAGE) as events,
    ):
        assert (await anext(events))["data"]["message"] == {"status": "SENT"}
        await hub.post(receipt("m1"))
        assert (await anext(events))["data"]["message"] == {"status": "DELIVERED"}
        assert await anext(events) == "complete"
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_a_query_may_come_as_a_stream_too(settings: Settings) -> None:
    async with asking(settings) as hub, hub.events("{ viewer { name } }") as events:
        assert await anext(events) == {"data": {"viewer": {"name": "all"}}}
        assert await anext(events) == "complete"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { receipts { nonsense } }", "BAD_USER_INPUT"),
        ("subscription { receipts {", "BAD_USER_INPUT"),
        ("{ " + "x " * 2000 + "}", "TOO_COMPLEX"),
        ("subscription { receipts(batchSize: 1000) { receipts { position id } } }", "TOO_COMPLEX"),
        ('subscription { receipts(after: "other:0") { cursor } }', "CURSOR_FOREIGN"),
    ],
)
async def test_what_cannot_start_is_said_and_completes(
    tmp_path: Path, query: str, code: str
) -> None:
    async with (
        asking(quick_settings(tmp_path, graphql_max_cost=1000)) as hub,
        hub.events(query) as events,
    ):
        await _says(events, code)


async def test_a_document_that_is_not_trusted_is_refused_as_an_event(tmp_path: Path) -> None:
    folder = Path(__file__).parent.parent / "graphql" / "operations"
    async with (
        asking(quick_settings(tmp_path, trusted_documents=folder)) as hub,
        hub.events("subscription { receipts { cursor } }") as events,
    ):
        await _says(events, "FORBIDDEN")


async def _says(events: AsyncIterator[Any], code: str) -> None:
    [error] = (await anext(events))["errors"]
    assert error["extensions"]["code"] == code
    assert await anext(events) == "complete"
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_without_a_token_the_stream_ends_with_an_error(settings: Settings) -> None:
    async with asking(settings) as hub, hub.events(LIVE, "unknown") as events:
        [error] = (await anext(events))["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert await anext(events) == "complete"


@pytest.mark.parametrize("query", [LIVE, MESSAGE])
async def test_a_revoked_token_ends_the_stream_with_an_error(
    settings: Settings, query: str
) -> None:
    async with asking(settings, [receipt("m1", Status.SENT)]) as hub:
        token = await hub.consumer(name="gone")
        async with hub.events(query, token) as events:
            await anext(events)
            await Administration(hub.hub.store).revoke_consumer("gone")
            while "errors" not in (payload := await anext(events)):
                pass
            assert payload["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
            assert await anext(events) == "complete"


async def test_a_draining_hub_ends_the_stream_so_that_clients_come_back(
    settings: Settings,
) -> None:
    async with asking(settings) as hub, hub.events(LIVE) as events:
        await anext(events)
        hub.hub.feed.drain()
        while "errors" not in (payload := await anext(events)):
            pass
        assert payload["errors"][0]["extensions"]["code"] == "DRAINING"
        with pytest.raises(StopAsyncIteration):  # no "complete", which would be for good
            await anext(events)


async def test_a_silent_stream_is_kept_alive_by_comments(tmp_path: Path) -> None:
    async with asking(quick_settings(tmp_path, heartbeat_seconds=0.1)) as hub:
        headers = {"authorization": f"Bearer {hub.token}", "accept": "text/event-stream"}
        async with hub.client.stream(
            "POST", hub.url, json={"query": MESSAGE}, headers=headers
        ) as response:
            async for line in response.aiter_lines():
                if line.startswith(":"):
                    break


async def test_a_subscription_as_plain_json_is_refused_with_what_to_do(
    settings: Settings,
) -> None:
    async with asking(settings) as hub:
        answer = await hub.send(LIVE)
        assert answer.status_code == httpx.codes.BAD_REQUEST
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "text/event-stream" in error["message"]
        assert "graphql-transport-ws" in error["message"]


async def test_a_closed_stream_is_let_go(settings: Settings) -> None:
    async with asking(settings) as hub:
        for _ in range(5):
            async with hub.events(LIVE) as events:
                await anext(events)
        followers = hub.hub.metrics.followers.labels("graphql")
        for _ in range(200):
            if followers._value.get() == 0:
                break
            await hub.ask("{ __typename }")
        assert followers._value.get() == 0
