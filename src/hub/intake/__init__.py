"""A callback in, receipts out: authentication, reading, reply, quarantine."""

from hub.intake.adapters import all_adapters
from hub.intake.adapters.adapter import Reason
from hub.intake.codes import protocols
from hub.intake.documentation import operation
from hub.intake.peer import network
from hub.intake.replay import Difference, Replayed, Reread, replaying
from hub.intake.webhook import Webhook

__all__ = [
    "Difference",
    "Reason",
    "Replayed",
    "Reread",
    "Webhook",
    "all_adapters",
    "network",
    "operation",
    "protocols",
    "replaying",
]
