"""Limits on the shape of a document: how deep, and how many aliases."""

from collections.abc import Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    visit,
)

from hub.errors import BadInput, TooComplex
from hub.settings import Settings

MOST_DIGITS = 100
"""Of a whole number in a document."""

Fragments = Mapping[str, FragmentDefinitionNode]


def check_shape(document: DocumentNode, settings: Settings) -> None:
    """Refuse a valid *document* that is too deep or has too many aliases with `TooComplex`."""
    fragments = {
        d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
    }
    measure = _Measure(fragments)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            depth, aliases = measure.of(definition.selection_set)
            if depth > settings.graphql_max_depth:
                message = f"the operation is {depth} deep; {settings.graphql_max_depth} is allowed"
                raise TooComplex(message, cost=depth, limit=settings.graphql_max_depth)
            if aliases > settings.graphql_max_aliases:
                message = (
                    f"the operation has {aliases} aliases;"
                    f" {settings.graphql_max_aliases} are allowed"
                )
                raise TooComplex(message, cost=aliases, limit=settings.graphql_max_aliases)


def check_numbers(document: DocumentNode) -> None:
    """
    Refuse a *document* with a number of more digits than any argument takes with `BadInput`.
    Python refuses to read those of thousands, which the library does not expect.
    """
    visit(document, _Numbers())


class _Numbers(Visitor):
    """Looks at every number."""

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        if len(node.value) > MOST_DIGITS:
            message = f"a number in the document has more than {MOST_DIGITS} digits"
            raise BadInput(message, field="query")


class _Measure:
    """Depth and aliases of selections, each fragment measured once."""

    def __init__(self, fragments: Fragments) -> None:
        self._fragments = fragments
        self._known: dict[str, tuple[int, int]] = {}

    def of(self, selected: SelectionSetNode | None) -> tuple[int, int]:
        depth = aliases = 0
        inner = (0, 0)
        for selection in selected.selections if selected else ():
            if isinstance(selection, FragmentSpreadNode):
                inner = self._fragment(selection.name.value)
            elif isinstance(selection, FieldNode):
                inner = self._field(selection)
            elif isinstance(selection, InlineFragmentNode):
                inner = self.of(selection.selection_set)
            depth, aliases = max(depth, inner[0]), aliases + inner[1]
        return depth, aliases

    def _field(self, field: FieldNode) -> tuple[int, int]:
        if field.name.value in {"__schema", "__type"}:  # bounded by a rule of its own
            return 1, int(field.alias is not None)
        depth, aliases = self.of(field.selection_set)
        return depth + 1, aliases + int(field.alias is not None)

    def _fragment(self, name: str) -> tuple[int, int]:
        if name not in self._known:
            self._known[name] = self.of(self._fragments[name].selection_set)
        return self._known[name]
