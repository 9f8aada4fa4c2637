"""Who may post and who may read: the directory that each process keeps, and its administration."""

from hub.accounts.administration import Administration, NewConsumer, NewProvider
from hub.accounts.directory import Account, Accounts

__all__ = [
    "Account",
    "Accounts",
    "Administration",
    "NewConsumer",
    "NewProvider",
]
