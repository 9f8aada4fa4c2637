"""Prints the schema: `python -m hub.graphql.export`."""

import sys

from hub.graphql.schema import build_schema


def sdl() -> str:
    """The schema in GraphQL's own language."""
    return build_schema().as_str() + "\n"


if __name__ == "__main__":
    sys.stdout.write(sdl())
