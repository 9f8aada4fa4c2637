"""The log, live: one tail for all, and followers that are positions."""
