"""Which argument of a document an error is about."""

from typing import Any

from graphql import ArgumentNode, DocumentNode, GraphQLError, Node, ValueNode, Visitor, visit


def with_argument(error: GraphQLError, document: DocumentNode) -> GraphQLError:
    """*error* of the *document*, with its argument as the extension `field` where it has one."""
    node = next(iter(error.nodes or ()), None)
    if isinstance(node, ValueNode):
        search = _Search(node)
        visit(document, search)
        if search.found:
            error.extensions = {"field": search.found}
    return error


class _Search(Visitor):
    """Finds the argument that a value stands in."""

    def __init__(self, value: Node) -> None:
        super().__init__()
        self.found = ""
        self._value = value

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        inner, outer = self._value.loc, node.loc
        if inner and outer and outer.start <= inner.start < outer.end:
            self.found = node.name.value
