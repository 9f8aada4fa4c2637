"""Prints graphql/schema.graphql: `python -m scripts.schema`."""

import sys

from hub.graphql.schema import build_schema

if __name__ == "__main__":
    sys.stdout.write(build_schema().as_str() + "\n")
