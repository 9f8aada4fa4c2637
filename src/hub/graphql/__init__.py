"""The GraphQL surface: questions and live operations of front ends."""

from hub.graphql.router import graphql_router

__all__ = [
    "graphql_router",
]
