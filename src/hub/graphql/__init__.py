"""The GraphQL surface: questions and live operations of front ends."""
