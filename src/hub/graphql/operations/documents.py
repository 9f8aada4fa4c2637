"""Documents: read, checked and remembered, so that each is understood once."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)

from hub.errors import BadInput, TooComplex
from hub.graphql.errors import Refused
from hub.graphql.operation import Operation
from hub.graphql.operations.arguments import with_argument
from hub.graphql.operations.cost import cost_of
from hub.graphql.operations.limits import check_numbers, check_shape
from hub.graphql.operations.trusted import Trusted
from hub.settings import Settings

_REMEMBERED = 256
_LONGEST_REMEMBERED = 20_000
_MOST_ERRORS = 10


class Documents:
    """Reads documents for one schema, and remembers the last ones."""

    def __init__(self, schema: GraphQLSchema, settings: Settings) -> None:
        self._schema = schema
        self._settings = settings
        self._known: OrderedDict[str, DocumentNode] = OrderedDict()
        self._rules = specified_rules
        if not settings.graphql_introspection:
            self._rules = (*specified_rules, NoSchemaIntrospectionCustomRule)
        self._trusted = None
        if settings.trusted_documents is not None:
            self._trusted = Trusted(Path(settings.trusted_documents), schema)

    @property
    def by_name(self) -> bool:
        """Whether an operation can be asked for by its name alone."""
        return self._trusted is not None

    def operation(
        self, text: str | None, name: str | None, variables: dict[str, Any] | None
    ) -> Operation:
        """
        The operation *name* of *text*, to be run with *variables*.  Raises `Refused` where the
        document is not valid, `TooComplex` where it asks for too much, `BadInput`.
        """
        if self._trusted is not None:
            text = self._trusted.text(text, name, self._parse)
        if not text:
            message = "send the operation's text as `query`"
            raise BadInput(message, field="query")
        document = self._document(text)
        node, given = _chosen(document, name), variables or {}
        operation = Operation(text, document, node, _fragments(document), given)
        cost = cost_of(node, operation.fragments, self._schema, given)
        if cost > self._settings.graphql_max_cost:
            message = "the operation may return too much; ask for smaller pages or fewer fields"
            raise TooComplex(message, cost=cost, limit=self._settings.graphql_max_cost)
        return operation

    def _document(self, text: str) -> DocumentNode:
        if text in self._known:
            self._known.move_to_end(text)
            return self._known[text]
        document = self._parse(text)
        check_numbers(document)
        errors = validate(self._schema, document, self._rules, max_errors=_MOST_ERRORS)
        if errors:
            raise Refused([with_argument(error, document) for error in errors])
        check_shape(document, self._settings)
        if len(text) <= _LONGEST_REMEMBERED:
            self._known[text] = document
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return document

    def _parse(self, text: str) -> DocumentNode:
        most = self._settings.graphql_max_tokens
        try:
            return parse(text, max_lexical_tokens=most, max_comments=most)
        except GraphQLSyntaxError as error:
            if "nested too deeply" in error.message:
                deepest = self._settings.graphql_max_depth
                message = f"the document is too deep to be read; {deepest} is allowed"
                raise TooComplex(message, cost=deepest + 1, limit=deepest) from None
            if "Parsing aborted" in error.message:
                message = f"the document has more than {most} tokens"
                raise TooComplex(message, cost=most + 1, limit=most) from None
            raise Refused([error]) from None
        except GraphQLError as error:
            raise Refused([error]) from None


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if name is None and len(operations) == 1:
        return operations[0]
    for operation in operations:
        if operation.name is not None and operation.name.value == name:
            return operation
    message = "operationName must name one of the document's operations"
    raise BadInput(message, field="operationName")


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
