"""The one HTTP application: callbacks, GraphQL, health and metrics."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hub import __version__
from hub.errors import HubError
from hub.feed import Feed
from hub.log import ReceiptLog, Writer
from hub.telemetry import Metrics

READY_SECONDS = 2.0
"""Longest that `/readyz` waits for the store."""

_CALLBACK = "/callbacks/{provider}/{secret}"
_SWAGGER_FILES = {"swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"}
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Callbacks:
    """
    Has callbacks answered by *webhook*, which takes every method, and knows which are under way;
    *described* is their operation on the API page.
    """

    def __init__(self, webhook: ASGIApp, described: dict[str, Any]) -> None:
        self._webhook = webhook
        self.described = described
        self._open = 0
        self._none_open = asyncio.Event()
        self._none_open.set()

    async def ended(self) -> None:
        """Return when no callback is being answered."""
        await self._none_open.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, whose names are in the *scope*."""
        self._open += 1
        self._none_open.clear()
        try:
            await self._webhook(scope, receive, send)
        finally:
            self._open -= 1
            if not self._open:
                self._none_open.set()


class Application(FastAPI):
    """One routing table, in which callbacks stand first, and one page that describes it."""

    def __init__(self, callbacks: Callbacks | None, **described: Any) -> None:
        # Starlette's routes, whose endpoint gets the call as it is: what FastAPI does between its
        # own and their functions costs more than all that the hub does with a receipt.
        paths = (_CALLBACK, f"{_CALLBACK}/")
        routes: list[BaseRoute] = [Route(path, callbacks) for path in paths] if callbacks else []
        super().__init__(routes=routes, **described)
        self.callbacks = callbacks

    def openapi(self) -> dict[str, Any]:
        """The page's content, as a JSON object of OpenAPI."""
        page = super().openapi()
        if self.callbacks:
            page["paths"][_CALLBACK] = {"post": self.callbacks.described}
        return page


def application(
    callbacks: Callbacks | None, *routers: APIRouter, origins: Sequence[str] = ()
) -> Application:
    """
    The application with *callbacks*, *routers*, health and a page of documentation that needs no
    other host; pages of *origins* may call it from browsers.
    """
    app = Application(
        callbacks,
        title="Receipt hub",
        version=__version__,
        description="Takes delivery receipts from SMS providers; serves them to many readers.",
        redirect_slashes=False,  # a redirect would repeat a secret, and providers do not follow
        docs_url=None,
        redoc_url=None,
    )
    for router in (_health(), *routers, _documentation()):
        app.include_router(router)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["POST"],
            allow_headers=["authorization", "content-type"],
        )
    return app


def for_providers(callbacks: Callbacks) -> Application:
    """What may be reached by providers where they are kept from all else."""
    app = Application(callbacks, openapi_url=None, redirect_slashes=False)
    app.include_router(_health())
    return app


def operations(
    log: ReceiptLog, writer: Writer, feed: Feed, metrics: Metrics, started: Callable[[], bool]
) -> APIRouter:
    """Readiness and metrics, without a token; metrics name accounts and consumers."""
    router = APIRouter(tags=["operations"])

    @router.get(
        "/readyz",
        summary="Whether callbacks and readers are served",
        responses={503: {"description": "Starting, draining, or the store is away."}},
    )
    async def readyz() -> JSONResponse:
        problem = await _problem(log, writer, feed, started)
        if problem:
            return JSONResponse({"status": "not ready", "reason": problem}, 503)
        return JSONResponse({"status": "ready"})

    @router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    async def exposition() -> Response:
        metrics.ready.set(await _problem(log, writer, feed, started) is None)
        metrics.max_lag.set(feed.max_lag())
        return Response(metrics.exposition(), media_type=_METRICS_TYPE)

    return router


async def _problem(
    log: ReceiptLog, writer: Writer, feed: Feed, started: Callable[[], bool]
) -> str | None:
    if feed.draining.is_set():
        return "draining"
    if not started():
        return "starting"
    if not writer.available:
        return "the store cannot be written"
    try:
        async with asyncio.timeout(READY_SECONDS):
            await log.bounds()
    except (HubError, TimeoutError):
        return "the store cannot be read"
    return None


def _health() -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", summary="Whether the process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    return router


def _documentation() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    folder = Path(fastapi_offline.__file__).parent / "static"

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Receipt hub",
            swagger_js_url="/docs/swagger-ui-bundle.js",
            swagger_css_url="/docs/swagger-ui.css",
            swagger_favicon_url="/docs/favicon.png",
        )

    @router.get("/docs/{name}")
    async def asset(name: str) -> Response:
        if name not in _SWAGGER_FILES:
            return Response(status_code=404)
        return FileResponse(folder / name)

    return router
