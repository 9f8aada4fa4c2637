"""
Compares GraphQL schemas, for reviews: `python -m scripts.breaking PRESENT < EARLIER`, both as SDL.

Nothing on standard input means that there is no earlier one.  Exit code 1 where a client of the
earlier schema could break.
"""

import sys
from pathlib import Path

from graphql import build_schema, find_breaking_changes


def breaks(earlier: str, present: str) -> list[str]:
    """What in the schema *present* could break a client of *earlier*."""
    if not earlier.strip():
        return []
    changes = find_breaking_changes(build_schema(earlier), build_schema(present))
    return [change.description for change in changes]


def main(present: str) -> int:
    """Print what breaks; the exit code."""
    found = breaks(sys.stdin.read(), Path(present).read_text(encoding="utf-8"))
    for change in found:
        sys.stderr.write(f"The GraphQL schema breaks clients: {change}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
