"""Ask and subscribe: the GraphQL surface.  Types convert, call the log or the feed, convert."""
