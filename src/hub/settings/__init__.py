"""The settings: what they are, and how they are read from the environment and `.env`."""

from hub.settings.settings import Settings, load, unknown, variable

__all__ = ["Settings", "load", "unknown", "variable"]
