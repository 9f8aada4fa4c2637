"""Durable readers: their rows, leases, acknowledgements and parked receipts."""
