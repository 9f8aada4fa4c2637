"""The GraphQL router."""

from fastapi import APIRouter

from hub.graphql.context import Services
from hub.graphql.schema import build_schema
from hub.graphql.transport.endpoint import Endpoint
from hub.graphql.transport.page import assets
from hub.queries import Core
from hub.settings import Settings
from hub.telemetry import Metrics

PATH = "/graphql"


def graphql_router(settings: Settings, core: Core, metrics: Metrics) -> APIRouter:
    """Queries, subscriptions and the page for browsers, at `/graphql`.  Raises `StartError`."""
    services = Services(settings, core, metrics)
    router = APIRouter()
    router.include_router(Endpoint(services, build_schema(), PATH))
    router.include_router(assets(f"{PATH}/assets"))
    return router
