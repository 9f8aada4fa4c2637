"""What keeps a log healthy: retention, checkpoints, verification, backup."""

from hub.upkeep.backups import backup, renew_epoch
from hub.upkeep.checkpoints import Upkeep
from hub.upkeep.retention import Retention
from hub.upkeep.verification import Report, verify

__all__ = [
    "Report",
    "Retention",
    "Upkeep",
    "backup",
    "renew_epoch",
    "verify",
]
