"""One door to the database: the tables, their migrations, and all in which databases differ."""
