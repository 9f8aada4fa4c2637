"""Callbacks with a listener of their own: providers reach them, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import websockets

from hub.accounts.administration import Administration, NewProvider
from hub.service import Hub, running
from hub.settings import Settings
from tests.conftest import quick_settings
from tests.providing import NOT_NOW, STORED, answer, batch, providing
from tests.waiting import until

ELSEWHERE = (
    *("/metrics", "/readyz", "/graphql", "/docs", "/docs/favicon.png"),
    *("/openapi.json", "/redoc", "/", "/callbacks", "/callbacks/p1"),
)


@pytest.fixture
def apart(tmp_path: Path) -> Settings:
    return quick_settings(tmp_path, callback_port=0)


async def test_callbacks_and_health_alone_answer_where_providers_reach(apart: Settings) -> None:
    async with providing(apart) as at:
        reached = at.hub.callbacks_url
        assert reached != at.hub.http_url
        assert await at.post(batch(0, 1)) == STORED
        assert (await at.client.get(f"{reached}/healthz")).json() == {"status": "alive"}
        for path in ELSEWHERE:
            for method in ("GET", "POST"):
                assert (await at.client.request(method, reached + path)).status_code == 404, path
        with pytest.raises(websockets.InvalidStatus):
            async with websockets.connect(f"ws{reached.removeprefix('http')}/graphql"):
                pass


async def test_callbacks_apart_are_answered_nowhere_else(apart: Settings) -> None:
    async with providing(apart) as at:
        wrong = at.hub.http_url + urlsplit(at.url).path
        for url in (wrong, f"{wrong}/"):
            for method in ("POST", "GET"):
                refused = await at.client.request(method, url, content=batch(0, 1))
                assert refused.status_code == 404
        assert await at.entries() == []
        for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"):
            assert (await at.client.get(at.hub.http_url + path)).status_code == 200


async def test_limits_hold_where_callbacks_are_apart(tmp_path: Path) -> None:
    async with providing(quick_settings(tmp_path, callback_port=0, max_body_bytes=1024)) as at:
        assert await at.post(batch(0, 20)) == (413, "00004")


async def test_a_post_under_way_where_callbacks_are_apart_gets_its_answer(apart: Settings) -> None:
    async with httpx.AsyncClient() as client:
        async with running(apart) as hub:
            new = NewProvider(name="p1", adapter="lushang")
            secret = await Administration(hub.store).add_provider(new)
            url = f"{hub.callbacks_url}/callbacks/p1/{secret}"
            assert answer(await client.post(url, content=batch(0, 1))) == STORED
            body, begun, rest = batch(100, 5), asyncio.Event(), asyncio.Event()
            whole = asyncio.create_task(client.post(url, content=in_two(body, begun, rest)))
            await begun.wait()
            await client.get(f"{hub.callbacks_url}/healthz")  # what came before it has been read
            late = asyncio.create_task(posted_while_it_stops(hub, client, url, rest))
        assert answer(await whole) == STORED
        assert answer(await late) == NOT_NOW


async def in_two(body: bytes, begun: asyncio.Event, rest: asyncio.Event) -> AsyncIterator[bytes]:
    yield body[:20]
    begun.set()
    await rest.wait()
    yield body[20:]


async def posted_while_it_stops(
    hub: Hub, client: httpx.AsyncClient, url: str, rest: asyncio.Event
) -> httpx.Response:
    await until(hub.feed.draining.is_set)
    late = await client.post(url, content=batch(9, 1))
    rest.set()
    return late
