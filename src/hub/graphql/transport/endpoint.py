"""The HTTP side: strawberry's router, and what the hub promises more."""

from datetime import timedelta
from json import JSONDecodeError
from typing import Any

import msgspec
from cross_web import HTTPException
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from strawberry.exceptions import ConnectionRejectionError
from strawberry.fastapi import GraphQLRouter
from strawberry.http import GraphQLRequestData
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UNSET, UnsetType

from hub.errors import HubError
from hub.graphql.context import Connection, Services, session_of
from hub.graphql.errors import BAD_USER_INPUT, Refused, formatted
from hub.graphql.operations.documents import Documents
from hub.graphql.operations.live import Live
from hub.graphql.schema import Schema
from hub.graphql.transport.body import BoundedBody
from hub.graphql.transport.events import EventStream, refusal
from hub.graphql.transport.page import page
from hub.graphql.transport.sockets import INIT_SECONDS, Frames, Socket, authorization

_SUMMARIES = {"GET": "A page to try operations on", "POST": "Answer one operation"}


class Endpoint(GraphQLRouter[Connection, None]):
    """Queries by POST, live operations by sockets and event streams, a page for browsers."""

    graphql_transport_ws_handler_class = Socket
    websocket_adapter_class: type[Frames] = Frames

    def __init__(self, services: Services, schema: Schema, path: str) -> None:
        async def context_of(connection: HTTPConnection) -> Connection:
            header = connection.headers.get("authorization", "")
            return Connection(services, await session_of(services, header))

        super().__init__(
            schema,
            path,
            allow_queries_via_get=False,
            context_getter=context_of,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            max_subscriptions_per_connection=None,  # `Socket` counts, and says so with a code
            allowed_origins=services.settings.graphql_allowed_origins,
            tags=["graphql"],
        )
        self.add_route(path, _no_such_method, methods=[], include_in_schema=False)  # all others
        for route in self.routes:
            if isinstance(route, APIRoute):
                route.summary = _SUMMARIES["GET" if "GET" in (route.methods or ()) else "POST"]
        self.services = services
        self.documents = Documents(schema._schema, services.settings)  # noqa: SLF001
        self.live = Live(services, schema)

    async def run(self, request: Any, context: Any = UNSET, root_value: Any = UNSET) -> Any:
        """Answer a request, or serve a socket to its end."""
        if self.is_websocket_request(request):
            return await super().run(request, context, root_value)
        try:
            return await self._answer(request, context)
        except HTTPException as error:
            return _refused(error.status_code, error.reason)

    async def _answer(self, request: Request, connection: Connection) -> Response:
        if request.method == "GET":
            return self._page(request)
        data = await self._data(request)
        try:
            operation = self.documents.operation(data.query, data.operation_name, data.variables)
        except (Refused, HubError) as error:
            return _errors(connection, error, stream=data.protocol == "sse")
        if data.protocol == "sse":
            return EventStream(self.live, connection, operation)
        if operation.live:
            message = (
                "a subscription cannot be answered as plain JSON: open a socket that speaks"
                " graphql-transport-ws, or send Accept: text/event-stream"
            )
            raise HTTPException(400, message)
        text = await self.live.result(connection, operation)
        return Response(text, media_type="application/json")

    async def _data(self, request: Request) -> GraphQLRequestData:
        """What was posted.  JSON alone, which no page of another origin can send unasked."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HTTPException(415, "send the operation as application/json")
        try:
            data = await self.parse_http_body(BoundedBody(request, self.services.settings))
        except (JSONDecodeError, UnicodeDecodeError, RecursionError, AttributeError):
            raise HTTPException(400, "the body is not a JSON object with `query`") from None
        if isinstance(data, list) or not isinstance(data.operation_name, str | None):
            raise HTTPException(400, "send one operation, its name as a string")
        if not data.query and not (data.operation_name and self.documents.by_name):
            raise HTTPException(400, "the body is not a JSON object with `query`")
        return data

    def _page(self, request: Request) -> Response:
        if self.should_render_graphql_ide(self.request_adapter_class(request)):
            return page(request)
        response = _refused(405, "send operations by POST")
        response.headers["Allow"] = "POST"
        return response

    def decode_json(self, data: str | bytes) -> object:
        """*data* read as JSON."""
        try:
            return msgspec.json.decode(data)
        except msgspec.DecodeError as error:
            raise JSONDecodeError(str(error), "", 0) from None

    async def on_ws_connect(self, context: Connection) -> UnsetType | dict[str, object] | None:
        """Take the token that came with `connection_init`, or the one of the handshake."""
        text = authorization(context.connection_params or {})
        session = await session_of(self.services, text) if text else context.session
        if session.access is None:
            raise ConnectionRejectionError
        context.session = session
        return UnsetType()


def _errors(connection: Connection, error: Refused | HubError, *, stream: bool) -> Response:
    errors = error.errors if isinstance(error, Refused) else [error]
    shown = [formatted(one, suggests=connection.suggests) for one in errors]
    text = msgspec.json.encode({"errors": shown}).decode()
    return refusal(text) if stream else Response(text, media_type="application/json")


async def _no_such_method(_request: Request) -> Response:
    response = _refused(405, "ask by POST; GET shows a page to browsers")
    response.headers["Allow"] = "GET, POST"
    return response


def _refused(status: int, message: str) -> JSONResponse:
    error = {"message": message, "extensions": {"code": BAD_USER_INPUT}}
    return JSONResponse({"errors": [error]}, status)
