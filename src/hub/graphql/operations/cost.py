"""
What an operation may cost, from its page sizes, before it runs: about one for each value.

Depth and number of fields say little of that, since pages within pages multiply.  It takes every
page for full: what would be found is known only after the work that the limit is to prevent.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    value_from_ast_untyped,
)

from hub.graphql.types.paging import PAGE

LIST = 10
"""Assumed length of a list whose size no argument says, such as a message's receipts."""
_PAGED = {"edges", "nodes"}
_BATCH = "ReceiptBatch"
_BUCKET_SECONDS = {"MINUTE": 60, "HOUR": 3600, "DAY": 86400}


def cost_of(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    schema: GraphQLSchema,
    variables: Mapping[str, Any],
) -> int:
    """The cost of a valid *operation* run with *variables*."""
    given = dict(variables)
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        if name not in given and definition.default_value is not None:
            given[name] = value_from_ast_untyped(definition.default_value)
    root = schema.get_root_type(operation.operation)
    return _Cost(fragments, schema, given).of(operation.selection_set, root, LIST)


class _Cost:
    def __init__(
        self,
        fragments: Mapping[str, FragmentDefinitionNode],
        schema: GraphQLSchema,
        variables: Mapping[str, Any],
    ) -> None:
        self._fragments = fragments
        self._schema = schema
        self._variables = dict(variables)
        # A fragment that spreads another one twice, and so on, doubles with each: measured anew at
        # every spread, forty lines would take for ever.
        self._known: dict[tuple[str, int], int] = {}

    def of(
        self, selected: SelectionSetNode | None, parent: GraphQLNamedType | None, page: int
    ) -> int:
        """The cost of what is selected of one *parent*, whose page has *page* entries."""
        if selected is None:
            return 0
        return sum(self._selection(selection, parent, page) for selection in selected.selections)

    def _selection(self, selection: Any, parent: GraphQLNamedType | None, page: int) -> int:
        if isinstance(selection, FieldNode):
            return self._field(selection, parent, page)
        if isinstance(selection, FragmentSpreadNode):
            return self._fragment(selection.name.value, page)
        assert isinstance(selection, InlineFragmentNode)  # noqa: S101  # there is no third kind
        narrowed = selection.type_condition
        inner = self._schema.get_type(narrowed.name.value) if narrowed else parent
        return self.of(selection.selection_set, inner, page)

    def _fragment(self, name: str, page: int) -> int:
        if (name, page) not in self._known:
            fragment = self._fragments[name]
            parent = self._schema.get_type(fragment.type_condition.name.value)
            self._known[name, page] = self.of(fragment.selection_set, parent, page)
        return self._known[name, page]

    def _field(self, field: FieldNode, parent: GraphQLNamedType | None, page: int) -> int:
        name = field.name.value
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return 1
        definition = parent.fields.get(name)
        if definition is None or not field.selection_set:  # __typename and introspection
            return 1
        # The size is an argument of the connection, and the list is one below: it is handed down.
        paged = name in _PAGED or parent.name == _BATCH
        times = page if paged else LIST if _is_list(definition.type) else 1
        size = self._page_size(field, set(definition.args))
        if name == "deliveryStats":
            times = size
        return 1 + times * self.of(field.selection_set, get_named_type(definition.type), size)

    def _page_size(self, field: FieldNode, known: set[str]) -> int:
        given = {
            argument.name.value: value_from_ast_untyped(argument.value, self._variables)
            for argument in field.arguments or ()
        }
        if "bucket" in known:
            return _buckets(given)
        # Variables come as they were sent; one of a wrong type is refused when it runs.
        sizes = [given.get(name) for name in ("first", "last", "batchSize")]
        size = next((size for size in sizes if isinstance(size, int)), None)
        if size is not None:
            return max(1, size)
        return 100 if "batchSize" in known else PAGE if "first" in known else LIST


def _is_list(kind: GraphQLOutputType) -> bool:
    return isinstance(get_nullable_type(kind), GraphQLList)


def _buckets(given: Mapping[str, Any]) -> int:
    try:
        since = datetime.fromisoformat(given["since"])
        until = datetime.fromisoformat(given["until"])
        seconds = (until - since).total_seconds()
    except (KeyError, TypeError, ValueError):
        return 1  # refused when it runs
    return max(1, int(seconds // _BUCKET_SECONDS.get(str(given.get("bucket")), 3600)) + 1)
