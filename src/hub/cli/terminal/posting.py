"""Sends posts at a rate and keeps what came back."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from hub.cli.terminal.traffic import Post, Traffic

MAX_CODE_LENGTH = 20
NO_ANSWER = "no answer"
_HEADERS = {"Accept": "application/json", "Content-Type": "application/json;charset=utf-8"}


@dataclass(slots=True)
class Tally:
    """What came back so far."""

    posts: int = 0
    receipts: int = 0
    duplicates: int = 0
    acknowledged: int = 0
    """Receipts in posts that were answered with 2xx."""
    answers: Counter[str] = field(default_factory=Counter)
    """Posts by HTTP status and the provider's code of the answer."""
    seconds: list[float] = field(default_factory=list)
    """From sending to the answer, of each post that got one."""
    took: float = 0.0

    def summary(self) -> dict[str, Any]:
        """The tally for people and machines; latencies in milliseconds, null without an answer."""
        return {
            "posts": self.posts,
            "receipts": self.receipts,
            "acknowledged": self.acknowledged,
            "duplicates": self.duplicates,
            "seconds": round(self.took, 2),
            "receipts_per_second": round(self.receipts / self.took, 1) if self.took else 0.0,
            "answers": dict(self.answers.most_common()),
            "latency_ms": latencies(self.seconds),
        }


def latencies(seconds: list[float]) -> dict[str, float | None]:
    """Percentiles of *seconds* in milliseconds, by nearest rank."""
    ordered = sorted(seconds)
    names = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}
    last = len(ordered) - 1
    return {
        name: round(ordered[round(share * last)] * 1000, 2) if ordered else None
        for name, share in names.items()
    }


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to send: receipts per second (0: as fast as answers come), and when to stop."""

    rate: float
    connections: int
    seconds: float | None = None
    count: int | None = None
    """Receipts."""
    timeout: float = 10.0


async def send(
    url: str, traffic: Traffic, plan: Plan, tally: Tally, progress: Callable[[], None]
) -> None:
    """Send posts of *traffic* to *url* and nowhere else, as *plan* says; count them in *tally*."""
    started = time.monotonic()
    limits = httpx.Limits(max_connections=plan.connections)
    free = asyncio.Semaphore(plan.connections)

    def answered(_: asyncio.Task[None]) -> None:
        free.release()
        progress()

    try:
        async with (
            httpx.AsyncClient(
                headers=_HEADERS, limits=limits, timeout=plan.timeout, trust_env=False
            ) as client,
            asyncio.TaskGroup() as tasks,
        ):
            async for post in _paced(traffic, plan):
                await free.acquire()
                tasks.create_task(_send_one(client, url, post, tally)).add_done_callback(answered)
    finally:
        tally.took = time.monotonic() - started


async def _paced(traffic: Traffic, plan: Plan) -> AsyncIterator[Post]:
    """Posts, each when it is due: a post's turn does not wait for the answers before it."""
    clock = time.monotonic
    started, sent = clock(), 0
    while plan.count is None or sent < plan.count:
        due = started + (sent / plan.rate if plan.rate else 0)
        if plan.seconds is not None and max(due, clock()) >= started + plan.seconds:
            return
        await asyncio.sleep(max(0.0, due - clock()))
        post = traffic.post(None if plan.count is None else plan.count - sent)
        sent += post.receipts
        yield post


async def _send_one(client: httpx.AsyncClient, url: str, post: Post, tally: Tally) -> None:
    started = time.monotonic()
    tally.posts += 1
    tally.receipts += post.receipts
    tally.duplicates += post.duplicates
    try:
        response = await client.post(url, content=post.body)
    except httpx.HTTPError:
        tally.answers[NO_ANSWER] += 1
        return
    tally.seconds.append(time.monotonic() - started)
    tally.answers[f"{response.status_code} {_code(response)}".strip()] += 1
    if response.is_success:
        tally.acknowledged += post.receipts


def _code(response: httpx.Response) -> str:
    try:
        answer = response.json()
    except ValueError:
        return ""
    return str(answer.get("respCode", ""))[:MAX_CODE_LENGTH] if isinstance(answer, dict) else ""
