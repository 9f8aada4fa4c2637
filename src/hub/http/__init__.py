"""The one HTTP application and the server that carries it."""
