"""Trusted documents: where a folder of them is set, nothing else runs."""

from collections.abc import Callable
from pathlib import Path

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    print_ast,
    separate_operations,
    validate,
)

from hub.errors import Forbidden, StartError


class Trusted:
    """The operations of a folder's `.graphql` files, by name and by text however it is spaced."""

    def __init__(self, folder: Path, schema: GraphQLSchema) -> None:
        document = _read(folder)
        errors = validate(schema, document)
        if errors:
            message = f"HUB_TRUSTED_DOCUMENTS: {folder}: {errors[0].message}"
            raise StartError(message)
        self._by_name = {
            name: print_ast(part) for name, part in separate_operations(document).items()
        }
        self._texts = frozenset(self._by_name.values())

    def text(
        self, text: str | None, name: str | None, parsed: Callable[[str], DocumentNode]
    ) -> str:
        """The trusted text that *text*, or *name* alone, asks for; raises `Forbidden`."""
        if not text and name in self._by_name:
            return self._by_name[name]
        if text:
            parts = separate_operations(parsed(text))
            chosen = parts.get(name or "", next(iter(parts.values()), None))
            if chosen is not None and print_ast(chosen) in self._texts:
                return print_ast(chosen)
        message = "this hub runs only the operations that it was given as trusted documents"
        raise Forbidden(message)


def _read(folder: Path) -> DocumentNode:
    files = sorted(folder.glob("*.graphql"))
    if not files:
        message = f"HUB_TRUSTED_DOCUMENTS holds {folder}, which is no folder of .graphql files"
        raise StartError(message)
    try:
        document = parse("\n".join(file.read_text(encoding="utf-8") for file in files))
    except (GraphQLError, UnicodeDecodeError) as error:
        message = f"HUB_TRUSTED_DOCUMENTS: {folder}: {error}"
        raise StartError(message) from error
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode) and definition.name is None:
            message = f"HUB_TRUSTED_DOCUMENTS: {folder}: every operation needs a name"
            raise StartError(message)
    return document
