"""Running operations; live ones that are alike are executed once for all their readers."""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing
from typing import Any

import msgspec
import structlog
from strawberry.types.execution import ExecutionResult, PreExecutionError

from hub.access import Access
from hub.errors import HubError, Unauthenticated
from hub.graphql.context import Connection, Context, Services, context_for
from hub.graphql.errors import Refused, formatted, hub_error
from hub.graphql.operation import Operation
from hub.graphql.operations.cohort import Cohort, Event, Windows
from hub.graphql.progress import Progress
from hub.graphql.schema import Schema

logger = structlog.stdlib.get_logger(__name__)

_SHARED = "receipts"
"""The root field whose results follow from the position alone."""


class Live:
    """
    Runs operations for sockets and event streams.

    A reader runs alone until it is at the head.  From there on it reads what its cohort was sent:
    readers of the same text, variables and rights, wherever they started from.  It goes
    alone again when it is too slow, when its rights change, or when the cohort ends.

    At the head all of them want the same next receipts, and executing and encoding is nearly all
    that an event costs; so a thousand alike cost little more than one.  Behind the head each has
    a position of its own, and there is nothing to share.
    """

    def __init__(self, services: Services, schema: Schema) -> None:
        self._services = services
        self._feed = services.core.feed
        self._schema = schema
        self._windows = Windows()
        self._cohorts: dict[Hashable, tuple[Cohort, asyncio.Task[None]]] = {}

    async def results(
        self, connection: Connection, operation: Operation
    ) -> AsyncGenerator[str, None]:
        """
        The results of *operation* as JSON: one, or of a subscription many.  Raises `Refused` or
        a `HubError` where it cannot begin or go on.
        """
        if not operation.live:
            yield await self.result(connection, operation)
            return
        async with (
            self._feed.stream(connection.access, "graphql"),
            aclosing(self._subscribed(connection, operation)) as events,
        ):
            async for event in events:
                self._services.metrics.frames.labels("graphql").inc()
                yield event.text

    async def result(self, connection: Connection, operation: Operation) -> str:
        """The result of a query as JSON."""
        context = connection.execution(operation)
        result = await self._schema.execute(
            operation.text,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.name,
        )
        return encoded(result, suggests=context.suggests)

    async def _subscribed(
        self, connection: Connection, operation: Operation
    ) -> AsyncGenerator[Event, None]:
        """
        Each turn runs with the rights of one moment.  Where they have changed by the time an
        event is there, the event is not sent but made again with those of the reader's new token.
        """
        position: int | None = None
        joined: int | None = None
        session = connection.session
        while True:
            access = connection.access
            alone = context_for(self._services, operation, access)
            try:
                async with aclosing(self._alone(alone, position)) as events:
                    async for event in events:
                        if session.access is not access:
                            break
                        position = event.end
                        yield event
                        if position != joined and self._joins(alone):
                            break
                    else:
                        return
            except Unauthenticated:
                if session.access is access:
                    raise
                # The token it began with is gone, and a ping has brought a new one meanwhile.
            if position is None or session.access is not access:
                continue
            joined = position  # a cohort that has nothing from here is not tried from here again
            async with aclosing(self._together(operation, access, position)) as events:
                async for event in events:
                    if connection.access is not access:
                        break
                    position = event.end
                    yield event

    def _joins(self, context: Context) -> bool:
        """Whether what *context* runs is at the head, can be shared, and will go on."""
        root = context.operation.root
        shared = root is not None and root.name.value == _SHARED
        return shared and context.progress.caught_up and not self._feed.draining.is_set()

    async def _alone(self, context: Context, start: int | None) -> AsyncGenerator[Event, None]:
        """Run the operation from *start*, or from where its arguments say."""
        operation = context.operation
        progress = context.progress = Progress(start=start, position=start)
        results: Any = await self._schema.stream(
            operation.text,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.name,
        )
        async with aclosing(results):
            before = start
            async for result in results:
                _raise_if_over(result)
                text = encoded(result, suggests=context.suggests)
                yield Event(text, before, progress.position, progress.first)
                before = progress.position

    async def _together(
        self, operation: Operation, access: Access, position: int
    ) -> AsyncGenerator[Event, None]:
        """What the reader's cohort gets from *position* on, while the reader is fast enough."""
        # Results follow from these alone.  Whose token it is does not show in them, so readers of
        # several consumers may share; each looks after its own token where it reads.
        key = (operation.alike, access.scopes, access.providers)
        if key not in self._cohorts:
            cohort = Cohort(self._windows)
            task = asyncio.create_task(
                self._lead(key, cohort, context_for(self._services, operation, access), position)
            )
            self._cohorts[key] = (cohort, task)
        cohort, task = self._cohorts[key]
        # Nothing was registered before, and nothing is handed over: a member asks for what follows
        # its position.  Where the cohort is already past that, it gets nothing and goes on alone.
        cohort.members += 1
        try:
            async with aclosing(cohort.after(position)) as events:
                async for event in events:
                    yield event
        finally:
            cohort.members -= 1
            if not cohort.members:
                task.cancel()  # nobody would read on; its next readers begin a new one
                cohort.clear()
                if self._cohorts.get(key, (None,))[0] is cohort:
                    del self._cohorts[key]

    async def _lead(self, key: Hashable, cohort: Cohort, context: Context, position: int) -> None:
        """
        Run the cohort's operation with the token of its first reader.  Where that ends, be it with
        that token, the members go on alone, and each learns whether the reason is its own too.
        """
        try:
            async with aclosing(self._alone(context, position)) as events:
                first = await anext(events)  # comes at once; the members have had theirs
                if first.first is not None:
                    await cohort.publish(first)
                async for event in events:
                    await cohort.publish(event)
        except (HubError, Refused):
            pass
        except Exception:
            logger.exception("a cohort of readers ended")
        finally:
            cohort.close()
            if self._cohorts.get(key, (None,))[0] is cohort:
                del self._cohorts[key]


def encoded(result: ExecutionResult, *, suggests: bool) -> str:
    """*result* as JSON, its errors as callers may see them; *suggests* as in `formatted`."""
    body: dict[str, Any] = {}
    if not isinstance(result, PreExecutionError):
        body["data"] = result.data
    if result.errors:
        body["errors"] = [formatted(error, suggests=suggests) for error in result.errors]
    if result.extensions:
        body["extensions"] = result.extensions
    return msgspec.json.encode(body).decode()


def _raise_if_over(result: ExecutionResult) -> None:
    """Raise what ended the operation: an error of no field, or one from before it began."""
    errors = result.errors or []
    if not errors or not (
        isinstance(result, PreExecutionError) or any(error.path is None for error in errors)
    ):
        return
    ours = hub_error(errors[0])
    if ours is not None:
        raise ours
    raise Refused(errors)
