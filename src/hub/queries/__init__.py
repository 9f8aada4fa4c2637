"""What both surfaces ask, written once: always on behalf of one access, and with it applied."""
