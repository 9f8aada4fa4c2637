"""The schema, put together."""

from collections.abc import Iterator

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from hub.graphql.query import Query
from hub.graphql.subscription import Subscription
from hub.graphql.types.scalars import SCALARS


class Schema(strawberry.Schema):
    """Errors are logged where they are formatted, so that each has its reference."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing more."""


class Prepared(SchemaExtension):
    """Runs the document that the context brings along, which was checked when it was read."""

    def on_parse(self) -> Iterator[None]:
        """Take it as parsed."""
        operation = self.execution_context.context.operation
        self.execution_context.graphql_document = operation.document
        yield

    def on_validate(self) -> Iterator[None]:
        """Take it as valid."""
        self.execution_context.pre_execution_errors = []
        yield


def build_schema() -> Schema:
    """The hub's schema."""
    return Schema(
        query=Query,
        subscription=Subscription,
        extensions=[Prepared],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
