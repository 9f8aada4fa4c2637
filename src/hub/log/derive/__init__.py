"""What receipts add up to: a message's state, its latency, the roll-up.  Pure."""
