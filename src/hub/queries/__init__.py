"""What both surfaces ask, written once: always on behalf of one access, and with it applied."""

from hub.queries.callers import access_of
from hub.queries.filters import TypedFilter
from hub.queries.lookups import MessageName
from hub.queries.queries import Core, Queries

__all__ = [
    "Core",
    "MessageName",
    "Queries",
    "TypedFilter",
    "access_of",
]
