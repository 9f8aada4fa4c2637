"""What can be asked for: the types of the schema."""
