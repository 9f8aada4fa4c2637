"""A callback in, receipts out: authentication, reading, reply, quarantine."""
