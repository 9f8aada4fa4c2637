"""The log, live: one tail for all, and a follower for each reader."""

from hub.feed.follower import Feed
from hub.feed.frame import Frame
from hub.feed.tail import Tail

__all__ = [
    "Feed",
    "Frame",
    "Tail",
]
