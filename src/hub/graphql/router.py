"""The GraphQL router."""

from fastapi import APIRouter

from hub.accounts.directory import Accounts
from hub.feed.follower import Feed
from hub.graphql.context import Hub
from hub.graphql.schema import build_schema
from hub.graphql.transport.endpoint import View
from hub.graphql.transport.page import assets
from hub.log.read.log import ReceiptLog
from hub.settings import Settings
from hub.telemetry import Metrics

PATH = "/graphql"


def graphql_router(
    settings: Settings, log: ReceiptLog, feed: Feed, accounts: Accounts, metrics: Metrics
) -> APIRouter:
    """Queries, subscriptions and the page for browsers, at `/graphql`.  Raises `StartError`."""
    hub = Hub(settings, log, feed, accounts, metrics)
    router = APIRouter()
    router.include_router(View(hub, build_schema(), PATH))
    router.include_router(assets(f"{PATH}/assets"))
    return router
