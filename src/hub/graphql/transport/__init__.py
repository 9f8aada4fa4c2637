"""How operations travel: one endpoint, sockets, event streams, the page to try them."""
