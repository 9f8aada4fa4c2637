"""
Compares the schema with an earlier one, for reviews: `… | python -m hub.graphql.breaking`.

The earlier schema comes on standard input; nothing there means that there is none.  Exit code 1
where a client of the earlier schema could break.
"""

import sys

from graphql import build_schema, find_breaking_changes

from hub.graphql.export import sdl


def breaks(earlier: str, present: str) -> list[str]:
    """What in the schema *present* could break a client of *earlier*; both are SDL."""
    if not earlier.strip():
        return []
    changes = find_breaking_changes(build_schema(earlier), build_schema(present))
    return [change.description for change in changes]


def main() -> int:
    """Print what breaks; the exit code."""
    found = breaks(sys.stdin.read(), sdl())
    for change in found:
        sys.stderr.write(f"The GraphQL schema breaks clients: {change}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
