"""Every SMS delivery receipt, once, in one order, for everyone who asks."""

__version__ = "0.1.0"
