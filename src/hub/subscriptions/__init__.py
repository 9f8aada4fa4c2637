"""Durable readers: their rows, leases, acknowledgements and parked receipts."""

from hub.subscriptions.administration import Declaration
from hub.subscriptions.lease import Lease
from hub.subscriptions.leases import Key
from hub.subscriptions.parked import listing
from hub.subscriptions.reader import Delivery, ReadOptions
from hub.subscriptions.readers import Readers, Start
from hub.subscriptions.state import SubscriptionState, states

__all__ = [
    "Declaration",
    "Delivery",
    "Key",
    "Lease",
    "ReadOptions",
    "Readers",
    "Start",
    "SubscriptionState",
    "listing",
    "states",
]
