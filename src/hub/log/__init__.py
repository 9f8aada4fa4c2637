"""One durable order: the receipt log and what is derived from it."""
