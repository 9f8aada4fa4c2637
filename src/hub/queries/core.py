"""The parts of the hub that questions are answered from."""

from dataclasses import dataclass

from hub.accounts.directory import Accounts
from hub.feed.follower import Feed
from hub.log.read.log import ReceiptLog


@dataclass(frozen=True, slots=True)
class Core:
    """What questions are answered from."""

    log: ReceiptLog
    feed: Feed
    accounts: Accounts
