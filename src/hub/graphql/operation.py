"""One operation, as it is run."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)


@dataclass(frozen=True)
class Operation:
    """One operation of a valid document."""

    text: str
    document: DocumentNode
    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: dict[str, Any]

    @property
    def name(self) -> str | None:
        """Its name, where it has one."""
        return self.node.name.value if self.node.name else None

    @property
    def live(self) -> bool:
        """Whether it is a subscription."""
        return self.node.operation is OperationType.SUBSCRIPTION

    @cached_property
    def root(self) -> FieldNode | None:
        """A subscription's one field, unless it stands in a fragment."""
        selected = self.node.selection_set.selections
        only = selected[0] if self.live and len(selected) == 1 else None
        return only if isinstance(only, FieldNode) else None

    @cached_property
    def alike(self) -> Hashable:
        """Equal for operations that return the same from the same position."""
        varied = {k: v for k, v in self.variables.items() if k not in self._starts}
        return self.text, self.name, msgspec.json.encode(varied, order="sorted")

    @cached_property
    def _starts(self) -> frozenset[str]:
        """Variables that say where a subscription starts and nothing else."""
        if self.root is None:
            return frozenset()
        given = [
            a.value for a in self.root.arguments or () if a.name.value in {"after", "onExpired"}
        ]
        names = [value.name.value for value in given if isinstance(value, VariableNode)]
        counter = _Uses()
        visit(self.document, counter)
        return frozenset(name for name in names if counter.names.count(name) == 1)


class _Uses(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_variable(self, node: VariableNode, _key: Any, parent: Any, *_: Any) -> None:
        if not isinstance(parent, VariableDefinitionNode):
            self.names.append(node.name.value)
