"""The log: one durable order of everything that providers reported."""
