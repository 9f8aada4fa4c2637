"""One operation: its limits and cost, and how live ones are shared."""
